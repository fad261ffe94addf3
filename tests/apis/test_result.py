"""Results: files and pictures."""

import csv
import json
import sys
from dataclasses import replace
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace

import cv2
import numpy as np
import pytest

from mmcrowd.apis import CrowdResult, save_results
from mmcrowd.apis.result import count_text
from mmcrowd.datasets.formats import format_named


def result(number: int = 2, path: str | None = None, count: float | None = None) -> CrowdResult:
    points = np.array([[10.126, 5.5], [30.0, 20.0]], np.float32)[:number]
    boxes = np.array([[9, 4, 12, 7], [np.nan] * 4], np.float32)[:number]
    scores = np.array([0.91, 0.25], np.float32)[:number]
    return CrowdResult(points, scores, boxes, number if count is None else count, path, (70, 40))


@pytest.mark.parametrize('number', [0, 1, 2])
def test_json(tmp_path, number: int) -> None:
    path = result(number, 'street.jpg').save(tmp_path / 'new' / 'street.json')
    data = json.loads(path.read_text())
    assert data == dict(
        image='street.jpg',
        width=70,
        height=40,
        count=number,
        points=[[10.13, 5.5], [30.0, 20.0]][:number],
        scores=[0.91, 0.25][:number],
        boxes=[[9, 4, 12, 7], None][:number],
    )


@pytest.mark.parametrize('number', [0, 1, 2])
def test_csv(tmp_path, number: int) -> None:
    path = result(number).save(str(tmp_path / 'street.CSV'))
    with path.open(newline='') as file:
        rows = list(csv.reader(file))
    heads = [['10.13', '5.5', '0.91', '9.0', '4.0', '12.0', '7.0'], ['30.0', '20.0', '0.25', '', '', '', '']]
    assert rows == [['x', 'y', 'score', 'x1', 'y1', 'x2', 'y2'], *heads[:number]]


def test_other_endings_are_refused(tmp_path) -> None:
    with pytest.raises(ValueError, match=r'street\.txt: expected a file name that ends in \.json or \.csv'):
        result().save(tmp_path / 'street.txt')


@pytest.mark.parametrize('number', [0, 2])
@pytest.mark.parametrize('styles', [None, ['points', 'boxes'], ['density', 'contours']])
def test_draw(number: int, styles: list | None) -> None:
    image = np.full((40, 70, 3), 100, np.uint8)
    drawn = result(number).draw(image, styles)
    assert drawn.shape == image.shape
    assert (image == 100).all()
    assert (drawn != image).any()


def test_draw_is_bgr() -> None:
    image = np.full((400, 700, 3), 100, np.uint8)
    one = CrowdResult(np.array([[350, 200]]), np.ones(1), np.full((1, 4), np.nan), 1, None, (700, 400))
    b, g, r = one.draw(image)[200, 350]
    assert b > g > r


def counted(maps: dict | None) -> CrowdResult:
    return CrowdResult(np.zeros((0, 2)), np.zeros(0), np.zeros((0, 4)), 3.2, None, (70, 40), maps, has_points=False)


def test_a_model_without_points_shows_its_density() -> None:
    image, density = np.full((40, 70, 3), 100, np.uint8), np.zeros((1, 5, 9), np.float32)
    density[0, 1, 7] = 3.2  # above the legend, whose size is that of OpenCV's letters
    one = counted(dict(density=density))
    drawn = one.draw(image, text='')
    np.testing.assert_array_equal(drawn, one.draw(image, ['density'], text=''))
    assert np.ptp(drawn[12, 60].astype(int)) > 50, 'coloured'
    assert np.ptp(drawn[2, 2].astype(int)) == 0, 'gray'
    np.testing.assert_array_equal(counted(None).draw(image, text=''), image)


