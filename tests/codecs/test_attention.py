import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from mmcrowd.codecs import AttentionCodec
from mmcrowd.registry import CODECS

VALUES = {1: 0.946, 2: 0.80, 3: 0.61, 4: 0.41, 6: 0.135, 8: 0.029, 9: 0.011, 12: 0.0003}


def brute_force(codec: AttentionCodec, points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """From the definition: every cell with every head."""
    rows, cols = codec.map_shape(shape)
    centres = (np.stack(np.meshgrid(np.arange(cols), np.arange(rows)), -1).reshape(-1, 2) + 0.5) * codec.stride
    distances = np.sort(cdist(centres, points), axis=1)[:, : codec.neighbours].mean(axis=1)
    values = np.exp(-0.5 * (distances / codec.sigma) ** 2)
    return np.where(values < codec.cutoff, 0, values).reshape(rows, cols)


def crowd(seed: int, number: int, shape: tuple[int, int]) -> np.ndarray:
    """Heads of which a half stands in a dense spot, some outside the image."""
    rng = np.random.default_rng(seed)
    spread = rng.uniform(-30, np.add(shape[::-1], 30), (number - number // 2, 2))
    return np.concatenate([spread, rng.normal(np.divide(shape[::-1], 3), 9, (number // 2, 2))])


@pytest.mark.parametrize('distance', VALUES)
def test_values(distance: int):
    """Three heads at one place: the mean distance is the distance."""
    codec = CODECS.build(dict(type='mmcrowd.AttentionCodec'))
    maps = codec.encode(np.full((3, 2), 2.5), None, (5, 20))['attention']
    assert maps.shape == (1, 5, 20)
    assert maps[0, 2, 2 + distance] == pytest.approx(VALUES[distance], rel=0.03, abs=6e-4)
    assert maps[0, 2, 2 + distance] == pytest.approx(np.exp(-(distance**2) / 18), rel=1e-6)
    assert maps[0, 2, 16] == 0


@pytest.mark.parametrize('stride', [1, 4, 8])
@pytest.mark.parametrize('params', [{}, dict(sigma=5.0, neighbours=1), dict(neighbours=4, cutoff=0.02)])
def test_equals_brute_force(stride: int, params: dict):
    codec, shape = AttentionCodec(stride, **params), (93, 121)
    points = crowd(0, 40, shape)
    maps = codec.encode(points, None, shape)['attention'][0]
    expected = brute_force(codec, points, shape)
    assert (expected > 0).any()
    assert (expected == 0).any()
    np.testing.assert_allclose(maps, expected, atol=1e-6)
    assert maps.dtype == np.float32


@pytest.mark.parametrize('stride', [1, 8])
@pytest.mark.parametrize('number', [0, 1, 2])
def test_fewer_heads_than_are_averaged(stride: int, number: int):
    maps = AttentionCodec(stride).encode(np.full((number, 2), 20.0), None, (41, 50))['attention']
    assert maps.shape == (1, *AttentionCodec(stride).map_shape((41, 50)))
    assert not maps.any()


@pytest.mark.parametrize('stride', [1, 4])
@pytest.mark.parametrize('number', [6, 60, 400])
def test_map_of_a_crop_is_the_crop_of_the_map(stride: int, number: int):
    """Also where so few heads are left around the crop that there are not enough to average over."""
    codec, shape = AttentionCodec(stride), (240, 280)
    points = crowd(number, number, shape)
    whole = codec.encode(points, None, shape)['attention'][0]
    for top, left, height, width in [(100, 60, 64, 96), (0, 200, 40, 60), (48, 64, 65, 61)]:
        corner, size = np.array([left, top]), np.array([width, height])
        near = ((points > corner - codec.margin) & (points < corner + size + codec.margin)).all(axis=1)
        crop = codec.encode(points[near] - corner, None, (height, width))['attention'][0]
        rows, cols = crop.shape
        expected = whole[top // stride : top // stride + rows, left // stride : left // stride + cols]
        np.testing.assert_allclose(crop, expected, atol=1e-6)


def test_the_margin_is_needed():
    """A head two nearest neighbours away and a margin's length outside still counts, one beyond it does not."""
    codec = AttentionCodec()
    at = codec.margin - codec.stride - 1
    for distance, seen in [(at, True), (codec.margin, False)]:
        points = np.array([[0.5, 0.5], [0.5, 0.5], [-distance, 0.5]])
        assert bool(codec.encode(points, None, (1, 40))['attention'].any()) == seen


def test_nothing_to_decode():
    with pytest.raises(NotImplementedError, match='neither heads nor a count'):
        AttentionCodec().decode(torch.zeros(1, 1, 4, 4))


@pytest.mark.parametrize('params', [dict(sigma=0), dict(neighbours=0), dict(cutoff=0), dict(cutoff=1)])
def test_bad_parameters(params: dict):
    with pytest.raises(ValueError, match='needs sigma'):
        AttentionCodec(**params)
