"""Drawing: shapes, places, colours, and that inputs stay as they are."""

from contextlib import nullcontext as does_not_raise
from itertools import combinations

import cv2
import numpy as np
import pytest

from mmcrowd.visualization import (
    add_caption,
    auto_radius,
    draw_boxes,
    draw_count,
    draw_map,
    draw_matches,
    draw_points,
    head_radii,
    magnification,
    magnify,
    panels,
)
from mmcrowd.visualization.captions import _measure, _text_size, text_rows
from mmcrowd.visualization.drawing import FALSE_COLOR, MISSED_COLOR, TRUE_COLOR
from mmcrowd.visualization.markers import _LARGEST_STAMP, MARKERS

NAN = np.nan
NO_POINTS, NO_MASK = np.zeros((0, 2)), np.zeros(0, bool)


def gray(height: int = 60, width: int = 80) -> np.ndarray:
    return np.full((height, width, 3), 100, np.uint8)


def changed(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """(K, 2) xy of the pixels that differ."""
    return np.argwhere((before != after).any(axis=2))[:, ::-1]


def mean_marker_place(points: list, **options) -> np.ndarray:
    image = gray()
    return changed(image, draw_points(image, np.array(points, np.float32), **options)).mean(axis=0) + 0.5


@pytest.mark.parametrize(
    'draw',
    [
        lambda image: draw_points(image, NO_POINTS),
        lambda image: draw_points(image, []),
        lambda image: draw_points(image, NO_POINTS, scores=np.zeros(0)),
        lambda image: draw_points(image, [[NAN, 3.0], [np.inf, 3.0]]),
        lambda image: draw_points(image, [[-500.0, 3.0], [1e30, 3.0]]),
        lambda image: draw_boxes(image, np.zeros((0, 4))),
        lambda image: draw_boxes(image, [[NAN] * 4, [1, 2, NAN, 4]]),
        lambda image: draw_map(image, np.zeros((30, 40))),
        lambda image: draw_map(image, np.full((30, 40), NAN)),
        lambda image: draw_count(image, ''),
        lambda image: add_caption(image, ''),
        lambda image: magnify(image, 1),
        lambda image: panels([image]),
    ],
)
def test_nothing_to_draw_gives_an_equal_copy(draw) -> None:
    image = gray()
    out = draw(image)
    assert out is not image
    assert not np.shares_memory(out, image)
    np.testing.assert_array_equal(out, image)


@pytest.mark.parametrize(
    'draw',
    [
        lambda image: draw_points(image, [[10, 10]]),
        lambda image: draw_boxes(image, [[10, 10, 20, 20]]),
        lambda image: draw_map(image, np.eye(30, 40)),
        lambda image: draw_map(image, np.eye(30, 40), alpha=1),
        lambda image: draw_count(image, '3 heads'),
        lambda image: add_caption(image, '3 heads'),
        lambda image: draw_matches(image, [[5, 5]], [[20, 20]], np.array([False]), np.array([False])),
        lambda image: magnify(image, 3),
        lambda image: panels([image, image]),
    ],
)
def test_inputs_are_not_modified(draw) -> None:
    image = gray()
    image.flags.writeable = False
    out = draw(image)
    assert out.dtype == np.uint8
    assert out.flags.writeable
    assert out.flags.c_contiguous
    assert (image == 100).all()


@pytest.mark.parametrize('marker', ['dot', 'cross', 'ring'])
@pytest.mark.parametrize('radius', [1.3, 3.0, 8.0])
@pytest.mark.parametrize('point', [(40.0, 30.0), (40.99, 30.01)])
def test_markers_are_centred_on_the_pixel_of_the_point(marker: str, radius: float, point: tuple) -> None:
    place = mean_marker_place([point], marker=marker, radius=radius)
    np.testing.assert_allclose(place, (40.5, 30.5), atol=0.35)


@pytest.mark.parametrize('point', [(0, 0), (79.9, 59.9), (-2.0, 30.0), (40.0, 61.0)])
def test_markers_at_the_border_are_cut_not_wrapped(point: tuple) -> None:
    image = gray()
    places = changed(image, draw_points(image, [point], radius=4))
    assert len(places)
    assert (np.abs(places + 0.5 - np.array(point)) < 8).all()


def test_stamping_many_equals_stamping_one_by_one() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (200, 300, 3), dtype=np.uint8)
    x, y = np.meshgrid(np.arange(10, 300, 25), np.arange(10, 200, 25))
    points = np.stack([x.ravel(), y.ravel()], axis=1) + rng.uniform(0, 5, (x.size, 2))
    scores = rng.random(len(points))
    together = draw_points(image, points, radius=5, scores=scores)
    one_by_one = image
    for point, score in zip(points, scores, strict=True):
        one_by_one = draw_points(one_by_one, point[None], radius=5, scores=score[None])
    np.testing.assert_array_equal(together, one_by_one)


