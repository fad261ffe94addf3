"""Figures against hand-computed values and slow references."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmcrowd.evaluation import functional as F
from mmcrowd.evaluation.functional.candidates import squared_limits
from mmcrowd.evaluation.functional.sweep import smallest_radius

from .crowds import crowd
from .reference import admissible, kuhn


def crowds(*sizes: int, seed: int = 0) -> F.PointSets:
    rng = np.random.default_rng(seed)
    images = [crowd(rng, n) for n in sizes]
    return F.PointSets.stack([p for p, _ in images], [g for _, g in images])


class TestLocalization:
    def test_hand_computed(self):
        sets = F.PointSets.stack([[[0, 0], [5, 0], [50, 50]], [[1, 1]], []], [[[3, 4], [5, 1]], [], [[9, 9]]])
        outcome = F.localize(sets, 5.0)
        assert outcome.tp.tolist() == [2, 0, 0]
        assert outcome.fp.tolist() == [1, 1, 0]
        assert outcome.fn.tolist() == [0, 0, 1]
        assert outcome.summary() == dict(tp=2, fp=2, fn=1, precision=0.5, recall=2 / 3, f1=pytest.approx(4 / 7))

    def test_nothing_at_all(self):
        outcome = F.localize(F.PointSets.stack([], []), 8.0)
        assert outcome.summary() == dict(tp=0, fp=0, fn=0, precision=0.0, recall=0.0, f1=0.0)

    def test_several_radii_share_one_search(self):
        sets = crowds(20, 0, 50)
        radii = dict(a=4.0, b=np.random.default_rng(1).uniform(-1, 12, len(sets.gt)))
        for name, outcome in F.localize_at(sets, radii).items():
            assert outcome.tp.tolist() == F.localize(sets, radii[name]).tp.tolist()
        assert F.localize_at(sets, {}) == {}

    def test_sigma_from_boxes(self):
        boxes = [[0, 0, 3, 4], [0, 0, 7, 9]]
        assert F.sigma_from_boxes(boxes, 's').tolist() == [2, 4]
        assert F.sigma_from_boxes(boxes, 'l').tolist() == [3, 6]
        assert F.sigma_from_boxes(boxes, 's', 'floor').tolist() == [1, 3]
        assert F.sigma_from_boxes(boxes, 'l', 'none').tolist() == [2.5, math.sqrt(130) / 2]
        assert np.isnan(F.sigma_from_boxes([[np.nan] * 4], 's')).all()
        with pytest.raises(ValueError, match="expected 's' or 'l', found 'm'"):
            F.sigma_from_boxes(boxes, 'm')

    def test_levels(self):
        sides = [(2, 5), (1, 11), (10, 10), (10, 100), (100, 100), (100, 1000), (317, 317)]
        assert F.area_levels([[0, 0, w, h] for w, h in sides]).tolist() == [0, 1, 1, 2, 3, 4, 5]

    def test_level_recall_counts_empty_levels_as_zero(self):
        found = F.level_recall(np.array([0, 0, 2, 2, 2]), np.array([True, False, True, True, True]))
        assert found['level_tp'] == [1, 0, 3, 0, 0, 0]
        assert found['level_fn'] == [1, 0, 0, 0, 0, 0]
        assert found['level_recall_avg'] == pytest.approx(1.5 / 6)
        with pytest.raises(ValueError, match='expected 0 to 5, found 0 to 6'):
            F.level_recall(np.array([0, 6]), np.array([True, True]))

    def test_mean_localization_error(self):
        sets = F.PointSets.stack([[[0, 0], [50, 0]], [[7, 7]]], [[[3, 4]], []])
        assert F.mean_localization_error(sets) == (5 + 16 + 16) / 1
        assert math.isnan(F.mean_localization_error(F.PointSets.stack([[[1, 1]]], [[]])))


class TestSweep:
    @pytest.mark.parametrize('matching', ['max', 'greedy'])
    def test_equals_one_matching_per_radius(self, matching):
        sets = crowds(0, 1, 40, 90, 5)
        radii = [0, 1, 2.5, 4, 8, 16, 50, 1000]
        tp = F.radius_sweep(sets, radii, matching)
        for row, radius in zip(tp, radii, strict=True):
            assert row.tolist() == F.localize(sets, float(radius), matching).tp.tolist()

    def test_many_groups_and_batches(self, monkeypatch):
        sets = crowds(*range(0, 60, 3))
        expected = F.radius_sweep(sets)
        monkeypatch.setattr('mmcrowd.evaluation.functional.sweep._GROUP', 500)
        monkeypatch.setattr('mmcrowd.evaluation.functional.sweep._BATCH', 300)
        np.testing.assert_array_equal(F.radius_sweep(sets), expected)

    @pytest.mark.parametrize(
        'radii', [range(1, 101), [0.0], [0, 1e-9, 3, 900], [3, 3.0001, 50], np.linspace(0, 9, 256)]
    )
    def test_smallest_radius_equals_a_search(self, radii):
        limits = squared_limits(np.asarray(radii, float))
        near = np.concatenate([limits, np.nextafter(limits, -1), np.nextafter(limits, np.inf)])
        dist2 = np.concatenate([near, np.random.default_rng(0).uniform(0, limits[-1], 500)])
        dist2 = dist2[(dist2 >= 0) & (dist2 <= limits[-1])]
        np.testing.assert_array_equal(smallest_radius(dist2, limits), np.searchsorted(limits, dist2, side='left'))

    def test_mean_of_f1_is_f1_of_means(self):
        sets = crowds(30, 40)
        tp = F.radius_sweep(sets).sum(axis=1)
        summary = F.sweep_summary(tp, len(sets.pred), len(sets.gt))
        assert summary['f1'] == pytest.approx(2 * tp.mean() / (len(sets.pred) + len(sets.gt)), abs=1e-12)

    def test_empty_and_bad(self):
        assert F.radius_sweep(F.PointSets.stack([], []), [1, 2]).shape == (2, 0)
        assert F.radius_sweep(F.PointSets.stack([[]], [[[1, 1]]]), [1, 2]).tolist() == [[0], [0]]
        with pytest.raises(ValueError, match='ascending'):
            F.radius_sweep(crowds(2), [2, 1])
        with pytest.raises(ValueError, match='at most 256'):
            F.radius_sweep(crowds(2), range(300))


class TestScoreCurve:
    def test_equals_one_matching_per_threshold(self):
        sets = crowds(0, 30, 60)
        scores = np.round(np.random.default_rng(0).random(len(sets.pred)), 1)
        curve = F.score_curve(sets, scores, 5.0)
        assert curve.threshold.tolist() == sorted(set(scores.tolist()), reverse=True)
        for i, threshold in enumerate(curve.threshold):
            keep = scores >= threshold
            part = F.PointSets(sets.pred[keep], sets.gt, sets.pred_image[keep], sets.gt_image, sets.num_images)
            summary = F.localize(part, 5.0).summary()
            assert (curve.tp[i], curve.num_pred[i]) == (summary['tp'], keep.sum())
            assert curve.f1[i] == pytest.approx(summary['f1'])
            assert (curve.precision[i], curve.recall[i]) == pytest.approx((summary['precision'], summary['recall']))
        assert curve.best()['f1'] == curve.f1.max()

    def test_without_predictions(self):
        curve = F.score_curve(F.PointSets.stack([[]], [[[1, 1]]]), np.zeros(0), 5.0)
        assert curve.best() == dict(threshold=0.0, f1=0.0, precision=0.0, recall=0.0)

    def test_bad_scores(self):
        with pytest.raises(ValueError, match='expected 1 finite numbers'):
            F.score_curve(F.PointSets.stack([[[0, 0]]], [[]]), np.array([np.nan]), 5.0)

    @settings(max_examples=100, deadline=None)
    @given(st.lists(st.lists(st.sampled_from([0.1, 0.3, 0.3, 0.8, 0.9]), max_size=6), max_size=5), st.data())
    def test_counting_curve(self, scores, data):
        gt = np.array([data.draw(st.integers(0, 6)) for _ in scores], int)
        image = np.repeat(np.arange(len(scores)), [len(s) for s in scores])
        flat = np.array([s for part in scores for s in part])
        thresholds, mae = F.counting_curve(flat, image, gt)
        for threshold, value in zip(thresholds, mae, strict=True):
            count = np.bincount(image[flat >= threshold], minlength=len(gt))
            assert value == pytest.approx(F.counting_errors(count, gt)['mae'])


class TestCounting:
    def test_hand_computed(self):
        errors = F.counting_errors([3, 10, 2], [0, 8, 4])
        assert errors['mae'] == pytest.approx(7 / 3)
        assert errors['rmse'] == pytest.approx(math.sqrt(17 / 3))
        assert errors['nae'] == pytest.approx((2 / 8 + 2 / 4) / 2)
        assert (errors['num_images'], errors['nae_images']) == (3, 2)

    def test_undefined_is_nan(self):
        assert math.isnan(F.counting_errors([], [])['mae'])
        assert math.isnan(F.counting_errors([5], [0])['nae'])

    def test_bad_counts(self):
        with pytest.raises(ValueError, match='predicted count of image 1 is not finite'):
            F.counting_errors([1, np.nan], [1, 1])
        with pytest.raises(ValueError, match='image 0 is negative'):
            F.counting_errors([1], [-1])
        with pytest.raises(ValueError, match='found 2 and 1'):
            F.counting_errors([1, 2], [1])

    def test_groups(self):
        gt = np.array([0, 1, 100, 101, 500, 501, 5000, 5001])
        assert F.scene_levels(gt).tolist() == ['S0', 'S1', 'S1', 'S2', 'S2', 'S3', 'S3', 'S4']
        assert F.jhu_categories([0, 50, 51, 500, 501]).tolist() == ['low', 'low', 'medium', 'medium', 'high']
        assert F.luminance_levels([0, 0.25, 0.3, 0.5, 0.7, 0.9]).tolist() == ['L0', 'L0', 'L1', 'L1', 'L2', 'L3']
        by = F.counting_errors_by([1, 3, 5], [0, 0, 9], ['b', 'b', 'a'])
        assert list(by) == ['a', 'b']
        assert (by['a']['mae'], by['b']['mae']) == (4, 2)
        assert F.mean_of_groups(by) == 3
        with pytest.raises(ValueError, match=r"not among .*'c'"):
            F.counting_errors_by([1], [1], ['c'], ['a'])

    def test_luminance_of_an_image(self):
        image = np.zeros((2, 2, 3), np.uint8)
        image[..., 2] = 255
        assert F.mean_luminance(image) == pytest.approx(0.299)


class TestGame:
    def test_hand_computed(self):
        gt = F.point_cells([[1, 1], [9, 1], [9, 9]], (10, 10), 1)
        pred = F.point_cells([[1, 1], [1, 2], [9, 9]], (10, 10), 1)
        assert gt.tolist() == [[1, 1], [0, 1]]
        assert F.game(pred[None], gt[None]) == dict(game0=0.0, game1=2.0)

    def test_points_outside_count_at_the_border_and_the_region_limits(self):
        assert F.point_cells([[-5, 3], [100, 100]], (10, 10), 1).tolist() == [[1, 0], [0, 1]]
        roi = np.zeros((10, 20), bool)
        roi[:, :10] = True
        assert F.point_cells([[9.9, 0], [10, 0]], (10, 20), 0, roi).tolist() == [[1]]

    def test_density_keeps_its_sum(self):
        density = np.random.default_rng(0).random((7, 9))
        cells = F.density_cells(density, (56, 70), 3)
        assert cells.sum() == pytest.approx(density.sum())
        roi = np.zeros((56, 70), bool)
        assert F.density_cells(density, (56, 70), 3, roi).sum() == 0

    def test_levels_never_get_easier(self):
        rng = np.random.default_rng(0)
        values = list(F.game(rng.random((5, 8, 8)), rng.random((5, 8, 8))).values())
        assert len(values) == 4
        assert (np.diff(values) >= 0).all()

    def test_bad_input(self):
        with pytest.raises(ValueError, match='at least one pixel'):
            F.point_cells([], (0, 5))
        with pytest.raises(ValueError, match=r'shape of the image \(4, 5\), found \(3, 3\)'):
            F.point_cells([], (4, 5), 1, np.ones((3, 3), bool))


class TestRankedPoints:
    def test_each_prediction_asks_only_its_nearest_head(self):
        sets = F.PointSets.stack([[[0, 0], [1, 0], [30, 0]]], [[[0, 0], [40, 0]]])
        rank, hit = F.ranked_hits(sets, np.array([0.9, 0.8, 0.7]), 20.0, 0.5)
        assert rank.tolist() == [0, 1, 2]
        assert hit.tolist() == [True, False, True]

    @pytest.mark.parametrize(('two', 'factor'), [(True, 1.1774), (False, 0.8326)])
    def test_radius_of_the_affinity(self, two, factor):
        for distance, expected in ((factor * 20 * 0.999, True), (factor * 20 * 1.001, False)):
            sets = F.PointSets.stack([[[distance, 0]]], [[[0, 0]]])
            assert F.ranked_hits(sets, np.ones(1), 20.0, 0.5, two)[1].tolist() == [expected]

    def test_average_precision_by_hand(self):
        # Precision 1 up to recall 1/2, then 2/3 up to recall 1: 51 of the 101 recall values, then 50.
        assert F.average_precision(np.array([True, False, True]), 2) == pytest.approx((51 + 50 * 2 / 3) / 101)
        assert F.average_precision(np.zeros(3, bool), 2) == 0
        assert math.isnan(F.average_precision(np.zeros(0, bool), 0))

    def test_against_a_loop(self):
        sets = crowds(25, 0, 40)
        scores = np.random.default_rng(2).random(len(sets.pred))
        for sigma, threshold in ((40.0, 0.75), (5.0, 0.5)):
            rank, hit = F.ranked_hits(sets, scores, sigma, threshold)
            free = np.ones(len(sets.gt), bool)
            for p, got in zip(rank, hit, strict=True):
                heads = np.flatnonzero(sets.gt_image == sets.pred_image[p])
                expected = False
                if len(heads):
                    dist2 = ((sets.gt[heads] - sets.pred[p]) ** 2).sum(1)
                    g = heads[np.argmin(dist2)]
                    expected = free[g] and np.exp(-dist2.min() / (2 * sigma**2)) > threshold
                    free[g] &= not expected
                assert got == expected

    def test_figures_and_intervals(self):
        sets = crowds(25, 40, 10)
        scores = np.random.default_rng(2).random(len(sets.pred))
        figures = F.ranked_point_figures(sets, scores)
        assert figures['map_s40'] == pytest.approx(np.mean([figures[f'ap{t}_s40'] for t in range(50, 100, 5)]))
        assert figures['map_s40'] > figures['map_s20'] > figures['map_s5']
        intervals = F.ranked_point_intervals(sets, scores, (20.0,), num=50)
        assert set(intervals) == {f'{name}_s20' for name in ('map', 'mar', 'ap50', 'ap75', 'ar50', 'ar75')}
        for name, (low, high) in intervals.items():
            assert low <= figures[name] <= high, name
        assert math.isnan(F.ranked_point_figures(F.PointSets.stack([[[1, 1]]], [[]]), np.ones(1))['map_s5'])


class TestBootstrap:
    def test_is_seeded_and_holds_the_figure(self):
        rng = np.random.default_rng(0)
        gt = rng.integers(0, 200, 80)
        pred = gt + rng.integers(-20, 20, 80)
        found = F.counting_intervals(pred, gt)
        assert found == F.counting_intervals(pred, gt) != F.counting_intervals(pred, gt, seed=1)
        errors = F.counting_errors(pred, gt)
        for name, (low, high) in found.items():
            assert low < errors[name] < high

    def test_equals_resampling_by_hand(self):
        tp, fp, fn = np.random.default_rng(0).integers(0, 50, (3, 12))
        weights = F.resample_weights(12, 40, 5)
        assert (weights.sum(axis=1) == 12).all()
        f1 = [F.precision_recall_f1(*(int(w @ v) for v in (tp, fp, fn)))['f1'] for w in weights]
        assert F.localization_intervals(tp, fp, fn, 40, seed=5)['f1'] == pytest.approx(F.percentile_interval(f1))

    def test_equal_images_have_no_spread(self):
        assert F.mean_intervals(dict(game0=np.full(9, 2.5)))['game0'] == (2.5, 2.5)
        assert F.mean_intervals({}) == {}

    def test_groups_equal_resampling_by_hand(self):
        rng = np.random.default_rng(0)
        gt, pred, groups = rng.integers(0, 50, 30), rng.integers(0, 50, 30), np.array(list('abb' * 10))
        by_group, means = F.counting_intervals_by(pred, gt, groups, num=40, seed=3)
        samples = []
        for weight in F.resample_weights(30, 40, 3).astype(int):
            drawn = np.repeat(np.arange(30), weight)
            samples.append(F.counting_errors_by(pred[drawn], gt[drawn], groups[drawn]))
        for name in 'ab':
            for key in ('mae', 'rmse', 'nae'):
                expected = F.percentile_interval([s[name][key] for s in samples])
                assert by_group[name][key] == pytest.approx(expected)
        assert means['mae'] == pytest.approx(F.percentile_interval([F.mean_of_groups(s) for s in samples]))
        with pytest.raises(ValueError, match=r"not among .*'b'"):
            F.counting_intervals_by(pred, gt, groups, ['a'])

    def test_a_group_missing_from_a_resample_leaves_the_mean_to_the_others(self):
        by_group, means = F.counting_intervals_by([3, 0], [0, 1], ['a', 'b'], num=60)
        assert by_group['a']['mae'] == (3, 3)
        assert by_group['b']['mae'] == (1, 1)
        assert means['mae'] == (1, 3)

    def test_level_recall_equals_resampling_by_hand(self):
        rng = np.random.default_rng(0)
        image, levels, matched = np.sort(rng.integers(0, 9, 80)), rng.integers(0, 5, 80), rng.random(80) < 0.6
        found = F.level_recall_intervals(levels, matched, image, 10, num=40, seed=2)
        samples = []
        for weight in F.resample_weights(10, 40, 2).astype(int):
            drawn = np.repeat(np.arange(80), weight[image])
            samples.append(F.level_recall(levels[drawn], matched[drawn]))
        average = F.percentile_interval([s['level_recall_avg'] for s in samples])
        assert found['level_recall_avg'] == pytest.approx(average)
        by_level = np.array([s['level_recall'] for s in samples])
        for level in range(6):
            assert found['level_recall'][level] == pytest.approx(F.percentile_interval(by_level[:, level]))

    def test_localization_error_equals_resampling_by_hand(self):
        rng = np.random.default_rng(0)
        images = [crowd(rng, num) for num in (0, 5, 20, 9, 40)]
        sets = F.PointSets.stack(*zip(*images, strict=True))
        errors = F.localization_errors(sets)
        assert errors.sum() / len(sets.gt) == pytest.approx(F.mean_localization_error(sets))
        samples = []
        for weight in F.resample_weights(5, 30).astype(int):
            drawn = [image for image, times in zip(images, weight, strict=True) for _ in range(times)]
            samples.append(F.mean_localization_error(F.PointSets.stack(*zip(*drawn, strict=True))))
        assert F.ratio_interval(errors, sets.gt_count, 30) == pytest.approx(F.percentile_interval(samples))

    def test_best_f1_equals_resampling_by_hand(self):
        rng = np.random.default_rng(0)
        images = [crowd(rng, num) for num in (0, 5, 20, 9)]
        scores = [np.round(rng.random(len(pred)), 1) for pred, _ in images]
        curve = F.score_curve(F.PointSets.stack(*zip(*images, strict=True)), np.concatenate(scores), 5.0)
        samples = []
        for weight in F.resample_weights(4, 30).astype(int):
            drawn = np.repeat(np.arange(4), weight)
            sets = F.PointSets.stack([images[i][0] for i in drawn], [images[i][1] for i in drawn])
            samples.append(F.score_curve(sets, np.concatenate([scores[i] for i in drawn]), 5.0).best())
        found = curve.best_intervals(30)
        for name in ('f1', 'precision', 'recall'):
            assert found[name] == pytest.approx(F.percentile_interval([s[name] for s in samples])), name
        low, high = found['threshold']
        assert 0 <= low <= curve.best()['threshold'] <= high <= 1
        nothing = F.score_curve(F.PointSets.stack([[]], [[[1, 1]]]), np.zeros(0), 5.0)
        assert nothing.best_intervals(5)['f1'] == (0, 0)

    def test_undefined(self):
        assert all(math.isnan(v) for v in F.counting_intervals([1, 2], [0, 0])['nae'])


def test_official_matching_decides_levels():
    sets = crowds(80)
    levels = np.random.default_rng(0).integers(0, 6, len(sets.gt))
    match = kuhn(admissible(sets.pred, sets.gt, 7.0))
    found = np.isin(np.arange(len(sets.gt)), match)
    outcome = F.localize(sets, 7.0, order='official')
    assert F.level_recall(levels, outcome.gt_matched) == F.level_recall(levels, found)