@pytest.mark.parametrize(
    ('maps', 'styles', 'can'),
    [
        (None, ['contours'], 'nothing'),
        (dict(density=np.ones((1, 5, 9))), ['points'], 'density and contours'),
        (dict(density=np.ones((1, 5, 9))), ['boxes', 'density'], 'density and contours'),
    ],
)
def test_what_a_model_does_not_give_is_not_drawn(maps: dict | None, styles: list, can: str) -> None:
    with pytest.raises(ValueError, match=f'without points: {can} can be drawn, found'):
        counted(maps).draw(np.zeros((40, 70, 3), np.uint8), styles)


def test_a_predicted_density_goes_before_the_points() -> None:
    image, density = np.full((40, 70, 3), 100, np.uint8), np.zeros((1, 40, 70), np.float32)
    density[0, 3, 65] = 9
    with_map = replace(result(), maps=dict(density=density))
    drawn = with_map.draw(image, ['density'], text='')
    assert np.ptp(drawn[3, 62].astype(int)) > 30 > np.ptp(drawn[5, 10].astype(int))


@pytest.mark.parametrize('styles', [None, ['contours']])
def test_draw_beside_what_is_annotated(styles: list | None) -> None:
    image = np.full((40, 70, 3), 100, np.uint8)
    drawn = result().draw(image, styles, annotated=[[10, 5], [60, 35]], match_radius=3)
    assert (image == 100).all()
    assert drawn.shape[0] > 40
    assert drawn.shape[1] > 140
    assert result(0).draw(image, styles, annotated=[]).shape == drawn.shape


def test_draw_reads_the_file(tmp_path) -> None:
    path = tmp_path / 'street.png'
    cv2.imwrite(str(path), np.full((40, 70, 3), 100, np.uint8))
    from_file = result(path=str(path)).draw()
    np.testing.assert_array_equal(from_file, result().draw(np.full((40, 70, 3), 100, np.uint8)))


def test_draw_checks_its_image() -> None:
    with pytest.raises(ValueError, match='predicted from an array'):
        result().draw()
    with pytest.raises(ValueError, match=r'expected an image of \(70, 40\) \(width, height\), found \(40, 70\)'):
        result().draw(np.zeros((70, 40, 3), np.uint8))


@pytest.mark.parametrize(
    ('crowd', 'text'),
    [
        (result(path='a.jpg'), "CrowdResult(count=2, points=(2, 2), image='a.jpg')"),
        (result(0, count=12.5), "CrowdResult(count=12.5, points=(0, 2), image='70 x 40 px array')"),
    ],
)
def test_repr_is_short(crowd: CrowdResult, text: str) -> None:
    assert repr(crowd) == text


@pytest.mark.parametrize('numbers', [[], [0], [2, 0, 1]])
def test_many_results(tmp_path, numbers: list) -> None:
    predictions, counts = save_results([result(n, f'{n}.jpg') for n in numbers], tmp_path / 'out')
    assert [entry['count'] for entry in json.loads(predictions.read_text())] == numbers
    with counts.open(newline='') as file:
        rows = list(csv.reader(file))
    assert rows == [
        ['image', 'width', 'height', 'count', 'low', 'high'],
        *([f'{n}.jpg', '70', '40', str(n), '', ''] for n in numbers),
    ]


def test_texts() -> None:
    assert json.loads(result().to_json()) == result().to_dict()
    lines = result().to_csv().splitlines()
    assert lines == ['x,y,score,x1,y1,x2,y2', '10.13,5.5,0.91,9.0,4.0,12.0,7.0', '30.0,20.0,0.25,,,,']


def test_a_frame_keeps_its_place_in_the_video() -> None:
    frame = replace(result(path='clip.mp4'), frame=7, seconds=0.28)
    assert CrowdResult.from_dict(json.loads(frame.to_json())).frame == 7
    assert 'frame=7' in repr(frame)
    assert 'frame' not in result().to_dict()
    with pytest.raises(ValueError, match='predicted from a frame: pass its pixels'):
        frame.draw()


