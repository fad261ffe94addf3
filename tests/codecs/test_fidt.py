import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from mmcrowd.codecs import FIDTCodec
from mmcrowd.registry import CODECS
from tests.codecs.codec_tester import CodecTester, no_boxes, random_crowd

GOLDEN = {
    0: 1.0,
    1: 0.5,
    2: 0.36642,
    3: 0.29114,
    4: 0.24038,
    5: 0.20294,
    6: 0.17381,
    8: 0.13098,
    10: 0.10088,
    12: 0.07871,
    15: 0.05502,
    20: 0.03092,
    25: 0.01757,
    30: 0.01003,
}


def brute_force(points: np.ndarray, shape: tuple[int, int], stride: int = 1, **params) -> np.ndarray:
    """FIDT map from the definition: distance of every cell to every head's cell."""
    codec = FIDTCodec(stride, **params)
    height, width = codec.map_shape(shape)
    cells = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).reshape(-1, 2)
    distance = stride * cdist(cells, np.floor(points / stride)).min(axis=1)
    value = 1 / (distance ** (codec.alpha * distance + codec.beta) + codec.c)
    return np.where(value < codec.cutoff, 0, value).reshape(height, width)


class TestFIDTCodec(CodecTester):
    def make(self, stride: int) -> FIDTCodec:
        return CODECS.build(dict(type='mmcrowd.FIDTCodec', stride=stride))


@pytest.mark.parametrize('distance', GOLDEN)
def test_golden_values(distance: int):
    maps = FIDTCodec().encode(np.array([[5.0, 3.0]]), None, (7, 50))['fidt']
    assert maps[0, 3, 5 + distance] == pytest.approx(GOLDEN[distance], abs=6e-6)


def test_cutoff_radius():
    codec = FIDTCodec()
    assert codec.radius == pytest.approx(30.031, abs=5e-4)
    maps = codec.encode(np.array([[0.5, 0.5]]), None, (1, 40))['fidt'][0, 0]
    assert maps[30] > 0.01
    assert maps[31] == 0


def test_idt_and_crossings():
    fidt, idt = FIDTCodec(), FIDTCodec(alpha=0, beta=1)
    p = np.linspace(0, 30, 301)
    np.testing.assert_allclose(idt.response(p), 1 / (p + 1))
    larger = fidt.response(p) > idt.response(p) + 1e-12
    assert larger[(p > 1.01) & (p < 12.49)].all()
    assert not larger[p > 12.51].any()
    assert fidt.response(1.748) == pytest.approx(100 / 255, abs=2e-4)


@pytest.mark.parametrize('stride', [1, 2, 4])
@pytest.mark.parametrize('params', [{}, dict(alpha=0, beta=1, cutoff=0.05), dict(alpha=0.03, beta=0.85, c=0.5)])
def test_equals_brute_force(stride: int, params: dict):
    points = np.random.default_rng(0).uniform(0, 90, (40, 2))
    expected = brute_force(points, (90, 75), stride, **params)
    maps = FIDTCodec(stride, **params).encode(points, no_boxes(points), (90, 75))['fidt'][0]
    np.testing.assert_allclose(maps, expected, atol=1e-6)


def test_heads_in_one_pixel_keep_their_peak():
    """The released generator wraps around in uint8 and loses both heads."""
    for copies in (2, 3, 256):
        maps = FIDTCodec().encode(np.full((copies, 2), 12.4), None, (30, 30))['fidt']
        assert maps[0, 12, 12] == 1


def test_neighbouring_heads_make_a_plateau():
    codec = FIDTCodec(dedup_ties=True)
    maps = torch.from_numpy(codec.encode(np.array([[5, 5], [6, 5]]), None, (20, 20))['fidt'])[None]
    assert (maps == 1).sum() == 2
    assert len(FIDTCodec().decode(maps)[0]) == 2
    np.testing.assert_allclose(codec.decode(maps)[0].points, [[5.5, 5.5]])


@pytest.mark.parametrize('point', [(0, 0), (39.99, 0), (0, 29.99), (39.99, 29.99)])
def test_corner_heads(point: tuple[float, float]):
    codec = FIDTCodec()
    maps = codec.encode(np.array([point]), None, (30, 40))['fidt']
    assert maps[0, math.floor(point[1]), math.floor(point[0])] == 1
    (decoded,) = codec.decode(torch.from_numpy(maps)[None])
    np.testing.assert_allclose(decoded.points, np.floor([point]) + 0.5)


def test_outside_heads_reach_in():
    maps = FIDTCodec().encode(np.array([[-3.0, 10.0], [500.0, 10.0]]), None, (20, 20))['fidt'][0]
    assert maps[10, 0] == pytest.approx(GOLDEN[3], abs=1e-5)
    assert maps[10, 19] == pytest.approx(FIDTCodec().response(22), abs=1e-5)