def test_scores_choose_the_colour() -> None:
    image = gray()
    out = draw_points(image, [[20.5, 30.5], [60.5, 30.5]], color=(0, 255, 0), radius=5, scores=[0.0, 1.0])
    assert tuple(out[30, 60]) == (0, 255, 0)
    assert tuple(out[30, 20]) == (255, 70, 190)


@pytest.mark.parametrize(
    ('arguments', 'expectation'),
    [
        (dict(points=[[1, 2]]), does_not_raise()),
        (
            dict(points=[[1, 2, 3]]),
            pytest.raises(ValueError, match=r'points must be \(N, 2\) xy, found shape \(1, 3\)'),
        ),
        (dict(points=[[1, 2]], scores=[0.5, 0.5]), pytest.raises(ValueError, match='2 scores for 1 points')),
        (dict(points=[[1, 2]], marker='star'), pytest.raises(ValueError, match="found 'star'")),
    ],
)
def test_draw_points_checks_its_arguments(arguments: dict, expectation) -> None:
    with expectation:
        draw_points(gray(), **arguments)


@pytest.mark.parametrize(
    ('image', 'found'),
    [
        (np.zeros((4, 5), np.uint8), r'uint8 array of shape \(4, 5\)'),
        (np.zeros((4, 5, 3), np.float32), r'float32 array of shape \(4, 5, 3\)'),
        ([[1]], 'list'),
    ],
)
def test_images_are_checked(image: object, found: str) -> None:
    with pytest.raises(ValueError, match=found):
        draw_points(image, NO_POINTS)


@pytest.mark.parametrize(
    ('box', 'corner_pixels'),
    [
        ([10, 20, 30, 40], [(10, 20), (29, 20), (10, 39), (29, 39)]),
        ([10.2, 20.9, 29.1, 39.5], [(10, 20), (29, 20), (10, 39), (29, 39)]),
        ([10, 20, 10, 20], [(10, 20)]),
    ],
)
def test_boxes_enclose_the_pixels_they_cover(box: list, corner_pixels: list) -> None:
    image = gray()
    places = changed(image, draw_boxes(image, [box], thickness=1))
    low, high = places.min(axis=0), places.max(axis=0)
    assert tuple(low) == corner_pixels[0]
    assert tuple(high) == corner_pixels[-1]


def test_boxes_larger_than_the_image_draw_nothing_inside() -> None:
    image = gray()
    out = draw_boxes(image, [[-1e9, -1e9, 1e9, 1e9]], thickness=1)
    np.testing.assert_array_equal(out, image)