@pytest.mark.parametrize('number', [0, 2])
def test_coco_is_read_by_the_reader_of_annotations(tmp_path, number: int) -> None:
    images = tmp_path / 'images'
    images.mkdir()
    cv2.imwrite(str(images / 'street.png'), np.zeros((40, 70, 3), np.uint8))
    made = result(number, str(images / 'street.png')).to_coco(first_id=5)
    assert [head['id'] for head in made['annotations']] == [5, 6][:number]
    assert [head['score'] for head in made['annotations']] == [0.91, 0.25][:number]
    (tmp_path / 'coco.json').write_text(json.dumps(made))
    image = format_named('coco').read(tmp_path / 'coco.json', images).images[0]
    assert image.points.tolist() == [[10.13, 5.5], [30.0, 20.0]][:number]
    np.testing.assert_allclose(image.boxes, np.array([[9, 4, 12, 7], [np.nan] * 4])[:number])


def test_coco_wants_a_name() -> None:
    with pytest.raises(ValueError, match='predicted from an array: give the file_name'):
        result().to_coco()
    assert result().to_coco('a.jpg')['images'] == [dict(id=1, file_name='a.jpg', width=70, height=40, count=2)]


def test_supervision(monkeypatch) -> None:
    stand_in = ModuleType('supervision')
    stand_in.__spec__ = ModuleSpec('supervision', None)
    stand_in.Detections = SimpleNamespace
    monkeypatch.setitem(sys.modules, 'supervision', stand_in)
    made = result().to_supervision()
    np.testing.assert_allclose(made.xyxy, [[9, 4, 12, 7], [30, 20, 30, 20]])
    np.testing.assert_array_equal(made.data['points'], result().points)
    np.testing.assert_allclose(made.confidence, [0.91, 0.25])
    assert made.class_id.tolist() == [0, 0]
    assert made.metadata == dict(count=2)
    assert result(0).to_supervision().xyxy.shape == (0, 4)


def test_a_picture_says_the_interval() -> None:
    image = np.full((40, 300, 3), 100, np.uint8)
    plain = replace(result(), size=(300, 40))
    sure = replace(plain, interval=(0, 5))
    np.testing.assert_array_equal(sure.draw(image), plain.draw(image, text='2 heads (0 to 5)'))
    assert (sure.draw(image) != plain.draw(image)).any()


def test_exports_have_the_interval() -> None:
    sure = replace(result(path='a.jpg'), interval=(0, 5))
    assert json.loads(sure.to_json())['interval'] == [0, 5]
    assert sure.to_coco()['images'][0]['interval'] == [0, 5]
    assert 'interval=(0, 5)' in repr(sure)


def test_supervision_takes_it() -> None:
    supervision = pytest.importorskip('supervision', reason='needs the extra supervision')
    made = replace(result(), interval=(0, 5)).to_supervision()
    assert made.metadata == dict(count=2, interval=[0, 5])
    assert made.get_anchors_coordinates(supervision.Position.CENTER)[1].tolist() == [30, 20]
    assert len(made) == 2
    assert len(result(0).to_supervision()) == 0


def test_supervision_that_is_missing_is_named(monkeypatch) -> None:
    monkeypatch.setattr('mmcrowd.apis.result.find_spec', lambda name: None)
    with pytest.raises(ImportError, match=r'needs the package supervision: pip install "supervision>=0\.25"'):
        result().to_supervision()


@pytest.mark.parametrize('export', ['to_csv', 'to_coco', 'to_supervision'])
def test_a_count_is_no_list_of_heads(export: str) -> None:
    with pytest.raises(ValueError, match='the model counts without points'):
        getattr(replace(result(0, 'a.jpg', 12.5), has_points=False), export)()


@pytest.mark.parametrize(('count', 'text'), [(0, '0'), (-0.3, '0'), (283.4, '283'), (1234.6, '1,235'), (7, '7')])
def test_counts_are_read_in_whole_heads(count, text):
    assert count_text(count) == text
