"""Density maps: sums, Gaussians against full-image filters, tiles and crops, points from densities."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from mmcrowd.codecs import BaseCodec, DensityCodec
from mmcrowd.codecs.numerics import cell_counts, mean_spacing, sum_pool
from mmcrowd.evaluation.functional import match_points

from .codec_tester import CountingCodecTester, random_crowd


class TestFixed(CountingCodecTester):
    def make(self, stride: int) -> BaseCodec:
        return DensityCodec(stride)


class TestAdaptive(CountingCodecTester):
    def make(self, stride: int) -> BaseCodec:
        return DensityCodec(stride, sigma=15, beta=0.3)


class TestWiderThanTheImage(CountingCodecTester):
    shapes = ((64, 96), (1, 50), (33, 1))

    def make(self, stride: int) -> BaseCodec:
        return DensityCodec(stride, sigma=200)


class TestOfWholeImages(CountingCodecTester):
    def make(self, stride: int) -> BaseCodec:
        return DensityCodec(stride, border='image')


class TestLocating(CountingCodecTester):
    shapes = ((203, 317), (1, 50))

    def make(self, stride: int) -> BaseCodec:
        return DensityCodec(stride, locates=True, min_mass=1e-4)


def reference(
    points: np.ndarray, sigmas: np.ndarray, shape: tuple[int, int], truncate: float, keep: bool
) -> np.ndarray:
    """A Gaussian filter of the whole image for every head, at stride 1."""
    density = np.zeros(shape)
    for (x, y), sigma in zip(points, sigmas, strict=True):
        dot = np.zeros(shape)
        dot[int(y), int(x)] = 1
        stamp = gaussian_filter(dot, sigma, mode='constant', truncate=truncate)
        density += stamp / stamp.sum() if keep else stamp
    return density


@pytest.mark.parametrize('border', ['crop', 'image', 'lose'])
@pytest.mark.parametrize('beta', [None, 0.3])
def test_equals_a_filter_per_head(border: str, beta: float | None):
    shape = (70, 83)
    points = np.random.default_rng(0).uniform(0, shape[::-1], (60, 2))
    codec = DensityCodec(1, sigma=4.3, beta=beta, border=border, truncate=3, sigma_range=(0.8, 6))
    sigmas = np.full(60, 4.3) if beta is None else (0.3 * mean_spacing(points, 3)).clip(0.8, 6)
    expected = reference(points, sigmas, shape, 3, keep=border != 'lose')
    np.testing.assert_allclose(codec.encode(points, None, shape)['density'][0], expected, atol=1e-7)
    for stride in (3, 8):
        codec.stride = stride
        got = torch.from_numpy(codec.encode(points, None, shape)['density'])[None]
        pooled = sum_pool(torch.from_numpy(expected)[None, None], stride)
        np.testing.assert_allclose(got, pooled, atol=1e-6)


def test_the_released_forms_lose_mass():
    """A head in a corner keeps a quarter and what its own row and column hold; DeepCount's kernel has 49 pixels."""
    codec = DensityCodec(1, sigma=10, truncate=2.4, border='lose')
    density = codec.encode(np.array([[0.5, 0.5]]), None, (100, 100))['density'][0]
    assert (density > 0).sum() == 25**2
    assert 0.25 < density.sum() < 0.3
    centre = codec.encode(np.array([[50.5, 50.5]]), None, (100, 100))['density'][0]
    assert (centre > 0).sum() == 49**2
    assert centre.sum() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize('border', ['image', 'lose'])