@pytest.mark.parametrize('stride', [1, 2, 4, 8])
@pytest.mark.parametrize('shape', [(64, 80), (61, 77)])
def test_maps_lie_exactly_over_their_pixels(stride: int, shape: tuple) -> None:
    cells = np.zeros((-(-shape[0] // stride), -(-shape[1] // stride)), np.float32)
    i, j = cells.shape[0] - 2, 3
    cells[i, j] = 2.5
    image = gray(*shape)
    background = draw_map(image, np.zeros_like(cells), alpha=1)
    places = changed(background, draw_map(image, cells, alpha=1))
    assert tuple(places.min(axis=0)) == (j * stride, i * stride)
    assert tuple(places.max(axis=0)) == ((j + 1) * stride - 1, (i + 1) * stride - 1)


@pytest.mark.parametrize('shape', [(7, 9), (1, 1), (200, 300)])
def test_maps_of_any_size_fit(shape: tuple) -> None:
    image = gray()
    for alpha in (0.5, 1):
        assert draw_map(image, np.ones(shape), alpha=alpha).shape == image.shape


def test_overlay_shows_the_image_where_the_map_is_zero() -> None:
    image = gray()
    cells = np.zeros((60, 80))
    cells[:, 40:] = 1
    out = draw_map(image, cells, alpha=0.5)
    np.testing.assert_array_equal(out[:, :40], image[:, :40])
    assert (out[:, 40:] != image[:, 40:]).any(axis=2).all()


def test_maps_share_a_scale_if_told() -> None:
    image = gray()
    low, high = (draw_map(image, np.full((60, 80), value), alpha=1, max_value=2.0) for value in (1.0, 2.0))
    assert low.sum() < high.sum()


@pytest.mark.parametrize('map', [np.zeros((3, 4, 5)), np.zeros((0, 4))])
def test_maps_are_checked(map: np.ndarray) -> None:
    with pytest.raises(ValueError, match='a map must be'):
        draw_map(gray(), map)


@pytest.mark.parametrize(
    ('gt', 'pred', 'matched_gt', 'matched_pred', 'colours'),
    [
        ([], [], [], [], set()),
        ([], [[40, 30]], [], [False], {FALSE_COLOR}),
        ([[40, 30]], [], [False], [], {MISSED_COLOR}),
        ([[40, 30]], [[41, 30]], [True], [True], {TRUE_COLOR}),
        (
            [[20, 30], [60, 30]],
            [[20, 30], [40, 50]],
            [True, False],
            [True, False],
            {TRUE_COLOR, FALSE_COLOR, MISSED_COLOR},
        ),
    ],
)
def test_matches_are_drawn_by_kind(gt, pred, matched_gt, matched_pred, colours) -> None:
    image = gray()
    out = draw_matches(image, gt, pred, np.array(matched_gt, bool), np.array(matched_pred, bool), radius=6)
    picture = out[len(out) - len(image) :]
    kinds = {TRUE_COLOR, FALSE_COLOR, MISSED_COLOR}
    assert {kind for kind in kinds if (picture == kind).all(axis=2).any()} == colours
    assert out.shape[0] > image.shape[0]
    assert out.shape[1] == image.shape[1]


@pytest.mark.parametrize('mask', [np.array([0]), np.array([True, False]), np.array(True)])
def test_matches_need_one_bool_per_point(mask: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r'matched_gt must be \(1,\) bool'):
        draw_matches(gray(), [[1, 1]], NO_POINTS, mask, NO_MASK)


# Machado, Oliveira and Fernandes, IEEE TVCG 15 (2009), table 1: severity 1, linear RGB.
DEFICIENCIES = dict(
    none=np.eye(3),
    protan=[[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    deutan=[[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    tritan=[[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
)


@pytest.mark.parametrize('deficiency', DEFICIENCIES)
def test_match_colours_differ_for_every_reader(deficiency: str) -> None:
    rgb = np.array([TRUE_COLOR, FALSE_COLOR, MISSED_COLOR], np.float32) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.array(DEFICIENCIES[deficiency]).T, 0, 1)
    srgb = np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055)
    lab = cv2.cvtColor(srgb.astype(np.float32)[None], cv2.COLOR_RGB2LAB)[0]
    assert min(np.linalg.norm(a - b) for a, b in combinations(lab, 2)) > 25


@pytest.mark.parametrize('value', [0, 128, 255])
@pytest.mark.parametrize('shape', [(100, 40), (768, 1024), (3000, 2000)])
def test_text_is_readable_on_any_background(value: int, shape: tuple) -> None:
    image = np.full((*shape, 3), value, np.uint8)
    out = draw_count(image, '1,234 heads')
    places = changed(image, out)
    plate = out[: places[:, 1].max() + 1, : places[:, 0].max() + 1].astype(int)
    # Strokes of small letters, thinner than a pixel in some versions of OpenCV, are gray.
    ground = np.percentile(plate, 20)
    assert ground < 100
    assert plate.max() - ground >= 150
    assert plate.shape[1] <= shape[1]


def test_text_grows_with_the_image_and_shrinks_to_fit() -> None:
    rows = text_rows('1,234 predicted, 1,300 annotated')
    usual, large, narrow = (_text_size(rows, *size) for size in ((1024, 768), (4096, 3072), (120, 4000)))
    assert usual < large
    assert narrow < usual
    assert _measure(rows, narrow)[0] <= 120


def test_captions_of_equal_images_are_equally_high() -> None:
    image = gray(300, 200)
    heights = {len(add_caption(image, text)) for text in ('one\ntwo', 'a very much longer caption than that\nline')}
    assert len(heights) == 1


@pytest.mark.parametrize('shapes', [[(10, 20)], [(10, 20), (30, 5)], [(10, 20), (30, 5), (1, 1)]])
def test_panels_stand_side_by_side(shapes: list) -> None:
    images = [np.full((*shape, 3), 10 * (i + 1), np.uint8) for i, shape in enumerate(shapes)]
    out = panels(images, gap=4)
    assert out.shape == (max(s[0] for s in shapes), sum(s[1] for s in shapes) + 4 * (len(shapes) - 1), 3)
    for i, shape in enumerate(shapes):
        assert (out == 10 * (i + 1)).all(axis=2).sum() == shape[0] * shape[1]


def test_panels_need_an_image() -> None:
    with pytest.raises(ValueError, match='at least one image'):
        panels([])


def test_markers_shrink_in_a_crowd() -> None:
    rng = np.random.default_rng(0)
    radii = [auto_radius(rng.random((number, 2)) * [1024, 768], (768, 1024)) for number in (0, 33, 3000, 20000)]
    assert radii[0] == radii[1] > radii[2] > radii[3] >= 1.3
    assert auto_radius([[NAN, 1], [2, 2]], (768, 1024)) == radii[0]


def test_markers_of_far_heads_are_smaller() -> None:
    x, y = np.meshgrid(np.arange(0, 1000, 50), np.arange(0, 400, 50))
    near = np.stack([x.ravel(), y.ravel() + 300], axis=1)
    radii = head_radii(np.concatenate([near, near * 0.2]), (768, 1024))
    assert radii[: len(near)].mean() > 1.5 * radii[len(near) :].mean()
    assert len(np.unique(radii)) < 10, 'few sizes, for speed'
    for points in ([], [[5, 5]], [[NAN, 1], [2, 2]], [[5, 5]] * 20):
        assert all(1.3 <= radius <= 5 for radius in head_radii(points, (768, 1024)))
        assert len(head_radii(points, (768, 1024))) == len(points)


@pytest.mark.parametrize('marker', MARKERS)
def test_stamped_and_outlined_markers_look_alike(marker: str, monkeypatch) -> None:
    covered = []
    for largest in (0.0, 100.0):
        monkeypatch.setitem(_LARGEST_STAMP, marker, largest)
        drawn = draw_points(gray(), [[40, 30]], (255, 255, 255), radius=10, marker=marker).astype(int)
        covered.append([(drawn > 180).sum(), (drawn < 60).sum(), np.abs(drawn - 100).sum()])
    np.testing.assert_allclose(covered[0], covered[1], rtol=0.2)


@pytest.mark.parametrize(
    ('number', 'shape', 'expected'),
    [(0, (768, 1024), 1), (0, (256, 256), 3), (0, (32, 32), 8), (9000, (768, 1024), 2), (3000, (3000, 4000), 1)],
)
def test_magnification(number: int, shape: tuple, expected: int) -> None:
    points = np.random.default_rng(0).random((number, 2)) * [shape[1], shape[0]]
    assert magnification(points, shape) == expected


def test_magnify_keeps_pixels_apart() -> None:
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    out = magnify(image, 3, smooth=False)
    np.testing.assert_array_equal(out, image.repeat(3, axis=0).repeat(3, axis=1))
    assert magnify(image, 3).shape == out.shape
