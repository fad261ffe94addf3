"""RAZNet: branches and stages, zooming, counts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.config import ConfigDict
from mmengine.optim import build_optim_wrapper
from mmengine.structures import BaseDataElement, InstanceData
from torch import Tensor

from mmcrowd.codecs import AttentionCodec, CrossCodec, Decoded, DensityCodec
from mmcrowd.models import RAZNet
from mmcrowd.models.detectors import raz_net
from mmcrowd.models.zooming import grid_of_density, joined_weights, zoom_net_weights

CODECS = dict(
    density=DensityCodec(stride=8, sigma=4), localization=CrossCodec(threshold=0.3), attention=AttentionCodec(stride=8)
)


def parts(attention_channels: int) -> dict:
    """A tiny trunk with the branches that both networks have."""
    return dict(
        backbone=dict(type='mmcrowd.VGG', depth=11, channels=(4, 4, 4, 8, 8), out_indices=(3,), norm_cfg=None),
        bbox_head=dict(
            type='mmcrowd.RAZLocalizationHead',
            in_channels=8,
            channels=(4, 4, 4),
            codec=dict(type='mmcrowd.CrossCodec', threshold=0.3),
            field='gt_cross',
            losses=dict(cross=dict(type='mmcrowd.WeightedBCELoss')),
        ),
        attention_head=dict(
            type='mmcrowd.RAZAttentionHead',
            in_channels=attention_channels,
            feat_channels=4,
            codec=dict(type='mmcrowd.AttentionCodec', stride=8),
            field='gt_attention',
            losses=dict(attention=dict(type='mmcrowd.MapMSELoss', normalizer='mean')),
        ),
    )


def build(zooms: bool = True, mode: str = 'average', **params) -> RAZNet:
    torch.manual_seed(0)
    counting = dict(
        density_neck=dict(type='mmcrowd.ConvBackEnd', in_channels=8, channels=(8, 4)),
        density_head=dict(
            type='mmcrowd.DensityHead',
            in_channels=4,
            codec=dict(type='mmcrowd.DensityCodec', stride=8, sigma=4),
            field='gt_density',
            losses=dict(density=dict(type='mmcrowd.MapRMSELoss')),
        ),
        fusion=dict(type='mmcrowd.TwoStreamFusion', mode=mode),
    )
    options = dict(test_cfg=ConfigDict(params.pop('test_cfg', dict(max_pixels=2**22))))
    return RAZNet(
        **parts(8),
        **counting,
        zoom_net=dict(type='mmcrowd.RAZNet', **parts(4)) if zooms else None,
        data_preprocessor=dict(type='mmcrowd.CrowdDataPreprocessor', pad_size_divisor=8),
        **options,
        **params,
    )


def sample(points: np.ndarray, shape: tuple[int, int]) -> DetDataSample:
    """A sample with the targets of all three branches."""
    made = DetDataSample(metainfo=dict(img_shape=shape, batch_input_shape=shape, scale_factor=(1.0, 1.0)))
    made.gt_instances = InstanceData(points=torch.from_numpy(points).float())
    for name, codec in CODECS.items():
        maps = {key: torch.from_numpy(value) for key, value in codec.encode(points, None, shape).items()}
        made.set_field(BaseDataElement(**maps), 'gt_cross' if name == 'localization' else f'gt_{name}')
    return made


POINTS = np.array([[10.5, 12.5], [30.5, 40.5], [33.5, 41.5], [36.5, 40.5]])
BRANCHES = ('density', 'localization', 'attention')


class TestStages:
    def test_a_neck_freezes_with_the_trunk(self):
        neck = dict(
            type='mmcrowd.TopDownPyramid', in_channels=(8,), out_channels=(8,), lateral_norm_cfg=dict(type='BN')
        )
        net = build(neck=neck, frozen=('backbone',)).train()
        before = {name: value.clone() for name, value in net.neck.state_dict().items()}
        image = torch.rand(2, 3, 32, 32)
        sum(net.loss(image, [sample(np.array([[9.0, 9.0]]), (32, 32))] * 2).values()).backward()
        assert not any(parameter.requires_grad for parameter in net.neck.parameters())
        assert all(before[name].equal(value) for name, value in net.neck.state_dict().items())
        assert build(neck=neck).train().neck.laterals[0][0].weight.requires_grad

    @pytest.mark.parametrize('trained', BRANCHES)
    def test_what_is_frozen_stays(self, trained: str):
        frozen = [name for name in (*BRANCHES, 'backbone') if name != trained]
        net = build(frozen=frozen).train()
        before = {name: value.clone() for name, value in net.state_dict().items()}
        wrapper = build_optim_wrapper(
            net, dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=0.1), type='OptimWrapper')
        )
        inputs = torch.rand(1, 3, 64, 72)
        for _ in range(2):
            losses = net.loss(inputs, [sample(POINTS, (64, 72))])
            assert len(losses) == 1
            wrapper.update_params(sum(losses.values()))
        prefixes = dict(density=('density_',), localization=('bbox_head.',), attention=('attention_head.',))[trained]
        moved = {name for name, value in net.state_dict().items() if not torch.equal(value, before[name])}
        assert moved
        assert all(name.startswith(prefixes) for name in moved)

    def test_all_at_once(self):
        losses = build().train().loss(torch.rand(1, 3, 64, 72), [sample(POINTS, (64, 72))])
        assert set(losses) == {'loss_density', 'loss_cross', 'loss_attention'}
        assert all(value.isfinite() for value in losses.values())

    def test_nothing_left_to_train(self):
        with pytest.raises(ValueError, match='all branches are frozen'):
            build(frozen=BRANCHES).loss(torch.rand(1, 3, 16, 16), [])

    def test_weights_of_the_next_network(self):
        net = build(zooms=False)
        weights = zoom_net_weights(net.state_dict())
        zoom = RAZNet(**parts(4), data_preprocessor=None, test_cfg=ConfigDict())
        zoom.load_state_dict(weights)
        first = net.attention_head.layers[0].conv.weight
        assert torch.equal(zoom.attention_head.layers[0].conv.weight, first[:, 4:])
        build().load_state_dict(joined_weights(net.state_dict(), weights))


@pytest.mark.parametrize(
    ('params', 'message'),
    [
        (dict(frozen=('trunk',)), "frozen names \\['trunk'\\]"),
        (dict(density_neck=None), 'belong together'),
        (dict(attention_head=parts(5)['attention_head']), 'give 8 channels.*takes 5'),
    ],
)
def test_parts_that_do_not_fit(params: dict, message: str):
    with pytest.raises(ValueError, match=message):
        RAZNet(
            **{
                **parts(8),
                **dict(
                    density_neck=dict(type='mmcrowd.ConvBackEnd', in_channels=8, channels=(8, 4)),
                    density_head=dict(
                        type='mmcrowd.DensityHead', in_channels=4, codec=dict(type='mmcrowd.DensityCodec'), losses={}
                    ),
                ),
                **params,
            }
        )


@torch.no_grad()
def predict(net: RAZNet, image: Tensor, shape: tuple[int, int] | None = None) -> DetDataSample:
    shape = shape or tuple(image.shape[-2:])
    samples = [DetDataSample(metainfo=dict(img_shape=shape, scale_factor=(1.0, 1.0)))]
    return net.eval().predict(image[None] if image.dtype != torch.uint8 else [image], samples)[0]


class TestPrediction:
    def test_counts_and_points(self):
        found = predict(build(mode='average'), torch.rand(3, 72, 96))
        assert found.pred_count == pytest.approx(float(found.pred_count_density + found.pred_count_points) / 2)
        assert found.pred_count_points == len(found.pred_instances)
        assert found.pred_count == found.pred_count_average

    def test_thresholds_that_were_never_fitted(self):
        with pytest.raises(RuntimeError, match='never fitted'):
            predict(build(mode='fusion'), torch.rand(3, 32, 32))

    def test_tiles_count_what_the_whole_counts(self):
        net, image = build(), torch.rand(3, 120, 136)
        whole = predict(net, image)
        net.test_cfg = ConfigDict(mode='tile', tile=144, halo=56)
        tiles = predict(net, image)
        torch.testing.assert_close(tiles.pred_count_density, whole.pred_count_density)

    @pytest.mark.parametrize('depth', [5, -1, 1.5])
    def test_depth(self, depth):
        with pytest.raises(ValueError, match='depth must be 0 to 4'):
            predict(build(test_cfg=dict(depth=depth)), torch.rand(3, 32, 32))

    def test_depth_without_a_second_network(self):
        with pytest.raises(ValueError, match='needs a zoom_net'):
            predict(build(zooms=False, test_cfg=dict(depth=1)), torch.rand(3, 32, 32))

    @pytest.mark.parametrize('options', [dict(mirror=True), dict(merge='average'), dict(return_maps=True)])
    def test_what_it_cannot_do(self, options: dict):
        with pytest.raises(ValueError, match='RAZNet: test_cfg'):
            predict(build(test_cfg=options), torch.rand(3, 32, 32))

    @pytest.mark.parametrize('shape', [(8, 8), (5, 40), (64, 17)])
    @pytest.mark.parametrize('depth', [0, 1, 4])
    def test_small_images_at_any_depth(self, shape: tuple[int, int], depth: int):
        net = build(test_cfg=dict(depth=depth, regions=dict(threshold=0.0, number=2, num_points=3)))
        found = predict(net, torch.rand(3, *shape))
        assert np.isfinite(float(found.pred_count))

    def test_raw_images(self):
        image = torch.randint(0, 256, (3, 40, 48), dtype=torch.uint8)
        net = build(test_cfg=dict(depth=2, regions=dict(threshold=0.0, number=2)))
        raw, given = predict(net, image), predict(net, net.data_preprocessor.prepare(image))
        torch.testing.assert_close(raw.pred_count, given.pred_count)


class Planted:
    """Looks of networks that know where heads are: pixels of the image carry their own coordinates.

    The first look misses heads at random and is off by ``offset``; every look at a region finds all heads in it. Both
    are to a quarter of an image's pixel.
    """

    def __init__(self, points: np.ndarray, shape: tuple[int, int], seed: int, offset: float = 0) -> None:
        self.points, self.shape, self.random = points, shape, np.random.default_rng(seed)
        self.offset = offset
        rows, cols = torch.meshgrid(torch.arange(shape[0]) + 0.5, torch.arange(shape[1]) + 0.5, indexing='ij')
        self.image = torch.stack([cols, rows, torch.zeros_like(cols)]).float()

    def look(self, image: Tensor, shape: tuple[int, int]) -> raz_net.Look:
        width = max((image[0].max() - image[0].min()).item() + 1, 1)
        factor = round(shape[1] / width) if shape[1] > width + 1 else 1
        corner = np.round([image[0].min() - 0.5, image[1].min() - 0.5]).clip(0)
        points = (self.points - corner) * factor
        points = points[((points >= 0) & (points < shape[::-1])).all(axis=1)]
        if factor == 1:
            points = points[self.random.random(len(points)) < 0.6] + (self.offset, 0)
        points = points + self.random.uniform(-0.25, 0.25, points.shape) * factor
        points = torch.from_numpy(points.clip(0, np.subtract(shape[::-1], 1e-3))).float()
        heads = Decoded(points, torch.rand(len(points)), torch.cat([points, points], 1))
        attention = AttentionCodec(stride=8, sigma=8).encode(points.numpy(), None, shape)['attention']
        return raz_net.Look(heads, torch.from_numpy(attention[0]), None)


@pytest.mark.parametrize('seed', range(6))
@pytest.mark.parametrize('depth', [1, 2])
def test_no_head_counts_twice(seed: int, depth: int, monkeypatch):
    random, shape = np.random.default_rng(seed), (240, 320)
    grid = np.stack(np.meshgrid(np.arange(3, 317, 5), np.arange(3, 237, 5)), -1).reshape(-1, 2)
    dense = grid[(np.linalg.norm(grid - random.uniform(60, 180, 2), axis=1) < 60) | (random.random(len(grid)) < 0.05)]
    points = dense + random.uniform(-0.7, 0.7, dense.shape)
    planted = Planted(points, shape, seed)
    net = build(test_cfg=dict(depth=depth))
    monkeypatch.setattr(net.zoom_net, 'look', planted.look)
    first = planted.look(planted.image, shape)
    heads = net.zoom(planted.image, shape, first, depth)
    distance = np.linalg.norm(heads.points.numpy()[:, None] - points[None], axis=2)
    assert (distance.min(axis=1) < 1).all()
    assert len(np.unique(distance.argmin(axis=1))) == len(heads), 'two readings of one head'
    inside = np.linalg.norm(points - points.mean(axis=0), axis=1) < 30
    near = distance[:, inside].min(axis=0) < 1
    first_near = np.linalg.norm(first.heads.points.numpy()[:, None] - points[inside][None], axis=2).min(axis=0) < 1
    assert near.mean() > first_near.mean() + 0.2, 'looking again finds more where heads are dense'


@pytest.mark.parametrize('seed', range(3))
def test_inside_a_region_nothing_is_left_of_the_first_look(seed: int, monkeypatch):
    shape = (240, 320)
    grid = np.stack(np.meshgrid(np.arange(103, 217, 5), np.arange(63, 177, 5)), -1).reshape(-1, 2)
    points = grid + np.random.default_rng(seed).uniform(-0.7, 0.7, grid.shape)
    planted = Planted(points, shape, seed, offset=2)  # too far to be taken for a second reading of the same head
    net = build(test_cfg=dict(depth=1))
    monkeypatch.setattr(net.zoom_net, 'look', planted.look)
    first = planted.look(planted.image, shape)
    boxes = net.regions([(first.attention, (0, 0), shape)], 1, net.attention_head).boxes.numpy()
    heads = net.zoom(planted.image, shape, first, 1).points.numpy()
    deep = ((heads[:, None] > boxes[:, :2] + 4) & (heads[:, None] < boxes[:, 2:] - 4)).all(axis=2).any(axis=1)
    assert deep.sum() > 50
    distance = np.linalg.norm(heads[deep][:, None] - points[None], axis=2)
    assert (distance.min(axis=1) < 0.5).all()
    assert len(np.unique(distance.argmin(axis=1))) == deep.sum()


def test_no_region_leaves_the_first_look(monkeypatch):
    planted = Planted(np.array([[20.0, 30.0], [100.0, 50.0]]), (96, 128), 0)
    net = build(test_cfg=dict(depth=4))
    monkeypatch.setattr(net.zoom_net, 'look', None)
    first = planted.look(planted.image, (96, 128))
    heads = net.zoom(planted.image, (96, 128), first, 4)
    assert torch.equal(heads.points, first.heads.points)


@pytest.mark.parametrize(('shape', 'stride'), [((64, 96), 8), ((61, 83), 8), ((7, 9), 4), ((5, 3), 8)])
def test_grid_of_density(shape: tuple[int, int], stride: int):
    density = torch.rand(-(-shape[0] // stride), -(-shape[1] // stride))
    grid = grid_of_density(density, shape, stride, (4, 4))
    assert grid.sum() == pytest.approx(float(density.double().sum()))
    fine = 12  # pixels divided finely: each share of a cell lies in the part of its centre
    rows = (np.arange(shape[0] * fine) + 0.5) / fine
    cols = (np.arange(shape[1] * fine) + 0.5) / fine
    cell = np.ix_((rows // stride).astype(int), (cols // stride).astype(int))
    values = density.double().numpy()[cell]
    used = np.zeros(density.shape)
    np.add.at(used, cell, 1)
    values = values / used[cell]
    expected = np.zeros((4, 4))
    parts = np.ix_((rows * 4 // shape[0]).astype(int), (cols * 4 // shape[1]).astype(int))
    np.add.at(expected, parts, values)
    assert grid.numpy() == pytest.approx(expected, abs=1e-9)
