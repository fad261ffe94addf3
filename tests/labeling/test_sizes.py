"""Sizes from presets: the published rule by hand, the perspective model on scenes whose truth is known."""

import numpy as np
import pytest

from mmcrowd.labeling import METHODS, MarkedImage, SceneSizes, clip_boxes, match_presets, preset_faults, two_nearest

SIZE = (1200, 800)


def around(points: np.ndarray, sides: np.ndarray) -> np.ndarray:
    return np.concatenate([points - sides / 2, points + sides / 2], axis=1)


def street(number: int = 200, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Heads whose size grows linearly down the image, as under a camera that looks down a street."""
    points = np.random.default_rng(seed).uniform((0, 50), SIZE, (number, 2))
    sides = (6 + points[:, 1:] / 15) * (0.9, 1.1)
    return points, around(points, sides)


def size_of(boxes: np.ndarray) -> np.ndarray:
    return np.sqrt((boxes[:, 2:] - boxes[:, :2]).prod(axis=1))


def inside(boxes: np.ndarray) -> np.ndarray:
    return ((boxes[:, :2] > 0) & (boxes[:, 2:] < SIZE)).all(axis=1)


def test_two_nearest_by_hand():
    centres, sides = np.array([[0.0, 0], [10, 0], [100, 0]]), np.array([[4.0, 6], [8, 10], [50, 60]])
    found = two_nearest(centres, sides, np.array([[2.5, 0], [10, 0], [-10, 0], [55, 0]]))
    np.testing.assert_allclose(found, [[5, 7], [8, 10], [4 + 4 / 3, 6 + 4 / 3], [29, 35]])
    np.testing.assert_array_equal(two_nearest(centres[:1], sides[:1], centres), sides[[0, 0, 0]])
    np.testing.assert_array_equal(two_nearest(centres[[0, 0]], sides[:2], centres[:1]), [[6, 8]])


def test_two_nearest_is_a_method():
    points, true = street()
    image = MarkedImage(points, true[:4], SIZE)
    made = SceneSizes([image], 'two_nearest').estimate(image).boxes
    expected = two_nearest(points[:4], true[:4, 2:] - true[:4, :2], points)
    rest = inside(made) & (np.arange(len(points)) >= 4)
    np.testing.assert_allclose((made[:, 2:] - made[:, :2])[rest], expected[rest])


def test_perspective_is_recovered_where_the_old_rule_fails():
    points, true = street()
    lowest_first = np.argsort(points[:, 1])
    image = MarkedImage(points, true[lowest_first[[10, 100, 190]]], SIZE)
    kept = inside(true)
    error = {}
    for method in METHODS:
        made = SceneSizes([image], method).estimate(image).boxes
        error[method] = np.abs(size_of(made)[kept] / size_of(true)[kept] - 1).mean()
    assert error['perspective'] < 0.1
    assert error['combined'] < 0.1
    assert error['two_nearest'] > 0.15


@pytest.mark.parametrize('factor', [6.0, 1 / 6])
def test_one_slip_of_the_hand_moves_nothing(factor):
    points, true = street()
    chosen = np.argsort(points[:, 1])[[5, 40, 80, 120, 160, 195]]
    presets = true[chosen].copy()
    presets[2] = around(points[chosen[2]][None], (true[chosen[2], 2:] - true[chosen[2], :2])[None] * factor)
    image = MarkedImage(points, presets, SIZE)
    scene = SceneSizes([image], 'perspective')
    assert scene.outliers.tolist() == [False, False, True, False, False, False]
    rest = inside(true) & ~np.isin(np.arange(len(points)), chosen)
    made = scene.estimate(image).boxes
    error, fooled = (
        np.abs(size_of(boxes)[rest] / size_of(true)[rest] - 1).mean()
        for boxes in (made, SceneSizes([image], 'two_nearest').estimate(image).boxes)
    )
    assert error < 0.15
    assert error < 0.5 * fooled
    assert abs(scene.errors[2] - (1 / factor - 1)) < 0.3 / min(factor, 1)


@pytest.mark.parametrize('number', [1, 2, 3, 8])
@pytest.mark.parametrize('seed', range(3))
def test_sizes_are_positive_plausible_and_in_the_image(number, seed):
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, SIZE, (300, 2))
    presets = around(points[:number], rng.lognormal(3, 1, (number, 2)))
    image = MarkedImage(points, presets, SIZE)
    for method in METHODS:
        made = SceneSizes([image], method).estimate(image)
        assert np.isfinite(made.boxes).all()
        assert (made.boxes[:, 2:] > made.boxes[:, :2]).all()
        assert (made.boxes >= 0).all()
        assert (made.boxes[:, 2:] <= SIZE).all()
        assert size_of(made.boxes).max() <= 3.001 * size_of(presets).max()
        np.testing.assert_array_equal(made.boxes[made.preset >= 0], clip_boxes(presets, points[:number], SIZE))


def test_uncertainty_grows_away_from_presets():
    points, true = street()
    low = np.argsort(points[:, 1])
    image = MarkedImage(points, true[low[[185, 190, 195]]], SIZE)
    made = SceneSizes([image]).estimate(image)
    assert made.extrapolated[low[:60]].all()
    assert not made.extrapolated[low[-15:]].any()
    assert made.deviation[low[:20]].mean() > 2 * made.deviation[low[170:180]].mean()
    everywhere = MarkedImage(points, true[low[::20]], SIZE)
    assert not SceneSizes([everywhere]).estimate(everywhere).extrapolated.any()


def test_the_next_preset_is_far_from_those_there_are():
    points, true = street()
    low = np.argsort(points[:, 1])
    image = MarkedImage(points, true[low[[190, 195]]], SIZE)
    heads, left = SceneSizes([image]).suggest(image, 3)
    assert points[heads[0], 1] < 400
    assert len(set(heads.tolist())) == 3
    assert (np.diff([1, *left]) < 0).all()
    assert not set(heads.tolist()) & {int(low[190]), int(low[195])}
    assert len(SceneSizes([]).suggest(MarkedImage(points[:2], np.zeros((0, 4)), SIZE), 5)[0]) == 2
    assert len(SceneSizes([]).suggest(MarkedImage(np.zeros((0, 2)), np.zeros((0, 4)), SIZE), 5)[0]) == 0


def test_a_scene_shares_its_presets_also_between_resolutions():
    (points, true), (others, truth) = street(), street(seed=1)
    drawn = MarkedImage(points, true[np.argsort(points[:, 1])[5::20]], SIZE)
    bare = MarkedImage(others / 2, np.zeros((0, 4)), (600, 400))
    made = SceneSizes([bare, drawn]).estimate(bare).boxes * 2
    kept = inside(truth)
    assert np.abs(size_of(made)[kept] / size_of(truth)[kept] - 1).mean() < 0.1


def test_points_off_the_centre_stay_so():
    points, true = street(40)
    tops = points - (0, 0.4) * (true[:, 2:] - true[:, :2])
    image = MarkedImage(tops, true[::5], SIZE)
    made, kept = SceneSizes([image]).estimate(image).boxes, inside(true)
    centres = (made[:, :2] + made[:, 2:]) / 2
    assert np.abs(centres - points)[kept].max() < 0.25 * size_of(true).max()
    assert np.abs(centres - points)[kept].mean() < 0.05 * size_of(true).mean()


def test_presets_find_their_heads():
    points = np.array([[10.0, 10], [12, 10], [50, 50]])
    presets = np.array([[8.0, 6, 16, 14], [4, 6, 16, 14], [80, 80, 90, 90]])
    assert match_presets(points, presets).tolist() == [1, 0, -1]
    assert match_presets(points[:0], presets).tolist() == [-1, -1, -1]


def test_faults_of_presets_are_named():
    presets = np.array([[0, 0, 9, 9], [9, 0, 0, 9], [np.nan, 0, 9, 9], [1300, 0, 1400, 99], [-8, -4, 10, 8]])
    faults = preset_faults(presets, SIZE)
    assert sorted(faults) == [1, 2, 3]
    assert '1200x800' in faults[3]


def test_no_preset_and_no_head():
    points, true = street(5)
    with pytest.raises(ValueError, match='no preset'):
        SceneSizes([MarkedImage(points, true[:0], SIZE)]).estimate(MarkedImage(points, true[:0], SIZE))
    empty = MarkedImage(np.zeros((0, 2)), true[:1], SIZE)
    made = SceneSizes([empty]).estimate(empty)
    assert made.boxes.shape == (0, 4)
    assert np.isnan(SceneSizes([empty]).errors).all()
    with pytest.raises(ValueError, match='method'):
        SceneSizes([empty], 'guess')
