"""Crowd densities: what they sum to, how wide they are, and what is drawn of them."""

import tracemalloc

import cv2
import numpy as np
import pytest

from mmcrowd.visualization import CrowdDensity, Drawable, draw_compared, draw_contours, draw_crowd, draw_density
from mmcrowd.visualization.crowd_picture import STYLES, draw_beside_truth
from mmcrowd.visualization.maps import legend_rows, palette

NO_POINTS = np.zeros((0, 2))


def crowd_of(number: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(number).random((number, 2)) * [width, height]


def heads_in(density: CrowdDensity) -> float:
    return density.grid.sum(dtype=np.float64) * density.cell[0] * density.cell[1] / density.unit**2


def gray(height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), 100, np.uint8)


@pytest.fixture
def texts(monkeypatch) -> list[str]:
    """The texts that are written onto pictures."""
    written, original = [], cv2.putText

    def record(out, text, *args, **kwargs):
        written.append(text)
        return original(out, text, *args, **kwargs)

    monkeypatch.setattr(cv2, 'putText', record)
    return written


@pytest.mark.parametrize('shape', [(300, 400), (37, 1000), (1, 1)])
@pytest.mark.parametrize('number', [0, 1, 500])
@pytest.mark.parametrize('width', [None, 0.7, 60.0])
def test_a_density_sums_to_the_number_of_heads(shape: tuple, number: int, width: float | None) -> None:
    points = crowd_of(number, *shape)
    points[:1] = 0  # a corner
    assert heads_in(CrowdDensity.of_points(points, shape, width)) == pytest.approx(number, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize('size', [(38, 50), (300, 400), (61, 83)])
def test_a_predicted_map_keeps_its_sum(size: tuple) -> None:
    map = np.random.default_rng(0).random(size).astype(np.float32)
    map[0, 0] = np.nan
    density = CrowdDensity.of_map(map, (300, 400))
    assert heads_in(density) == pytest.approx(np.nansum(map, dtype=np.float64), rel=1e-4)
    assert density.cell[0] >= 300 / size[0]


def test_what_is_not_in_the_image_does_not_count() -> None:
    points = [[10, 10], [np.nan, 3], [np.inf, 3], [-1, 5], [5, 300], [400, 5]]
    assert heads_in(CrowdDensity.of_points(points, (300, 400))) == pytest.approx(1, rel=1e-4)


@pytest.mark.parametrize('from_map', [False, True])
def test_the_kernel_is_as_wide_as_it_says(from_map: bool) -> None:
    shape, width = (400, 600), 30.0
    if from_map:
        map = np.zeros((200, 300), np.float32)
        map[100, 150] = 1
        density = CrowdDensity.of_map(map, shape, width)
    else:
        density = CrowdDensity.of_points([[301.0, 201.0]], shape, width)
    values = density.rows(0, 400)
    assert density.width == width
    assert values[201, 301] == pytest.approx(density.unit**2 / (2 * np.pi * width**2), rel=0.04)
    for x, y in ((331, 201), (301, 231), (271, 201)):
        assert values[y, x] / values[201, 301] == pytest.approx(np.exp(-0.5), rel=0.06)


def test_rows_are_those_of_the_whole() -> None:
    density = CrowdDensity.of_points(crowd_of(200, 301, 403), (301, 403))
    whole = density.rows(0, 301)
    assert whole.shape == (301, 403)
    parts = [density.rows(start, min(start + 37, 301)) for start in range(0, 301, 37)]
    np.testing.assert_allclose(np.concatenate(parts), whole, rtol=1e-6)


@pytest.mark.parametrize('peak', [0.013, 1.0, 7.3, 2000.0])
def test_levels_are_round_and_below_the_peak(peak: float) -> None:
    levels = CrowdDensity.of_points(NO_POINTS, (300, 400)).levels(peak=peak)
    assert len(levels) == 5
    assert levels == sorted(levels)
    assert peak / 2.5 - 1e-9 <= levels[-1] < peak
    assert {f'{level:.0e}'[0] for level in levels} == {'1', '2', '5'}


@pytest.mark.parametrize('width', [0, -1.0, np.nan, np.inf])
def test_a_width_must_be_positive(width: float) -> None:
    with pytest.raises(ValueError, match='width: expected a positive number of pixels'):
        CrowdDensity.of_points(NO_POINTS, (300, 400), width)


def test_a_level_encloses_the_area_where_the_density_is_higher() -> None:
    image, width = gray(600, 800), 50.0
    density = CrowdDensity.of_points([[400, 300]], image.shape, width)
    level = density.peak / np.e**2
    drawn = draw_contours(image, density, [level], alpha=1)
    area = (drawn != image).any(axis=2).sum()
    assert 2 * width <= np.sqrt(area / np.pi) <= 2 * width + 5, 'a circle of two widths, and half its line'
    np.testing.assert_array_equal(drawn[300, 400], palette(1)[0])
    line = (draw_contours(image, density, [level], alpha=0) != image).any(axis=2)
    assert not line[300, 400]
    assert 0.5 * 4 * np.pi * width < line.sum() < 8 * 4 * np.pi * width
    assert cv2.connectedComponents(line.astype(np.uint8))[0] == 2, 'one line, closed'
    assert cv2.connectedComponents((~line).astype(np.uint8), connectivity=4)[0] == 3


@pytest.mark.parametrize('draw', [draw_contours, draw_density])
def test_strips_meet(draw, monkeypatch) -> None:
    image = np.random.default_rng(0).integers(0, 256, (211, 303, 3), dtype=np.uint8)
    density = CrowdDensity.of_points(crowd_of(300, 211, 303), image.shape)
    whole = draw(image, density)
    monkeypatch.setattr('mmcrowd.visualization.maps._STRIP', 303 * 8)
    np.testing.assert_array_equal(draw(image, density), whole)


@pytest.mark.parametrize('draw', [draw_contours, draw_density])
def test_no_heads_are_an_ordinary_picture(draw) -> None:
    image = gray(60, 80)
    out = draw(image, CrowdDensity.of_points(NO_POINTS, image.shape))
    assert out is not image
    np.testing.assert_array_equal(out, image)


def test_a_density_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match='expected an image of 400 x 300 px, found 300 x 400'):
        draw_density(gray(400, 300), CrowdDensity.of_points(NO_POINTS, (300, 400)))


