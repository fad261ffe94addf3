"""Tiles of detectors: cores that partition an image, and averages of overlapping tiles."""

import numpy as np
import pytest
import torch

from mmcrowd.models.detectors import TiledDetector, shifted_windows
from mmcrowd.registry import MODELS
from tests.models.test_crowd_localizer import batch, config


@pytest.mark.parametrize(
    ('size', 'tile', 'windows'),
    [
        (512, 512, [(0, 512)]),
        (513, 512, [(0, 512), (1, 513)]),
        (1100, 512, [(0, 512), (512, 1024), (588, 1100)]),
        (1024, 512, [(0, 512), (512, 1024)]),
        (100, 512, [(0, 100)]),
    ],
)
def test_shifted_windows(size: int, tile: int, windows: list):
    assert shifted_windows(size, tile) == windows


def network(head: str = 'fidt', **test_cfg):
    """A small localizer with a map of one channel or of two."""
    torch.manual_seed(0)
    cfg = config()
    cfg['test_cfg'] = dict(dict(tile=(64, 128), mode='tile', merge='average'), **test_cfg)
    if head == 'instance':
        encoder = dict(type='mmcrowd.PixelThresholdEncoder', in_channels=8, channels=(6, 5), block=4)
        codec = dict(type='mmcrowd.InstanceMapCodec', stride=2, source='point')
        cfg['bbox_head'] = dict(
            type='mmcrowd.InstanceMapLiteHead', in_channels=8, codec=codec, threshold_encoder=encoder
        )
    return MODELS.build(cfg).eval()


