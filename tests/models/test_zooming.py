"""Regions to look at again, the merge of their points, and the fusion of two counts."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree
from torch import Tensor

from benchmarks.naive_proposals import naive_regions
from mmcrowd.codecs import Decoded
from mmcrowd.models.zooming import (
    TwoStreamFusion,
    fit_thresholds,
    grid_of_points,
    merge_regions,
    propose_regions,
    score_anchors,
)
from mmcrowd.models.zooming.proposals import draw_points
from mmcrowd.registry import MODELS


def attention_map(seed: int, shape: tuple[int, int]) -> Tensor:
    """Some spots of attention, nothing elsewhere."""
    rng = np.random.default_rng(seed)
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    values = np.zeros(shape)
    for _ in range(4):
        x, y, size = rng.uniform(0, shape[1]), rng.uniform(0, shape[0]), rng.uniform(2, max(shape) / 8)
        values += rng.uniform(0.2, 1) * np.exp(-((rows - y) ** 2 + (cols - x) ** 2) / (2 * size**2))
    return torch.from_numpy(np.where(values > 0.05, values, 0).astype(np.float32))


class TestRegions:
    @pytest.mark.parametrize('stride', [1, 8])
    @pytest.mark.parametrize('shape', [(160, 240), (203, 117), (40, 333)])
    def test_equal_the_naive_ones(self, shape: tuple[int, int], stride: int):
        attention = attention_map(shape[0], (-(-shape[0] // stride), -(-shape[1] // stride)))
        regions = propose_regions(attention, shape, stride, 3, num_points=30)
        expected = naive_regions(attention.numpy(), shape, stride, 3, num_points=30)
        assert len(expected) > 1
        assert regions.boxes.tolist() == [box for box, _ in expected]
        np.testing.assert_allclose(regions.scores, [score for _, score in expected], rtol=1e-5)

    @pytest.mark.parametrize('shape', [(1, 1), (5, 90), (17, 16), (100, 130)])
    def test_lie_inside_and_are_cut_at_multiples(self, shape: tuple[int, int]):
        regions = propose_regions(torch.ones(shape), shape, 1, 0, num_points=20)
        height, width = shape
        x1, y1, x2, y2 = regions.boxes.T
        assert 0 < len(regions) <= 10
        assert ((x1 >= 0) & (y1 >= 0) & (x2 <= width) & (y2 <= height) & (x1 < x2) & (y1 < y2)).all()
        assert ((x1 % 8 == 0) & (y1 % 8 == 0) & ((x2 % 8 == 0) | (x2 == width))).all()
        torch.testing.assert_close(regions.scores, torch.ones(len(regions)))

    def test_padding_and_batch_change_nothing(self):
        attention = attention_map(0, (90, 120))
        padded = torch.full((128, 160), 9.0)
        padded[:90, :120] = attention
        one, other = (propose_regions(a, (90, 120), 1, 7) for a in (attention, padded))
        torch.testing.assert_close(one.boxes, other.boxes)
        torch.testing.assert_close(one.scores, other.scores)

    def test_seed(self):
        attention = attention_map(0, (90, 120))
        one, same, other = (propose_regions(attention, (90, 120), 1, s, num_points=5).boxes.tolist() for s in (1, 1, 2))
        assert one == same
        assert one != other

    @pytest.mark.parametrize('value', [0.0, -1.0, 0.0099])
    def test_nothing_to_see(self, value: float):
        assert propose_regions(torch.full((50, 60), value), (50, 60), 1, 0).boxes.shape == (0, 4)

    def test_threshold_overlap_and_number(self):
        attention, shape = attention_map(1, (200, 300)), (200, 300)
        scored = score_anchors(attention, shape, 1, 0, threshold=0)
        assert len(scored) == 1200
        middle = scored.scores.median().item()
        better = score_anchors(attention, shape, 1, 0, threshold=middle)
        assert better.scores.tolist() == scored.scores[scored.scores >= middle].tolist()
        assert len(better) < 1200
        assert len(propose_regions(attention, shape, 1, 0, number=2)) == 2
        assert len(scored.best(0.1)) < len(scored.best(0.9, number=2000))

    def test_align_must_fit_the_stride(self):
        with pytest.raises(ValueError, match='multiple of the stride 3'):
            propose_regions(torch.ones(4, 4), (12, 12), 3, 0)

    def test_draws_follow_the_weights(self):
        weights = torch.tensor([[0.0, 3, 0], [1, 0, 0]], dtype=torch.float64)
        points = draw_points(weights, 4000, 0)
        assert {tuple(p) for p in points.tolist()} == {(1, 0), (0, 1)}
        assert (points[:, 1] == 0).float().mean().item() == pytest.approx(0.75, abs=0.03)
        assert draw_points(torch.zeros(3, 3, dtype=torch.float64), 10, 0).shape == (0, 2)


def decoded(points: np.ndarray, scores: np.ndarray) -> Decoded:
    points = torch.from_numpy(np.asarray(points, np.float32).reshape(-1, 2))
    return Decoded(points, torch.from_numpy(np.asarray(scores, np.float32)), torch.cat([points, points], 1))


class TestMerge:
    def test_no_head_is_counted_twice(self):
        """Planted heads, each read with an error of its own by the image and by every region that holds it."""

        @settings(max_examples=40, deadline=None)
        @given(seed=st.integers(0, 2**31), regions=st.integers(0, 6))
        def check(seed: int, regions: int) -> None:
            rng = np.random.default_rng(seed)
            blocks = rng.permutation(24 * 24)[:200]
            heads = np.stack([blocks % 24, blocks // 24], 1) * 5 + rng.uniform(1, 2, (200, 2))
            corners = rng.integers(0, 80, (regions, 2))
            boxes = np.concatenate([corners, corners + rng.integers(8, 40, (regions, 2))], axis=1)

            def read(low: np.ndarray, high: np.ndarray) -> Decoded:
                points = heads + rng.uniform(-0.5, 0.5, heads.shape)
                points = points[((points >= low) & (points < high)).all(1)]
                return decoded(points, rng.random(len(points)))

            coarse = read(np.zeros(2), np.full(2, 120))
            parts = [read(b[:2], b[2:]).translate(*(-b[:2]).tolist()).scale(2) for b in boxes]
            merged = merge_regions(coarse, torch.from_numpy(boxes), parts)
            distance, head = cKDTree(heads).query(merged.points.numpy())
            assert (distance < 0.75).all()
            assert len(np.unique(head)) == len(head)
            borders = np.abs(heads[:, None, None] - boxes.reshape(1, regions, 2, 2)).min(axis=(1, 2, 3), initial=99)
            assert set(np.flatnonzero(borders > 1)) <= set(head)

        check()

    def test_the_better_region_owns_what_both_hold(self):
        boxes = torch.tensor([[0, 0, 10, 10], [5, 0, 20, 10]])
        coarse = decoded([[2, 5], [7, 5], [15, 5], [30, 5]], [0.9, 0.9, 0.9, 0.9])
        parts = [decoded([[8, 10]], [0.1]), decoded([[4, 10], [22, 10]], [0.2, 0.3])]
        merged = merge_regions(coarse, boxes, parts)
        assert merged.points.tolist() == [[30, 5], [4, 5], [16, 5]]
        torch.testing.assert_close(merged.scores, torch.tensor([0.9, 0.1, 0.3]))

    def test_of_two_readings_the_surer_stays(self):
        boxes, coarse = torch.tensor([[0, 0, 10, 10]]), decoded([[10.2, 5], [30, 5]], [0.4, 0.5])
        for score, expected in [(0.3, [10.2, 30.0]), (0.6, [9.8, 30.0])]:
            merged = merge_regions(coarse, boxes, [decoded([[19.6, 10]], [score])])
            np.testing.assert_allclose(sorted(merged.points[:, 0].tolist()), expected, rtol=1e-6)

    def test_heads_of_one_reading_may_be_near(self):
        coarse = decoded([[5, 5], [5.5, 5]], [0.4, 0.5])
        assert len(merge_regions(coarse, torch.zeros((0, 4), dtype=torch.long), [])) == 2

    def test_no_heads(self):
        nothing = decoded(np.zeros((0, 2)), np.zeros(0))
        assert len(merge_regions(nothing, torch.tensor([[0, 0, 10, 10]]), [nothing])) == 0


def counts(seed: int, images: int, cells: int) -> list[Tensor]:
    """Counts by density and points, and true ones; some images alike."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(0, 9, (images, cells), generator=generator).double() for _ in range(3)]


