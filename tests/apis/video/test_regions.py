"""Files of zones and lines, and areas on the ground."""

import json

import numpy as np
import pytest

from mmcrowd.apis.video.regions import crosses, read_regions, side

SQUARE = [[10, 10], [110, 10], [110, 60], [10, 60]]


def write(tmp_path, content, name='regions.json'):
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def camera(points, focal=500.0, height=6.0, pitch=0.5):
    """Pixels of ground points (N, 2) metres (to the right, ahead) for a camera of known pose."""
    x, ahead = np.asarray(points, float).T
    depth = ahead * np.cos(pitch) + height * np.sin(pitch)
    down = height * np.cos(pitch) - ahead * np.sin(pitch)
    return np.stack([320 + focal * x / depth, 240 + focal * down / depth], axis=1)


def test_json_and_yaml_say_the_same(tmp_path):
    content = dict(zones=dict(square=SQUARE), lines=dict(gate=[[0, 0], [5, 5]]))
    text = 'zones:\n  square: [[10, 10], [110, 10], [110, 60], [10, 60]]\nlines:\n  gate: [[0, 0], [5, 5]]\n'
    for path in (write(tmp_path, content), write(tmp_path, text, 'regions.yml')):
        regions = read_regions(path, (640, 480))
        assert np.array_equal(regions.zones['square'], SQUARE)
        assert np.array_equal(regions.lines['gate'], [[0, 0], [5, 5]])
        assert regions.areas == {}


def test_area_on_the_ground_is_that_of_the_camera_s_scene(tmp_path):
    known = [[-4, 6], [4, 6], [6, 16], [-6, 16]]
    zone = np.array([[-2, 7], [3, 8], [1, 14], [-3, 12]])
    area = 0.5 * abs(np.dot(zone[:, 0], np.roll(zone[:, 1], -1)) - np.dot(zone[:, 1], np.roll(zone[:, 0], -1)))
    content = dict(zones=dict(z=camera(zone).tolist()), ground=dict(pixels=camera(known).tolist(), metres=known))
    assert read_regions(write(tmp_path, content)).areas['z'] == pytest.approx(area, rel=1e-4)
    # Heads 1.5 m above the ground, in a zone that is drawn around the heads.
    heads = camera(zone, height=4.5).tolist()
    content = dict(zones=dict(z=heads), ground=content['ground'] | dict(camera_height=6, head_height=1.5))
    assert read_regions(write(tmp_path, content)).areas['z'] == pytest.approx(area, rel=1e-4)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('[1, 2]', 'the file: expected the keys zones, lines, ground'),
        ('{"zones": ', 'expected JSON or YAML'),
        ('{"zones": {"a": [[0, 0]], "a": [[1, 1]]}}', 'a: this name stands there twice'),
        ({}, 'expected zones or lines, found neither'),
        ({'zone': {}}, 'zone: no such key of the file'),
        ({'zones': [SQUARE]}, 'zones: expected names'),
        ({'zones': {' ': SQUARE}}, "zones: expected names that are text, found ' '"),
        ({'zones': {'a': SQUARE[:2]}}, r'zones\.a: expected three or more points'),
        ({'zones': {'a': [[0, 0], [1, 'x'], [2, 2]]}}, r'zones\.a: expected three or more points'),
        ({'zones': {'a': [[0, 0], [9, 9], [18, 18]]}}, r'zones\.a: expected a polygon'),
        ({'zones': {'a': [SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3], [0, 40]]}}, r'zones\.a: its edges cross'),
        ({'zones': {'a': [[0, 0], [700, 0], [9, 9]]}}, r'zones\.a: \(700, 0\) lies outside of the 640 x 480'),
        ({'lines': {'g': SQUARE}}, r'lines\.g: expected two points'),
        ({'lines': {'g': [[1, 1], [1, 1]]}}, r'lines\.g: expected two different points'),
        ({'zones': {'a': SQUARE}, 'ground': {'pixels': SQUARE}}, r'ground\.metres: expected four points'),
        (
            {'zones': {'a': SQUARE}, 'ground': dict(pixels=SQUARE, metres=[[0, 0], [1, 1], [2, 2], [0, 5]])},
            r'ground\.metres: expected four points of which no three lie on a line',
        ),
        (
            {'zones': {'a': SQUARE}, 'ground': dict(pixels=SQUARE, metres=[[0, 0], [5, 5], [5, 0], [0, 5]])},
            r'ground\.metres: reaches the horizon .* same order',
        ),
        (
            {'zones': {'a': SQUARE}, 'ground': dict(pixels=SQUARE, metres=SQUARE, camera_height=1)},
            r'ground\.camera_height: expected more than the 1\.6 m',
        ),
        ({'zones': {'a': SQUARE}, 'ground': dict(pixels=SQUARE, metres=SQUARE, head_height=1)}, 'changes nothing'),
    ],
)
def test_mistakes_name_the_file_and_the_key(tmp_path, content, message):
    with pytest.raises(ValueError, match=rf'regions\.json: {message}' if 'changes' not in message else message):
        read_regions(write(tmp_path, content), (640, 480))


def test_zone_beyond_the_horizon(tmp_path):
    known = [[-4, 6], [4, 6], [6, 16], [-6, 16]]
    ground = dict(pixels=camera(known).tolist(), metres=known)
    with pytest.raises(ValueError, match=r'zones\.sky: reaches the horizon'):
        read_regions(write(tmp_path, dict(zones=dict(sky=[[0, -50], [9, -50], [300, 300]]), ground=ground)))


def test_a_way_over_a_line_crosses_it_once():
    first, second = np.array([0.0, 0.0]), np.array([10.0, 0.0])
    way = np.array([[2, -3], [3, 0], [4, 0], [5, 3]], float)  # it touches the line, walks on it, leaves below
    crossed = crosses(way[:-1], way[1:], first, second)
    assert crossed.sum() == 1
    assert side(way[-1], first, second)  # seen on the screen, below is right of the way from left to right
    back = crosses(way[:0:-1], way[-2::-1], first, second)
    assert back.sum() == 1
    beside = crosses(np.array([[12.0, -3]]), np.array([[12.0, 3]]), first, second)
    assert not beside.any()