@pytest.mark.parametrize('stride', [1, 2, 4])
def test_map_of_a_crop_is_the_crop_of_the_map(stride: int):
    codec = FIDTCodec(stride)
    points = np.random.default_rng(1).uniform(0, 300, (60, 2))
    whole = codec.encode(points, None, (300, 300))['fidt'][0]
    top, left, height, width = 100, 60, 96, 128
    margin = codec.margin
    near = (points > (left - margin, top - margin)).all(1) & (
        points < (left + width + margin, top + height + margin)
    ).all(1)
    assert 0 < near.sum() < len(points)
    crop = codec.encode(points[near] - (left, top), None, (height, width))['fidt'][0]
    rows, cols = slice(top // stride, (top + height) // stride), slice(left // stride, (left + width) // stride)
    np.testing.assert_array_equal(crop, whole[rows, cols])


def test_rounding():
    points = np.array([[4.6, 7.4]])
    assert FIDTCodec().encode(points, None, (20, 20))['fidt'][0, 7, 4] == 1
    assert FIDTCodec(rounding='round').encode(points, None, (20, 20))['fidt'][0, 7, 5] == 1


class TestLMDS:
    def peak_map(self, *peaks: tuple[int, int, float]) -> torch.Tensor:
        maps = torch.zeros(1, 1, 20, 20)
        for col, row, value in peaks:
            maps[0, 0, row, col] = value
        return maps

    def test_threshold_is_relative_and_inclusive(self):
        maps = self.peak_map((3, 3, 0.5), (10, 10, 0.5 * 100 / 255), (15, 15, 0.19))
        (decoded,) = FIDTCodec().decode(maps)
        np.testing.assert_allclose(decoded.points, [[3.5, 3.5], [10.5, 10.5]])
        np.testing.assert_allclose(decoded.scores, [0.5, 0.5 * 100 / 255], rtol=1e-6)

    def test_absolute_threshold(self):
        maps = self.peak_map((3, 3, 0.9), (10, 10, 0.3))
        assert len(FIDTCodec(relative=False, threshold=0.25).decode(maps)[0]) == 2
        assert len(FIDTCodec(relative=False, threshold=0.35).decode(maps)[0]) == 1

    def test_least_score(self):
        maps = self.peak_map((3, 3, 0.5), (10, 10, 0.3), (15, 15, 0.25))
        assert len(FIDTCodec().decode(maps)[0]) == 3
        assert len(FIDTCodec(min_score=0.3).decode(maps)[0]) == 2
        assert len(FIDTCodec(min_score=0.6).decode(maps)[0]) == 0

    def test_empty_image_rule(self):
        assert len(FIDTCodec().decode(self.peak_map((3, 3, 0.0999)))[0]) == 0
        assert len(FIDTCodec().decode(self.peak_map((3, 3, 0.1001)))[0]) == 1

    def test_negative_and_flat_maps_hold_no_head(self):
        assert len(FIDTCodec().decode(torch.full((1, 1, 8, 8), -1.0))[0]) == 0
        assert len(FIDTCodec().decode(torch.zeros(1, 1, 8, 8))[0]) == 0

    def test_kernel(self):
        maps = self.peak_map((3, 3, 0.9), (5, 3, 0.8))
        assert len(FIDTCodec(kernel=3).decode(maps)[0]) == 2
        assert len(FIDTCodec(kernel=5).decode(maps)[0]) == 1

    def test_average_pool_before_the_search(self):
        """A sharp peak falls to a ninth, below the threshold that still uses the raw maximum."""
        ramp = (1 - 0.2 * (torch.arange(20) - 6).abs()).clamp(min=0)
        maps = (ramp[:, None] * ramp[None])[None, None].clone()
        maps[..., 15, 15] = 1
        assert len(FIDTCodec().decode(maps)[0]) == 2
        (decoded,) = FIDTCodec(pre_avg_pool=3).decode(maps)
        np.testing.assert_allclose(decoded.points, [[6.5, 6.5]])
        assert decoded.scores.item() == pytest.approx((1 + 0.8 * 2) ** 2 / 9)

    def test_values_above_one(self):
        (decoded,) = FIDTCodec().decode(self.peak_map((3, 3, 1.7)))
        assert decoded.scores.item() == pytest.approx(1.7)


class TestKNNBoxes:
    def test_half_side_is_the_mean_neighbour_distance_times_factor(self):
        points = np.array([[50, 50], [60, 50], [50, 70], [80, 50]], np.float32)
        maps = torch.from_numpy(FIDTCodec().encode(points, None, (400, 400))['fidt'])[None]
        (decoded,) = FIDTCodec().decode(maps)
        first = decoded.boxes[(decoded.points - 50.5).abs().sum(1).argmin()]
        half = 0.1 * (10 + 20 + 30)
        np.testing.assert_allclose(first, [50.5 - half, 50.5 - half, 50.5 + half, 50.5 + half], rtol=1e-6)

    def test_lone_head_gets_the_cap(self):
        maps = torch.from_numpy(FIDTCodec().encode(np.array([[50, 50]]), None, (100, 200))['fidt'])[None]
        (decoded,) = FIDTCodec().decode(maps)
        np.testing.assert_allclose(decoded.boxes, [[45.5, 45.5, 55.5, 55.5]])


@pytest.mark.parametrize(
    ('params', 'message'),
    [
        (dict(cutoff=0), 'cutoff'),
        (dict(cutoff=1), 'cutoff'),
        (dict(rounding='ceil'), 'rounding'),
        (dict(kernel=4), 'odd'),
        (dict(pre_avg_pool=2), 'odd'),
        (dict(beta=0), 'beta'),
        (dict(c=200.0), 'leaves nothing'),
    ],
)
def test_bad_parameters(params: dict, message: str):
    with pytest.raises(ValueError, match=message):
        FIDTCodec(**params)


def test_unknown_codec_is_named():
    with pytest.raises(KeyError, match='NoSuchCodec'):
        CODECS.build(dict(type='mmcrowd.NoSuchCodec'))


def test_random_crowd_keeps_its_distance():
    points = np.floor(random_crowd(0, 200, (100, 100), 4))
    distance = np.abs(points[:, None] - points[None]).max(-1) + 99 * np.eye(len(points))
    assert distance.min() >= 2