def test_average_of_tiles_by_hand():
    """Every tile predicts its own number: cells of one tile have it, cells of several the mean of theirs."""
    model, seen = network(), []

    def predict_maps(inputs: torch.Tensor) -> torch.Tensor:
        seen.append(tuple(inputs.shape[-2:]))
        return inputs.new_full((1, 1, inputs.shape[-2] // 2, inputs.shape[-1] // 2), 2.0 ** len(seen))

    model.predict_maps = predict_maps
    # 96 rows: tiles from 0 and from 32; 250 columns, padded to 256: from 0 and from 128.
    maps = model.average_maps(torch.zeros(3, 96, 250), (96, 250), 2)
    assert seen == [(64, 128)] * 4
    assert maps.shape == (1, 48, 128)
    for rows, left, right in ((slice(0, 16), 2, 4), (slice(16, 32), 5, 10), (slice(32, 48), 8, 16)):
        assert (maps[0, rows, :64] == left).all()
        assert (maps[0, rows, 64:] == right).all()


@pytest.mark.parametrize('shape', [(96, 250), (64, 128), (30, 40), (65, 129)])
def test_averages_of_a_network_that_sees_one_block_are_its_prediction(shape: tuple[int, int]):
    model = network()
    model.predict_maps = lambda inputs: torch.nn.functional.avg_pool2d(inputs.mean(1, keepdim=True), 2)
    image = torch.rand(3, *shape)
    padded = torch.nn.functional.pad(image, (0, -shape[1] % 32, 0, -shape[0] % 32))
    torch.testing.assert_close(model.average_maps(image, shape, 2), model.predict_maps(padded[None])[0])


def test_both_maps_are_averaged_and_returned():
    model = network('instance', return_maps=True)
    result = model.test_step(batch((90, 250)))[0]
    maps = torch.cat([result.pred_map.confidence, result.pred_map.threshold])
    assert maps.shape == (2, 45, 125)
    image = model.data_preprocessor(batch((90, 250)), False)['inputs']
    total, times = torch.zeros(2, 48, 128), torch.zeros(48, 128)
    with torch.no_grad():
        for y0, y1 in ((0, 64), (32, 96)):
            for x0, x1 in ((0, 128), (128, 256)):
                total[:, y0 // 2 : y1 // 2, x0 // 2 : x1 // 2] += model.predict_maps(image[..., y0:y1, x0:x1])[0]
                times[y0 // 2 : y1 // 2, x0 // 2 : x1 // 2] += 1
    torch.testing.assert_close(maps, (total / times)[:, :45, :125])
    found = model.bbox_head.codec.decode((total / times)[None], [(90, 250)])[0]
    torch.testing.assert_close(result.pred_instances.points, found.points)


@pytest.mark.parametrize('mode', ['whole', 'tile'])
def test_two_maps_by_name(mode: str):
    """Confidence and threshold, whole and in tiles with halo, from an instance map of one channel."""
    options = dict(mode=mode, merge='core', tile=256, halo=64, return_maps=True)
    result = network('instance', **options).test_step(batch((90, 350)))[0].pred_map
    assert set(result.keys()) == {'confidence', 'threshold'}
    assert result.confidence.shape == result.threshold.shape == (1, 45, 175)
    assert ((result.threshold > 0.2) & (result.threshold < 0.7)).all()
    assert ((result.confidence > 0) & (result.confidence < 1)).all()


def test_small_images_are_not_averaged(monkeypatch: pytest.MonkeyPatch):
    model = network(mode='auto', max_pixels=10_000)
    monkeypatch.setattr(model, 'average_maps', lambda *args: pytest.fail('averaged'))
    model.test_step(batch((64, 64)))
    with pytest.raises(pytest.fail.Exception, match='averaged'):
        model.test_step(batch((128, 128)))


def test_bad_merge():
    with pytest.raises(ValueError, match="merge must be 'core' or 'average', got 'mean'"):
        network(merge='mean').test_step(batch((64, 64)))


@pytest.mark.parametrize('tile', [256, (256, 192)])
def test_cores_cover_an_image_once(tile):
    model = network(tile=tile, halo=32)
    image, times = torch.zeros(3, 300, 500), np.zeros((320, 512), int)
    for each in TiledDetector.tiles(model, image, (300, 500)):
        (x, y), (top, left, bottom, right) = each.origin, each.core
        times[y + top : y + bottom, x + left : x + right] += 1
        height, width = (tile, tile) if isinstance(tile, int) else tile
        assert each.inputs.shape[2] <= height
        assert each.inputs.shape[3] <= width
        assert each.valid == (min(300 - y, each.inputs.shape[2]), min(500 - x, each.inputs.shape[3]))
    assert (times == 1).all()


def test_a_grid_of_tiles():
    """Quadrants: halves of both sides, rounded up to what the preprocessor pads to."""
    model = network(tile=None, grid=(2, 2), halo=0)
    tiles = list(model.tiles(torch.zeros(3, 96, 250), (96, 250)))
    assert [(tile.origin, tile.valid) for tile in tiles] == [
        ((0, 0), (64, 128)),
        ((128, 0), (64, 122)),
        ((0, 64), (32, 128)),
        ((128, 64), (32, 122)),
    ]
    model.test_cfg['halo'] = 32
    assert [tile.core[2] - tile.core[0] for tile in model.tiles(torch.zeros(3, 96, 250), (96, 250))] == [64, 64, 32, 32]


@pytest.mark.parametrize('grid', [None, (1, 4)])
def test_tiles_in_batches_are_those_one_by_one(grid):
    options = dict(merge='core', tile=192, halo=64, grid=grid, return_maps=True)
    data, found, sizes = batch((100, 450)), [], []
    for size in (1, 4):
        model = network(tile_batch=size, **options)
        predict, at_once = model.predict_maps, []
        model.predict_maps = lambda x, predict=predict, at_once=at_once: at_once.append(len(x)) or predict(x)
        found.append(model.test_step(data)[0])
        sizes.append(at_once)
    assert sum(sizes[0]) == sum(sizes[1]) == len(sizes[0])
    assert max(sizes[1]) > 1
    one, several = (each.pred_instances for each in found)
    assert len(one.points) > 20
    torch.testing.assert_close(several.points, one.points)
    torch.testing.assert_close(several.scores, one.scores)
    torch.testing.assert_close(found[1].pred_map.fidt, found[0].pred_map.fidt)