class TestFusion:
    @pytest.mark.parametrize('images', [1, 2, 3, 40])
    def test_thresholds_equal_brute_force(self, images: int):
        density, located, true = counts(images, images, 16)
        mean = (density + located) / 2

        def error(theta: Tensor) -> Tensor:
            return (torch.where(mean >= theta, density, mean) - true).abs().sum(0)

        candidates = torch.arange(-1, 10, 0.25, dtype=torch.float64)
        expected = torch.stack([error(theta) for theta in candidates]).amin(0)
        theta = fit_thresholds(density, located, true)
        assert theta.isfinite().all()
        torch.testing.assert_close(error(theta), expected)

    def test_counts(self):
        fusion = TwoStreamFusion((1, 2))
        density, located = torch.tensor([[8.0, 2.0]]), torch.tensor([[4.0, 4.0]])
        # In the first cell the density was right in an image of mean 6, and the mean in one of mean 2.
        images = [[[8.0, 1]], [[3.0, 1]]], [[[4.0, 1]], [[1.0, 1]]], [[[8.0, 1]], [[2.0, 1]]]
        fusion.fit(*map(torch.tensor, images), depth=1)
        assert fusion.theta[0] == 4
        fusion.theta.copy_(torch.tensor([6.0, 3.5]))
        assert fusion(density, located, 1).item() == 8 + 3
        for mode, expected in dict(average=9, density=10, points=8).items():
            assert TwoStreamFusion((1, 2), mode)(density, located, 0).item() == expected

    def test_never_fitted_and_another_depth(self, tmp_path):
        fusion = MODELS.build(dict(type='mmcrowd.TwoStreamFusion'))
        cells = torch.ones(3, 4, 4)
        with pytest.raises(RuntimeError, match='never fitted'):
            fusion(cells, cells, 1)
        fusion.fit(cells, cells, cells, depth=2)
        with pytest.raises(RuntimeError, match='fitted for depth 2, but the points are of depth 1'):
            fusion(cells, cells, 1)
        torch.save(fusion.state_dict(), tmp_path / 'fusion.pth')
        loaded = TwoStreamFusion()
        loaded.load_state_dict(torch.load(tmp_path / 'fusion.pth'))
        torch.testing.assert_close(loaded(cells, cells, 2), torch.full((3,), 16.0, dtype=torch.float64))

    def test_thresholds_survive_half_precision(self):
        """Where one way is best for all images, and rounding must not make it infinite."""
        ones = torch.ones(5, 1)
        for density in (ones, 3 * ones):
            theta = fit_thresholds(density, ones, ones)
            assert theta.half().isfinite().all()
            assert theta.abs() == 60_000

    def test_bad_mode(self):
        with pytest.raises(ValueError, match="got 'sum'"):
            TwoStreamFusion(mode='sum')

    def test_grid_of_points(self):
        points = torch.tensor([[0.0, 0], [99.9, 0], [100, 50], [30, 49.9], [50, 24]])
        expected = torch.tensor([[1.0, 0, 1, 1], [0, 1, 0, 1]], dtype=torch.float64)
        torch.testing.assert_close(grid_of_points(points, (50, 100), (2, 4)), expected)
        assert grid_of_points(torch.zeros(0, 2), (50, 100), (2, 4)).sum() == 0