@pytest.mark.parametrize('style', STYLES)
@pytest.mark.parametrize('number', [0, 1, 300])
def test_every_style_draws_in_place(style: str, number: int) -> None:
    image, points = gray(300, 400), crowd_of(number, 300, 400)
    drawn = draw_crowd(image, Drawable(points, np.tile(points, 2) + [-5, -5, 5, 5]), [style], f'{number} heads')
    assert drawn is image
    assert (drawn != 100).any()


@pytest.mark.parametrize(
    ('styles', 'number', 'found'),
    [
        (['contours'], 200, ['heads per 20 x 20 px', 'kernel width 19 px']),
        (['contours', 'density'], 200, ['heads per 20 x 20 px', 'kernel width 19 px']),
        (['contours'], 0, ['0 heads per 20 x 20 px']),
        (['density'], 0, ['0 heads per 20 x 20 px']),
        (['points'], 200, []),
    ],
)
def test_the_legend_states_area_and_kernel(styles: list, number: int, found: list, texts: list) -> None:
    shape = (240, 300)
    draw_crowd(gray(*shape), Drawable(crowd_of(number, *shape), np.full((number, 4), np.nan)), styles)
    numbers = [text for text in texts if text not in found]
    assert [text for text in texts if text in found] == found
    assert (len(numbers) == 5) == (number > 0 and styles != ['points'])


def test_a_legend_has_the_colours_in_order() -> None:
    density = CrowdDensity.of_points(crowd_of(500, 300, 400), (300, 400))
    swatches = legend_rows(density)[0]
    assert [text for _, text in swatches] == [f'{level:,g}' for level in density.levels()]
    light = [np.dot(marker[1], (0.299, 0.587, 0.114)) for marker, _ in swatches]
    assert min(np.diff(light)) > 8, 'lighter from level to level, for every reader'


@pytest.mark.parametrize('styles', [['stars'], 'points'])
def test_unknown_styles_are_refused(styles) -> None:
    with pytest.raises(ValueError, match='styles: expected some of points, boxes, density, contours, found'):
        draw_crowd(gray(40, 40), Drawable(NO_POINTS, np.zeros((0, 4))), styles)


def test_large_pictures_are_painted_without_a_copy() -> None:
    image = np.zeros((4000, 6000, 3), np.uint8)
    crowd = Drawable(crowd_of(20000, 4000, 6000), np.full((20000, 4), np.nan))
    tracemalloc.start()
    draw_crowd(image, crowd, ['density', 'contours', 'points'], '20,000 heads')
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < image.nbytes / 1.4, 'less than a copy of the picture, however large it is'


@pytest.mark.parametrize(
    ('gt', 'pred', 'captions'),
    [
        ([], [], ['0 annotated', '0 found', '0 missed', '0 predicted, within 8 px', '0 true', '0 missed', '0 false']),
        (
            [[50, 50], [150, 50], [200, 90]],
            [[53, 50], [150, 75]],
            ['3 annotated', '1 found', '2 missed', '2 predicted, F1 40.0 % within 8 px', '1 true', '2 missed']
            + ['1 false'],
        ),
    ],
)
def test_annotated_and_predicted_heads_side_by_side(gt: list, pred: list, captions: list, texts: list) -> None:
    left, right = draw_compared(gray(200, 300), np.array(gt).reshape(-1, 2), np.array(pred).reshape(-1, 2), 8)
    assert texts == captions
    assert left.shape == right.shape
    assert left.shape[1] == 300


def test_densities_beside_the_truth_have_the_same_colours() -> None:
    image, gt = gray(300, 400), crowd_of(400, 300, 400)
    crowd = Drawable(gt, np.full((400, 4), np.nan))
    drawn = draw_beside_truth(image, gt, crowd, ['contours'], 8, '400')
    heads = drawn[-300:]
    np.testing.assert_array_equal(heads[:, :400], heads[:, -400:])
    fewer = draw_beside_truth(image, gt, Drawable(gt[:100], np.full((100, 4), np.nan)), ['contours'], 8, '100')
    assert fewer.shape == drawn.shape
    assert fewer[-300:, :400].mean() > fewer[-300:, -400:].mean(), 'a thinner crowd is darker'
