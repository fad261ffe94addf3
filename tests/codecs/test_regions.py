import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from benchmarks.instance_map_reference import reference_halves, reference_mask
from mmcrowd.codecs.regions import (
    box_regions,
    cell_gap,
    draw_regions,
    nearest_heads,
    point_regions,
    required_gap,
    shrink_at_once,
    shrink_in_order,
)

RELEASED = {
    'nwpu': dict(cap=25, min_half=2, overlap_correction=True, third_gap=3),
    'qnrf and jhu': dict(cap=15, min_half=2, overlap_correction=True, third_gap=3),
    'sha': dict(cap=25, min_half=1, overlap_correction=False, third_gap=None),
    'shb': dict(cap=25, min_half=1, overlap_correction=True, third_gap=None),
    'single pixels': dict(cap=25, min_half=0, overlap_correction=True, third_gap=3),
}


def boxes_of(points: np.ndarray, sides: np.ndarray | float) -> np.ndarray:
    """(N, 4) boxes of ``sides`` (N, 2), or anything of that shape, around ``points``."""
    half = np.broadcast_to(np.asarray(sides, dtype=float), points.shape) / 2
    return np.concatenate([points - half, points + half], axis=1)


def crowd(seed: int, count: int, span: float, whole: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Random points (N, 2) and boxes (N, 4); on the integers if ``whole``, so that many coincide."""
    rng = np.random.default_rng(seed)
    points = rng.integers(0, int(span), (count, 2)) + (0.0 if whole else rng.random((count, 2)))
    return points.astype(np.float32), boxes_of(points, rng.uniform(0, 70, (count, 2))).astype(np.float32)


def halves_of(points: list, sides: list, rule: str = 'sequential', **params) -> list[list[int]]:
    """Half width and height of the regions of a few boxes."""
    points = np.array(points, dtype=float).reshape(-1, 2)
    boxes = boxes_of(points, np.array(sides, dtype=float).reshape(-1, 2))
    regions = box_regions(points, boxes, 1, rule, **RELEASED['nwpu'] | params)
    assert ((regions[:, :2] + regions[:, 2:]) // 2 == np.floor(points)).all()
    return ((regions[:, 2:] - regions[:, :2]) // 2).tolist()


class TestSequential:
    @pytest.mark.parametrize('released', RELEASED)
    @pytest.mark.parametrize('whole', [False, True])
    def test_equals_the_rule_written_out(self, released: str, whole: bool):
        @settings(max_examples=30, deadline=None)
        @given(seed=st.integers(0, 2**31), count=st.integers(0, 60), span=st.sampled_from([30, 80, 200]))
        def check(seed: int, count: int, span: int) -> None:
            points, boxes = crowd(seed, count, span, whole)
            params = RELEASED[released]
            halves = reference_halves(points, boxes, **params)
            regions = box_regions(points, boxes, 1, 'sequential', **params)
            got = draw_regions(regions, (span, span))
            np.testing.assert_array_equal(got, reference_mask(points, halves, (span, span)))

        check()

    @pytest.mark.parametrize('count', range(7))
    def test_few_heads_close_together(self, count: int):
        """The released code fails on 3 to 5."""
        points, boxes = crowd(count, count, 12)
        halves = reference_halves(points, boxes)
        regions = box_regions(points, boxes, 1, 'sequential', **RELEASED['nwpu'])
        np.testing.assert_array_equal(draw_regions(regions, (40, 40)), reference_mask(points, halves, (40, 40)))

    def test_none_and_one(self):
        assert halves_of([], []) == []
        assert halves_of([(50, 50)], [(20, 31)]) == [[10, 15]]
        assert halves_of([(50, 50)], [(200, 10)]) == [[25, 5]]
        assert halves_of([(50, 50)], [(200, 10)], cap=15) == [[15, 5]]
        assert halves_of([(50, 50)], [(0, -4)]) == [[3, 3]]

    def test_two_that_touch(self):
        """10 and 10 at a distance of 20 need a gap of 5 along x; halves fall to 9, 9, 8, 8 by turns, then 7."""
        assert halves_of([(50, 50), (70, 50)], [(20, 20), (20, 20)]) == [[7, 7], [8, 8]]

    def test_the_larger_shrinks(self):
        """20 and 5 overlap by 5 along x, need a gap of (20 - 2.5) / 2 = 8: 20 falls to 7."""
        assert halves_of([(50, 50), (70, 50)], [(40, 40), (10, 10)]) == [[7, 7], [5, 5]]
        assert halves_of([(70, 50), (50, 50)], [(10, 10), (40, 40)]) == [[5, 5], [7, 7]]

    def test_one_axis_suffices(self):
        assert halves_of([(50, 50), (51, 90)], [(40, 20), (40, 20)]) == [[20, 10], [20, 10]]

    def test_smallest(self):
        """5 pixels apart is the least that a half side of 2 keeps apart, 3 pixels for 1."""
        for min_half, apart in ((2, 5), (1, 3)):
            for distance, separate in ((apart, True), (apart - 1, False)):
                points = np.array([[50.0, 50], [50 + distance, 50]])
                regions = box_regions(points, boxes_of(points, 20.0), 1, 'sequential', 25, min_half, False, None)
                row = draw_regions(regions, (100, 100))[50]
                assert (np.diff(row) == 1).sum() == (2 if separate else 1)

    def test_third_neighbour(self):
        """A large region over two small ones that come too close to each other shrinks with them."""
        points, sides = [(50, 50), (56, 50), (50, 62)], [(10, 10), (10, 10), (40, 40)]
        alone = halves_of(points[:2], sides[:2])
        assert halves_of(points, sides)[:2] == alone
        assert halves_of(points, sides)[2] == reference_halves(np.array(points), boxes_of(np.array(points), sides))[2]

    def test_coincident_boxes(self):
        points = [(50.2, 50.7)] * 5
        assert halves_of(points, [(30, 30)] * 5) == [[2, 2]] * 5
        assert halves_of(points, [(30, 30)] * 5, min_half=1) == [[1, 1]] * 5

    def test_column_and_row_0_are_drawn(self):
        """The released code leaves such heads out."""
        points = np.array([[0.5, 30.0], [30.0, 0.2], [30.0, 30.0]])
        boxes = boxes_of(points, 10.0)
        regions = box_regions(points, boxes, 1, 'sequential', **RELEASED['nwpu'])
        halves = reference_halves(points, boxes)
        got = draw_regions(regions, (60, 60))
        np.testing.assert_array_equal(got, reference_mask(points, halves, (60, 60)))
        assert got.sum() - reference_mask(points, halves, (60, 60), drop_border=True).sum() == 2 * 5 * 10

    def test_order_matters(self):
        points, boxes = crowd(0, 60, 80)
        one = box_regions(points, boxes, 1, 'sequential', **RELEASED['nwpu'])
        other = box_regions(points[::-1], boxes[::-1], 1, 'sequential', **RELEASED['nwpu'])[::-1]
        assert (one != other).any()

    def test_nine_tenths_of_integers(self):
        assert [size * 9 // 10 for size in range(51)] == [int(size * 0.9) for size in range(51)]


def one_by_one(centres: np.ndarray, half: np.ndarray, min_half: int, overlap_correction: bool) -> np.ndarray:
    """The parallel rule pair by pair; how far regions shrink is found by bisection."""
    factor = np.ones(len(half))
    for a in range(len(centres)):
        distance = np.linalg.norm(centres - centres[a], axis=1)
        distance[a] = np.inf
        fourth = np.sort(distance)[3] if len(centres) > 4 else 1e9
        for b in np.flatnonzero(distance <= fourth):
            large, small = (a, b) if half[a].prod() >= half[b].prod() else (b, a)
            between = np.abs(centres[a] - centres[b])
            gap = np.maximum(required_gap(between, half[a], half[b], overlap_correction), 1)
            equal = np.sqrt(half[small].prod() / half[large].prod())

            def factors(u: float, equal: float = equal) -> tuple[float, float]:
                return u, min(1, u / equal)

            low, high = 0.0, 1.0
            for _ in range(60):
                middle = (low + high) / 2
                f_large, f_small = factors(middle)
                apart = (between - f_large * half[large] - f_small * half[small] >= gap).any()
                low, high = (middle, high) if apart else (low, middle)
            f_large, f_small = factors(high)
            factor[large] = min(factor[large], f_large)
            factor[small] = min(factor[small], f_small)
    return np.maximum(np.floor(half * factor[:, None] + 1e-9).astype(int), min_half)


class TestParallel:
    @settings(max_examples=40, deadline=None)
    @given(
        seed=st.integers(0, 2**31),
        count=st.integers(0, 40),
        span=st.sampled_from([30, 80, 200]),
        min_half=st.integers(0, 2),
        correction=st.booleans(),
    )
    def test_equals_the_rule_written_out(self, seed: int, count: int, span: int, min_half: int, correction: bool):
        rng = np.random.default_rng(seed)
        centres, half = rng.integers(0, span, (count, 2)), rng.integers(3, 26, (count, 2))
        got = shrink_at_once(centres, half, min_half, correction)
        np.testing.assert_array_equal(got, one_by_one(centres, half, min_half, correction))

    @pytest.mark.parametrize('count', range(7))
    def test_order_does_not_matter(self, count: int):
        rng = np.random.default_rng(count)
        for span, heads in ((12, count), (60, 80)):
            centres, half = rng.integers(0, span, (heads, 2)), rng.integers(3, 26, (heads, 2))
            order = rng.permutation(heads)
            got = shrink_at_once(centres, half, 0, True)[order]
            np.testing.assert_array_equal(got, shrink_at_once(centres[order], half[order], 0, True))

    @settings(max_examples=30, deadline=None)
    @given(seed=st.integers(0, 2**31), count=st.integers(0, 40), correction=st.booleans())
    def test_near_heads_get_separate_regions(self, seed: int, count: int, correction: bool):
        """Single pixels allowed, regions of heads with at most four neighbours around never touch."""
        rng = np.random.default_rng(seed)
        places = rng.permutation(400)[:count]
        clusters = np.stack([places % 20, places // 20], axis=1) * 200
        centres = (clusters[:, None] + np.array([[0, 0], [2, 1], [9, 30], [20, 4], [21, 2]])).reshape(-1, 2)
        half = rng.integers(3, 26, centres.shape)
        got = shrink_at_once(centres, half, 0, correction)
        low, high = centres - got, centres + np.maximum(got, 1)
        apart = np.maximum(low[:, None] - high[None], low[None] - high[:, None]).max(axis=-1)
        assert (apart + 99 * np.eye(len(centres)) >= 1).all()

    def test_two(self):
        """10 and 10 at a distance of 20 need a gap of 5: 7.5 each. 20 and 5 need 8: the larger gives way."""
        assert halves_of([(50, 50), (70, 50)], [(20, 20), (20, 20)], 'parallel') == [[7, 7], [7, 7]]
        assert halves_of([(50, 50), (70, 50)], [(40, 40), (10, 10)], 'parallel') == [[7, 7], [5, 5]]

    def test_coincident_boxes(self):
        assert halves_of([(50, 50)] * 20, [(30, 30)] * 20, 'parallel') == [[2, 2]] * 20

    def test_isolated_heads_keep_their_boxes(self):
        points = np.stack(np.meshgrid([100, 200, 300], [100, 200]), -1).reshape(-1, 2)
        assert halves_of(points.tolist(), [(40, 30)] * 6, 'parallel') == [[20, 15]] * 6


class TestPoints:
    @pytest.mark.parametrize(
        ('distance', 'k'),
        [(0, 0), (1.9, 0), (2, 1), (5.9, 1), (6, 2), (10, 3), (57.9, 14), (58, 15), (60, 15), (500, 15)],
    )
    def test_side_by_distance(self, distance: float, k: int):
        points = np.array([[100.25, 50.5], [100.25 + distance, 50.5]])
        regions = point_regions(points, 1, 15, no_touch=False)
        np.testing.assert_array_equal(regions[0], [100 - k, 50 - k, 100 + k + 1, 50 + k + 1])
        assert (regions[1, 2:] - regions[1, :2] == 2 * k + 1).all()

    def test_none_one_and_cap(self):
        assert point_regions(np.zeros((0, 2)), 1, 15, True).shape == (0, 4)
        for cap in (15, 4, 0):
            np.testing.assert_array_equal(
                point_regions(np.array([[50.9, 40]]), 1, cap, True), [[50 - cap, 40 - cap, 51 + cap, 41 + cap]]
            )

    @pytest.mark.parametrize(
        ('distance', 'k'), [(0, 0), (1, 0), (2, 0), (3, 0), (4, 1), (5, 1), (6, 2), (8, 2), (9, 2)]
    )
    def test_no_touch(self, distance: int, k: int):
        regions = point_regions(np.array([[50.0, 50], [50 + distance, 50]]), 1, 15, no_touch=True)
        np.testing.assert_array_equal(regions[0], [50 - k, 50 - k, 51 + k, 51 + k])

    @settings(max_examples=40, deadline=None)
    @given(seed=st.integers(0, 2**31), count=st.integers(0, 80), stride=st.integers(1, 5))
    def test_cells_between_regions(self, seed: int, count: int, stride: int):
        points = np.random.default_rng(seed).uniform(0, 60 * stride, (count, 2))
        regions = point_regions(points, stride, 15, no_touch=True)
        cells = np.floor(points / stride)
        apart = np.maximum(regions[:, None, :2] - regions[None, :, 2:], regions[None, :, :2] - regions[:, None, 2:])
        neighbouring = cdist(cells, cells, 'chebyshev') < 2 if count else np.zeros((0, 0), bool)
        assert (apart.max(axis=-1)[~neighbouring] >= 1).all()
        assert (regions[:, 2:] - regions[:, :2] >= 1).all()

    def test_stride(self):
        """k = 15, 6 and 1 pixels at stride 4 are 3.75, 1.5 and 0.25 cells."""
        for distance, k in ((100, 4), (24, 2), (4, 0)):
            regions = point_regions(np.array([[50.0, 50], [50 + distance, 50]]), 4, 15, no_touch=False)
            np.testing.assert_array_equal(regions[0], [12 - k, 12 - k, 13 + k, 13 + k])


class TestCells:
    @pytest.mark.parametrize('rule', ['sequential', 'parallel'])
    @pytest.mark.parametrize('stride', [2, 3, 4, 16])
    def test_a_box_has_the_cells_whose_centre_it_holds(self, rule: str, stride: int):
        points, boxes = crowd(3, 50, 300)
        coarse = box_regions(points, boxes, stride, rule, 25, 2)
        centres = np.floor(points).astype(int)
        half = np.clip((boxes[:, 2:] - boxes[:, :2]) / 2, 3, 25).astype(int)
        if rule == 'sequential':
            half = shrink_in_order(centres, half, 2, True, 3)
        else:
            half = shrink_at_once(centres, half, 2, True, cell_gap(stride))
        number = np.arange(-20, 500 // stride)
        middle = (number + 0.5) * stride
        for k in (0, 1):
            inside = (middle >= (centres - half)[:, k, None]) & (middle < (centres + half)[:, k, None])
            inside |= number == centres[:, k, None] // stride
            np.testing.assert_array_equal(number[inside.argmax(axis=1)], coarse[:, k])
            np.testing.assert_array_equal(inside.sum(axis=1), coarse[:, k + 2] - coarse[:, k])

    @pytest.mark.parametrize('stride', [1, 2, 3, 4, 8])
    def test_a_cell_between_parallel_regions(self, stride: int):
        for distance in range(2 * stride, 60):
            for start in range(48, 48 + stride):
                points = np.array([[start, 50.0], [start + distance, 50]])
                if points[1, 0] // stride - points[0, 0] // stride >= 2:
                    for sides in (40.0, [[6, 6], [40, 40]], [[40, 40], [6, 6]]):
                        one, other = box_regions(points, boxes_of(points, sides), stride, 'parallel', 25, 0)
                        assert other[0] - one[2] >= 1


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**31), count=st.integers(0, 30), shape=st.tuples(st.integers(1, 40), st.integers(1, 40)))
def test_draw_regions(seed: int, count: int, shape: tuple[int, int]):
    rng = np.random.default_rng(seed)
    low = rng.integers(-20, 50, (count, 2))
    regions = np.concatenate([low, low + rng.integers(-1, 15, (count, 2))], axis=1)
    expected = np.zeros(shape, np.float32)
    for x1, y1, x2, y2 in regions.clip(0):
        expected[y1:y2, x1:x2] = 1
    got = draw_regions(regions, shape)
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, expected)


def test_many_regions_on_one_cell():
    """No counter overflows."""
    got = draw_regions(np.tile([[1, 1, 3, 2]], (70000, 1)), (4, 4))
    assert got.sum() == 2
    assert got.max() == 1


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**31), count=st.integers(0, 31), span=st.sampled_from([9, 30]))
def test_nearest_heads(seed: int, count: int, span: int):
    centres = np.random.default_rng(seed).integers(0, span, (count, 2))
    index, distance = nearest_heads(centres, 30)
    for i, centre in enumerate(centres):
        far = np.linalg.norm(centres - centre, axis=1)
        order = np.lexsort((np.arange(count), far))
        order = order[order != i][:30]
        np.testing.assert_array_equal(index[i, : len(order)], order)
        np.testing.assert_allclose(distance[i, : len(order)], far[order])
        assert (index[i, len(order) :] == count).all()
        assert np.isinf(distance[i, len(order) :]).all()


def test_nearest_heads_of_a_pile():
    """More coincident heads than neighbours are asked for: a head is never its own neighbour."""
    index, distance = nearest_heads(np.full((40, 2), 7), 5)
    assert (index != np.arange(40)[:, None]).all()
    assert (distance == 0).all()


def test_shrinking_leaves_the_input_alone():
    rng = np.random.default_rng(0)
    centres, half = rng.integers(0, 60, (50, 2)), rng.integers(3, 26, (50, 2))
    before = centres.copy(), half.copy()
    shrink_in_order(centres, half, 2, True, 3)
    shrink_at_once(centres, half, 2, True)
    np.testing.assert_array_equal(centres, before[0])
    np.testing.assert_array_equal(half, before[1])
