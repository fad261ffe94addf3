"""Candidate pairs and matchings against literal references."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmcrowd.evaluation.functional import (
    GrowingMatching,
    PointSets,
    candidate_pairs,
    kuhn_matching,
    localize,
    match_points,
    maximum_matching,
    radius_sweep,
)

from .crowds import crowd, integer_points
from .reference import admissible, brute_force_size, greedy, kuhn


def as_matrix(pairs, num_pred, num_gt):
    matrix = np.zeros((num_pred, num_gt), bool)
    matrix[pairs.pred, pairs.gt] = True
    return matrix


def check_valid(match, allowed):
    """Admissible pairs only, no head twice."""
    used = match[match >= 0]
    assert len(np.unique(used)) == len(used)
    assert allowed[np.flatnonzero(match >= 0), used].all()


class TestCandidates:
    @settings(max_examples=400, deadline=None)
    @given(integer_points(), integer_points(), st.data())
    def test_equal_the_distance_matrix(self, pred, gt, data):
        radii = np.array(data.draw(st.lists(st.integers(-2, 12), min_size=len(gt), max_size=len(gt))), float)
        pairs = candidate_pairs(pred, gt, radii)
        assert (as_matrix(pairs, len(pred), len(gt)) == admissible(pred, gt, radii)).all()
        assert (np.diff(pairs.pred.astype(int) * (len(gt) + 1) + pairs.gt) > 0).all()

    @pytest.mark.parametrize('scale', [0.01, 1.0, 1e5])
    def test_many_points_and_radii_of_all_sizes(self, scale):
        rng = np.random.default_rng(1)
        pred, gt = rng.normal(0, 50 * scale, (300, 2)), rng.normal(0, 50 * scale, (250, 2)) + 1e4 * scale
        gt[:200] -= 1e4 * scale
        radii = scale * np.exp(rng.uniform(-3, 7, 250))
        pairs = candidate_pairs(pred, gt, radii)
        expected = admissible(pred, gt, radii)
        assert (as_matrix(pairs, 300, 250) == expected).all()
        np.testing.assert_array_equal(pairs.dist2, ((pred[pairs.pred] - gt[pairs.gt]) ** 2).sum(1))

    def test_images_do_not_mix(self):
        points = np.zeros((6, 2))
        pairs = candidate_pairs(points, points, 5.0, np.array([0, 0, 1, 7, 7, 2]), np.array([7, 1, 1, 0, 3, 2]))
        assert set(zip(pairs.pred.tolist(), pairs.gt.tolist(), strict=True)) == {
            (0, 3), (1, 3), (2, 1), (2, 2), (3, 0), (4, 0), (5, 5),
        }  # fmt: skip

    def test_the_radius_itself_is_inside(self):
        assert len(candidate_pairs([[3, 4]], [[0, 0]], 5.0).pred) == 1
        assert len(candidate_pairs([[3, 4]], [[0, 0]], np.nextafter(5.0, 0)).pred) == 0

    @pytest.mark.parametrize('offset', [(2, 3), (1, 2), (1, 1), (3, 7), (0.1, 0.3), (1e-3, 7e3)])
    def test_the_distance_itself_as_radius_is_inside(self, offset):
        radius = np.sqrt(np.square(np.asarray(offset, float)).sum())
        for sign in (1, -1):
            pairs = candidate_pairs([np.multiply(sign, offset)], [[0, 0]], radius)
            assert len(pairs.pred) == len(pairs.within(np.array([radius])).pred) == 1
            assert len(pairs.within(np.array([np.nextafter(radius, 0)])).pred) == 0
        sets = PointSets.stack([np.array([offset])], [np.zeros((1, 2))])
        assert radius_sweep(sets, [radius / 2, radius]).tolist() == [[0], [1]]
        assert radius_sweep(sets, [radius / 2, radius], 'greedy').tolist() == [[0], [1]]

    @pytest.mark.filterwarnings('error')
    @pytest.mark.parametrize('far', [1e12, 1e17, -1e17, 1e30, -1e100])
    def test_a_stray_point_far_away_hides_no_pairs(self, far):
        rng = np.random.default_rng(2)
        pred, gt = rng.integers(0, 200, (150, 2)).astype(float), rng.integers(0, 200, (150, 2)).astype(float)
        pred[7], gt[9, 1], pred[11, 1] = far, -far, far / 3
        image = np.sort(rng.integers(0, 500, 150))
        for radius in (8.0, np.where(np.arange(150) % 5, 12.0, abs(far) * 2)):
            pairs = candidate_pairs(pred, gt, radius, image, image)
            expected = admissible(pred, gt, radius) & (image[:, None] == image)
            assert (as_matrix(pairs, 150, 150) == expected).all()

    def test_infinite_radius_takes_all(self):
        assert len(candidate_pairs(np.arange(8.0).reshape(4, 2), [[1e6, 0], [0, 0]], np.inf).pred) == 8

    @pytest.mark.parametrize('empty', [np.zeros((0, 2)), [], np.zeros((0, 0)), np.zeros(0)])
    def test_no_points(self, empty):
        assert len(candidate_pairs(empty, [[1, 2]], 3.0).pred) == 0
        assert len(candidate_pairs([[1, 2]], empty, 3.0).pred) == 0

    def test_bad_input_is_named(self):
        with pytest.raises(ValueError, match=r'predictions: coordinates must be finite.*row 1'):
            candidate_pairs([[0, 0], [np.nan, 1]], [[0, 0]], 1.0)
        with pytest.raises(ValueError, match=r'heads: expected an \(N, 2\) array.*\(1, 3\)'):
            candidate_pairs([[0, 0]], [[0, 0, 1]], 1.0)
        with pytest.raises(ValueError, match='NaN for head 1'):
            candidate_pairs([[0, 0]], [[0, 0], [1, 1]], [1.0, np.nan])
        with pytest.raises(ValueError, match='one per head'):
            candidate_pairs([[0, 0]], [[0, 0], [1, 1]], [1.0])


class TestMatching:
    @settings(max_examples=1500, deadline=None)
    @given(integer_points(6), integer_points(6), st.integers(0, 8))
    def test_size_equals_brute_force(self, pred, gt, radius):
        allowed = admissible(pred, gt, radius)
        size = brute_force_size(allowed)
        for order in ('any', 'official'):
            match = match_points(pred, gt, float(radius), order=order)
            check_valid(match, allowed)
            assert (match >= 0).sum() == size

    @settings(max_examples=600, deadline=None)
    @given(integer_points(12), integer_points(12), st.data())
    def test_official_order_equals_the_recursion(self, pred, gt, data):
        radii = np.array(data.draw(st.lists(st.integers(-1, 9), min_size=len(gt), max_size=len(gt))), float)
        match = match_points(pred, gt, radii, order='official')
        np.testing.assert_array_equal(match, kuhn(admissible(pred, gt, radii)))

    @settings(max_examples=300, deadline=None)
    @given(integer_points(10), integer_points(10), st.integers(0, 9))
    def test_greedy_equals_its_definition(self, pred, gt, radius):
        match = match_points(pred, gt, float(radius), matching='greedy')
        np.testing.assert_array_equal(match, greedy(pred, gt, radius))

    @pytest.mark.parametrize('seed', range(12))
    def test_larger_crowds(self, seed):
        rng = np.random.default_rng(seed)
        pred, gt = crowd(rng, 150, 60.0 + 20 * seed)
        radii = rng.uniform(0, 15, len(gt))
        allowed = admissible(pred, gt, radii)
        expected = kuhn(allowed)
        np.testing.assert_array_equal(match_points(pred, gt, radii, order='official'), expected)
        match = match_points(pred, gt, radii)
        check_valid(match, allowed)
        assert (match >= 0).sum() == (expected >= 0).sum()

    def test_official_order_on_a_large_dense_component(self):
        rng = np.random.default_rng(3)
        pred, gt = rng.integers(0, 60, (110, 2)), rng.integers(0, 60, (90, 2))
        allowed = admissible(pred, gt, 45.0)
        assert allowed.sum() > 4096
        np.testing.assert_array_equal(match_points(pred, gt, 45.0, order='official'), kuhn(allowed))

    def test_wide_radius_is_bounded(self):
        rng = np.random.default_rng(0)
        pred, gt = rng.integers(0, 300, (800, 2)), rng.integers(0, 300, (790, 2))
        assert (match_points(pred, gt, 1000.0) >= 0).sum() == 790
        assert (match_points(pred, gt, 1000.0, order='official') >= 0).sum() == 790

    def test_layered_graph_on_which_searches_without_dead_ends_explode(self):
        layers, width = 30, 4
        pred = np.concatenate([np.full((width, 2), [10 * k, 0]) for k in range(layers)] + [[[0, 0]]])
        gt = np.concatenate([np.full((width, 2), [10 * k + 5, 0]) for k in range(layers)])
        allowed = admissible(pred, gt, 5.0)
        pairs = candidate_pairs(pred, gt, 5.0)
        match = maximum_matching(pairs, len(pred), len(gt))
        check_valid(match, allowed)
        assert (match >= 0).sum() == len(gt)
        assert (kuhn_matching(pairs, len(pred), len(gt)) >= 0).sum() == len(gt)

    def test_unknown_options_are_named(self):
        with pytest.raises(ValueError, match=r"matching: expected one of .* found 'hungarian'"):
            match_points([[0, 0]], [[0, 0]], 1.0, matching='hungarian')
        with pytest.raises(ValueError, match='order: expected one of'):
            match_points([[0, 0]], [[0, 0]], 1.0, order='random')


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**31))
def test_growing_matching_is_maximum_after_every_step(seed):
    rng = np.random.default_rng(seed)
    num_a, num_b, steps = rng.integers(1, 12), rng.integers(1, 12), 6
    a, b = np.nonzero(rng.random((num_a, num_b)) < rng.uniform(0.05, 0.6))
    step = rng.integers(0, steps, len(a))
    growing = GrowingMatching(a, b, step, num_a, num_b)
    for i in growing.steps(steps):
        allowed = np.zeros((num_a, num_b), bool)
        allowed[a[step <= i], b[step <= i]] = True
        check_valid(growing.match_a, allowed)
        assert (growing.match_a >= 0).sum() == (kuhn(allowed) >= 0).sum()
        matched = np.flatnonzero(growing.match_a >= 0)
        np.testing.assert_array_equal(growing.match_b[growing.match_a[matched]], matched)


def test_all_images_at_once_equal_one_by_one():
    rng = np.random.default_rng(5)
    images = [crowd(rng, n) for n in (0, 1, 30, 0, 80)] + [(np.zeros((0, 2)), np.ones((3, 2)))]
    sets = PointSets.stack([p for p, _ in images], [g for _, g in images])
    for matching, order in (('max', 'any'), ('max', 'official'), ('greedy', 'any')):
        outcome = localize(sets, 6.0, matching, order)
        for i, (pred, gt) in enumerate(images):
            one = (match_points(pred, gt, 6.0, matching=matching, order=order) >= 0).sum()
            assert (outcome.tp[i], outcome.fp[i], outcome.fn[i]) == (one, len(pred) - one, len(gt) - one)
