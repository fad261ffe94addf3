"""What every codec must do; a codec's test inherits this and builds it in :meth:`CodecTester.make`."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from mmcrowd.codecs import BaseCodec


def random_crowd(seed: int, count: int, shape: tuple[int, int], spacing: int) -> np.ndarray:
    """(N, 2) xy points, one at most per ``spacing`` x ``spacing`` block and never in neighbouring cells."""
    rng = np.random.default_rng(seed)
    rows, cols = shape[0] // spacing, shape[1] // spacing
    blocks = rng.permutation(rows * cols)[:count]
    corner = np.stack([blocks % cols, blocks // cols], axis=1) * spacing
    return (corner + rng.uniform(0, spacing / 2, corner.shape)).astype(np.float32)


def no_boxes(points: np.ndarray) -> np.ndarray:
    """(N, 4) boxes, all unknown."""
    return np.full((len(points), 4), np.nan, np.float32)


class CodecTester:
    """Contract of a codec that returns points."""

    strides = (1, 2, 4)

    def make(self, stride: int) -> BaseCodec:
        """Build the codec."""
        raise NotImplementedError

    def boxes(self, points: np.ndarray) -> np.ndarray:
        """(N, 4) boxes of the heads."""
        return no_boxes(points)

    def channels(self, codec: BaseCodec) -> int:
        """Channels of the maps of :meth:`encode`."""
        return len(codec.names)

    def expected(self, points: np.ndarray, stride: int) -> np.ndarray:
        """(N, 2) points that a round trip gives: the centres of the cells that hold ``points``."""
        return (np.floor(points / stride) + 0.5) * stride

    def encode(self, codec: BaseCodec, points: np.ndarray, shape: tuple[int, int]) -> torch.Tensor:
        """Target maps as a batch of one, (1, C, h, w)."""
        maps = codec.encode(points, self.boxes(points), shape)
        assert tuple(maps) == codec.names
        for value in maps.values():
            assert value.dtype == np.float32
            assert value.shape[1:] == codec.map_shape(shape)
        return torch.from_numpy(np.concatenate([maps[name] for name in codec.names]))[None]

    @pytest.mark.parametrize('stride', [1, 2, 4])
    @pytest.mark.parametrize('shape', [(64, 96), (1, 50), (33, 1), (31, 47)])
    def test_no_heads(self, stride: int, shape: tuple[int, int]):
        codec = self.make(stride)
        maps = self.encode(codec, np.zeros((0, 2), np.float32), shape)
        assert maps.abs().sum() == 0
        (decoded,) = codec.decode(maps, [shape])
        assert len(decoded) == 0
        assert decoded.points.shape == (0, 2)
        assert decoded.boxes.shape == (0, 4)
        assert decoded.scores.shape == (0,)

    @pytest.mark.parametrize('stride', [1, 2, 4])
    def test_one_head(self, stride: int):
        codec = self.make(stride)
        point = np.array([[17.3, 9.9]])
        (decoded,) = codec.decode(self.encode(codec, point, (40, 60)), [(40, 60)])
        assert_same_points(decoded.points.numpy(), self.expected(point, stride))

    def test_round_trip(self):
        # hypothesis wants one function per class: the inherited one would be run by several
        @settings(max_examples=25, deadline=None)
        @given(seed=st.integers(0, 2**31), count=st.integers(0, 300), stride=st.sampled_from([1, 2, 4]))
        def check(seed: int, count: int, stride: int) -> None:
            codec, shape = self.make(stride), (203, 317)
            points = random_crowd(seed, count, shape, 4 * stride)
            (decoded,) = codec.decode(self.encode(codec, points, shape), [shape])
            assert_same_points(decoded.points.numpy(), self.expected(points, stride))

        check()

    @pytest.mark.parametrize('count', [5000, 20000])
    def test_round_trip_large(self, count: int):
        codec, shape = self.make(1), (800, 900)
        points = random_crowd(0, count, shape, 4)
        (decoded,) = codec.decode(self.encode(codec, points, shape), [shape])
        assert_same_points(decoded.points.numpy(), self.expected(points, 1))

    def test_batch_equals_singles(self):
        codec, shapes = self.make(2), [(60, 90), (64, 64), (20, 96)]
        batch = torch.zeros(3, self.channels(codec), 32, 48)
        singles = []
        for i, shape in enumerate(shapes):
            maps = self.encode(codec, random_crowd(i, 20, shape, 8), shape)
            batch[i, :, : maps.shape[2], : maps.shape[3]] = maps[0]
            singles += codec.decode(maps, [shape])
        for one, other in zip(codec.decode(batch, shapes), singles, strict=True):
            torch.testing.assert_close(one.points, other.points)
            torch.testing.assert_close(one.scores, other.scores)

    @pytest.mark.parametrize('stride', [2, 4])
    @pytest.mark.parametrize('shape', [(29, 31), (30, 33), (1, 5)])
    def test_points_lie_inside(self, stride: int, shape: tuple[int, int]):
        """The last cells of sides that the stride does not divide reach over the edge, their heads do not."""
        codec = self.make(stride)
        maps = torch.zeros(1, self.channels(codec), *codec.map_shape(shape))
        maps[..., -1, -1] = 1
        (decoded,) = codec.decode(maps, [shape])
        assert len(decoded) == 1
        assert ((decoded.points >= 0) & (decoded.points < torch.tensor(shape[::-1]))).all()
        assert (decoded.points // stride == torch.tensor(maps.shape[:1:-1]) - 1).all()

    def test_padding_is_ignored(self):
        codec = self.make(1)
        maps = torch.zeros(1, self.channels(codec), 40, 40)
        maps[..., 30, 5] = maps[..., 5, 30] = 1
        assert len(codec.decode(maps, [(30, 30)])[0]) == 0
        assert len(codec.decode(maps, [(31, 31)])[0]) == 2

    def test_inputs_are_not_changed(self):
        codec = self.make(1)
        points = random_crowd(0, 20, (64, 64), 4)
        before = points.copy()
        maps = self.encode(codec, points, (64, 64))
        copy = maps.clone()
        codec.decode(maps, [(50, 64)])
        np.testing.assert_array_equal(points, before)
        torch.testing.assert_close(maps, copy)

    def test_autocast_dtypes(self):
        codec = self.make(1)
        maps = self.encode(codec, np.array([[10.0, 10.0]]), (32, 32))
        assert len(codec.decode(maps.bfloat16(), [(32, 32)])[0]) == 1

    @pytest.mark.parametrize('stride', [0, -1, 1.5])
    def test_bad_stride(self, stride: float):
        with pytest.raises(ValueError, match='stride'):
            self.make(stride)

    @pytest.mark.parametrize('stride', [1, 2])
    def test_tiles_give_the_points_of_the_whole(self, stride: int):
        """Candidates of disjoint cores, cut with one cell of context, are those of the whole map."""
        codec, shape = self.make(stride), (96, 128)
        maps = self.encode(codec, random_crowd(3, 60, shape, 4 * stride), shape)
        maps = maps + 0.01 * torch.rand(maps.shape, generator=torch.Generator().manual_seed(0))
        whole = codec.decode(maps, [shape])[0]
        parts = []
        for left in (0, 64):
            x0, x1 = max(left - 8, 0), min(left + 72, 128)
            tile = maps[..., x0 // stride : x1 // stride]
            core = (0, left - x0, shape[0], left - x0 + 64)
            parts.append(codec.candidates(tile, [(shape[0], x1 - x0)], core)[0].translate(x0, 0))
        tiled = codec.select(type(whole).cat(parts), shape)
        assert_same_points(tiled.points.numpy(), whole.points.numpy())


def assert_same_points(points: np.ndarray, expected: np.ndarray) -> None:
    """Assert that ``points`` are ``expected``, each once, in any order, to 0.0001 pixels."""
    assert len(points) == len(expected)
    distance, index = cKDTree(expected.reshape(-1, 2)).query(points.reshape(-1, 2))
    assert (distance <= 1e-4).all()
    assert len(np.unique(index)) == len(points)


class CountingCodecTester:
    """Contract of a codec that counts: the map sums to the number of heads inside, and decoding gives that sum."""

    strides = (1, 4, 8)
    shapes = ((203, 317), (64, 96), (1, 50), (33, 1), (1, 1))

    def make(self, stride: int) -> BaseCodec:
        """Build the codec."""
        raise NotImplementedError

    def encode(self, codec: BaseCodec, points: np.ndarray, shape: tuple[int, int]) -> torch.Tensor:
        """Target maps as a batch of one, (1, C, h, w)."""
        maps = codec.encode(points, no_boxes(points), shape)
        assert tuple(maps) == codec.names
        assert all(value.dtype == np.float32 and value.shape == (1, *codec.map_shape(shape)) for value in maps.values())
        return torch.from_numpy(np.concatenate([maps[name] for name in codec.names]))[None]

    def density(self, maps: torch.Tensor) -> torch.Tensor:
        """The maps of :meth:`encode` that are summed."""
        return maps

    def count(self, codec: BaseCodec, points: np.ndarray, shape: tuple[int, int]) -> float:
        (decoded,) = codec.decode(self.encode(codec, points, shape), [shape])
        assert decoded.count.dtype == torch.float64
        return decoded.count.item()

    @pytest.mark.parametrize('number', [0, 1, 2, 3, 300, 20_000])
    def test_every_head_counts_once(self, number: int):
        rng = np.random.default_rng(number)
        for stride in self.strides:
            for shape in self.shapes:
                points = rng.uniform(0, shape[::-1], (number, 2)).astype(np.float32)
                points = np.minimum(points, np.nextafter(np.float32(shape[::-1]), np.float32(0)))
                # 20,000 heads in the few cells of a sliver are as exact as float32 is.
                count = self.count(self.make(stride), points, shape)
                assert count == pytest.approx(number, rel=3e-8, abs=1e-4), (stride, shape)

    def test_corners_borders_and_heads_in_one_place(self):
        shape = (75, 101)
        right, bottom = np.nextafter(np.float32(101), np.float32(0)), np.nextafter(np.float32(75), np.float32(0))
        corners = np.array([[0, 0], [right, 0], [0, bottom], [right, bottom]], np.float32)
        borders = np.array([[0, 30], [right, 30], [50, 0], [50, bottom]], np.float32)
        for stride in self.strides:
            for points in (corners, borders, corners[:1], corners[3:], np.repeat(corners, 25, 0), borders[[1] * 7]):
                assert self.count(self.make(stride), points, shape) == pytest.approx(len(points), abs=1e-4)

    def test_heads_outside_do_not_count(self):
        outside = np.array([[-0.1, 5], [5, -0.1], [96, 5], [5, 64], [-40, -40], [1e6, 5]], np.float32)
        for stride in self.strides:
            assert self.count(self.make(stride), outside, (64, 96)) == pytest.approx(0, abs=1e-4)
            assert self.count(self.make(stride), np.r_[outside, [[50, 50]]], (64, 96)) == pytest.approx(1, abs=1e-4)

    def test_batch_and_padding(self):
        """What the network sees in padding does not count."""
        codec, shapes = self.make(4), [(60, 90), (64, 64), (19, 96)]
        batch = torch.full((3, len(codec.names), 16, 24), 7.0)
        singles = []
        for i, shape in enumerate(shapes):
            maps = self.encode(codec, random_crowd(i, 20, shape, 8), shape)
            batch[i, :, : maps.shape[2], : maps.shape[3]] = maps[0]
            singles += codec.decode(maps, [shape])
        for one, other in zip(codec.decode(batch, shapes), singles, strict=True):
            torch.testing.assert_close(one.count, other.count)
            torch.testing.assert_close(one.points, other.points)

    @pytest.mark.parametrize('stride', [1, 4])
    def test_tiles_add_up_to_the_whole(self, stride: int):
        codec, shape = self.make(stride), (95, 126)
        maps = self.encode(codec, random_crowd(3, 60, shape, 8), shape)
        whole = codec.decode(maps, [shape])[0]
        parts = []
        for left in (0, 64):
            x0, x1 = max(left - 8, 0), min(left + 72, 128)
            tile = maps[..., x0 // stride : x1 // stride]
            core = (0, left - x0, 96, left - x0 + 64)
            parts.append(codec.candidates(tile, [(95, min(x1, 126) - x0)], core)[0].translate(x0, 0))
        tiled = codec.select(type(whole).cat(parts), shape)
        torch.testing.assert_close(tiled.count, whole.count)
        assert_same_points(tiled.points.numpy(), whole.points.numpy())

    def test_half_precision(self):
        codec = self.make(4)
        maps = self.encode(codec, random_crowd(0, 50, (64, 96), 8), (64, 96))
        (decoded,) = codec.decode(maps.bfloat16(), [(64, 96)])
        assert decoded.count.item() == pytest.approx(self.density(maps).bfloat16().double().sum().item(), rel=1e-6)

    @pytest.mark.parametrize('stride', [0, -1, 1.5])
    def test_bad_stride(self, stride: float):
        with pytest.raises(ValueError, match='stride'):
            self.make(stride)