def test_tiles_of_an_image_are_cut_from_its_map(border: str):
    """Heads near the border of a tile are drawn in part, in both tiles, and all tiles add up."""
    shape, codec = (96, 160), DensityCodec(8, sigma=5, border=border)
    points = np.random.default_rng(1).uniform(0, shape[::-1], (200, 2))
    whole = codec.encode(points, None, shape)['density'][0]
    total = 0.0
    for top, left in np.ndindex(2, 2):
        y, x = 48 * top, 80 * left
        frame = (-x, -y, shape[1] - x, shape[0] - y)
        tile = codec.encode(points - (x, y), None, (48, 80), frame=frame)['density'][0]
        np.testing.assert_allclose(tile, whole[y // 8 : y // 8 + 6, x // 8 : x // 8 + 10], atol=1e-6)
        total += tile.sum(dtype=np.float64)
    assert total == pytest.approx(200, abs=1e-4) if border == 'image' else total < 199


def test_heads_around_the_image_draw_nothing():
    codec = DensityCodec(8, sigma=20, border='image')
    maps = codec.encode(np.array([[-1.0, 20], [30, 64.0]]), None, (40, 50), frame=(0, 0, 64, 64))['density']
    assert maps.sum() == 0


def test_a_frame_that_ends_inside_a_pixel():
    """Scaled images end anywhere; a head in their last, half covered pixel still counts once."""
    codec = DensityCodec(4, sigma=0.05, border='image')
    maps = codec.encode(np.array([[39.3, 10.2], [0.1, 0.2]]), None, (40, 40), frame=(0.0, 0.0, 39.4, 40.0))['density']
    assert maps.sum() == pytest.approx(2, abs=1e-6)


def test_spacing_is_that_of_the_whole_image():
    codec = DensityCodec(1, beta=0.3, sigma=15)
    point = np.array([[50.0, 50.0]])
    near, far = (codec.encode(point, None, (101, 101), spacing=np.array([s]))['density'].max() for s in (10, 20))
    assert near == pytest.approx(4 * far, rel=0.01)
    lone = codec.encode(point, None, (101, 101), spacing=np.array([np.inf]))['density']
    np.testing.assert_allclose(lone, DensityCodec(1, sigma=15).encode(point, None, (101, 101))['density'])


def test_mean_spacing():
    assert mean_spacing(np.zeros((0, 2)), 3).shape == (0,)
    assert mean_spacing(np.zeros((1, 2)), 3) == [np.inf]
    np.testing.assert_allclose(mean_spacing(np.array([[0, 0], [3, 4], [0, 8]]), 3), [6.5, 5, 6.5])
    assert (mean_spacing(np.zeros((6, 2)), 3) == 0).all()


def test_further_counts():
    codec = DensityCodec(8, counts=('half', 'none'))
    assert codec.predicted == ('density', 'half', 'none')
    density = torch.rand(2, 1, 6, 8)
    (one, _) = codec.decode(torch.cat([density, density / 2, 0 * density], 1), [(48, 64), (48, 64)])
    assert one.count == pytest.approx(density[0].sum().item(), rel=1e-6)
    assert {k: v.item() for k, v in one.counts.items()} == pytest.approx({'half': one.count.item() / 2, 'none': 0})


@pytest.mark.parametrize(('options', 'count'), [({}, 1.0), (dict(clamp=True), 3.0), (dict(count_padding=True), 6.0)])
def test_what_counts(options: dict, count: float):
    maps = torch.tensor([[[[3.0, -2.0], [5.0, 0.0]]]])
    assert DensityCodec(8, **options).decode(maps, [(8, 16)])[0].count.item() == count


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(border='wrap'), "border must be 'crop'"),
        (dict(sigma=0), 'must be positive'),
        (dict(beta=-1), 'must be positive'),
        (dict(sigma_range=(3, 2)), 'least <= largest'),
        (dict(neighbours=0), 'neighbours >= 1'),
    ],
)
def test_bad_options(options: dict, message: str):
    with pytest.raises(ValueError, match=message):
        DensityCodec(**options)


@pytest.mark.parametrize(
    ('shape', 'grid'), [((48, 64), (3, 4)), ((47, 61), (4, 4)), ((5, 9), (4, 4)), ((33, 8), (1, 1))]
)
def test_cell_counts(shape: tuple[int, int], grid: tuple[int, int]):
    """Against the density spread over single pixels."""
    maps = torch.rand(2, 1, 7, 9, dtype=torch.float64)
    h, w = DensityCodec(8).map_shape(shape)
    pixels = maps[..., :h, :w].repeat_interleave(8, 2).repeat_interleave(8, 3)[..., : shape[0], : shape[1]]
    rows, columns = (torch.arange(side).div(8, rounding_mode='floor').bincount() for side in shape)
    pixels /= rows.repeat_interleave(rows)[:, None] * columns.repeat_interleave(columns)
    fine = pixels.repeat_interleave(grid[0], 2).repeat_interleave(grid[1], 3) / (grid[0] * grid[1])
    expected = fine.reshape(2, 1, grid[0], shape[0], grid[1], shape[1]).sum((3, 5))
    got = cell_counts(maps, shape, 8, grid)
    torch.testing.assert_close(got, expected)
    torch.testing.assert_close(got.sum((-2, -1)), maps[..., :h, :w].sum((-2, -1)))


class TestPlacing:
    @pytest.mark.parametrize('stride', [4, 8])
    def test_separate_heads_are_found(self, stride: int):
        shape, codec = (256, 384), DensityCodec(stride, sigma=4, locates=True)
        points = random_crowd(0, 60, shape, 32)
        (heads,) = codec.decode(torch.from_numpy(codec.encode(points, None, shape)['density'])[None], [shape])
        assert len(heads) == 60
        assert (match_points(heads.points.numpy(), points, 4.0) >= 0).sum() >= 58

    def test_a_crowd(self):
        """Gaussians that run into one another: most heads are still met within 8 pixels."""
        shape, codec = (256, 384), DensityCodec(4, sigma=4, locates=True)
        points = np.random.default_rng(0).uniform(0, shape[::-1], (700, 2)).astype(np.float32)
        (heads,) = codec.decode(torch.from_numpy(codec.encode(points, None, shape)['density'])[None], [shape])
        assert len(heads) == 700
        assert (match_points(heads.points.numpy(), points, 8.0) >= 0).mean() > 0.85

    @pytest.mark.parametrize('value', [0.0, -1.0, torch.nan, torch.inf])
    def test_nothing_to_place(self, value: float):
        (heads,) = DensityCodec(8, locates=True).decode(torch.full((1, 1, 4, 4), value), [(32, 32)])
        assert len(heads) == 0

    def test_one_cell_of_many(self):
        maps = torch.zeros(1, 1, 4, 4)
        maps[..., 1, 2] = 5
        (heads,) = DensityCodec(8, locates=True).decode(maps, [(32, 32)])
        assert len(heads) == 5
        torch.testing.assert_close(heads.points, torch.tensor([[20.0, 12.0]]).expand(5, 2))
