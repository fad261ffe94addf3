import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import HorizontalBoxes
from mmengine.structures import InstanceData, PixelData

from mmcrowd.codecs import HeadHeatmapCodec
from mmcrowd.models import CrowdCenterNetHead, CrowdLocalizer
from mmcrowd.registry import MODELS

LOSS_HEAT = dict(type='mmcrowd.MaskFocalLoss', use_sigmoid=True)
LOSSES = {'loss_heat', 'loss_size', 'loss_offset'}


def make(stride: int = 4, loss_heat: dict = LOSS_HEAT) -> CrowdCenterNetHead:
    torch.manual_seed(0)
    codec = dict(type='mmcrowd.HeadHeatmapCodec', stride=stride)
    return CrowdCenterNetHead(codec, in_channels=8, feat_channels=8, loss_heat=loss_heat)


def sample(points: np.ndarray, shape: tuple[int, int], codec: HeadHeatmapCodec, side: float = 12) -> DetDataSample:
    """A packed training sample of an image of ``shape`` with square heads at ``points``."""
    data = DetDataSample(metainfo=dict(img_shape=shape, img_path='here.jpg', scale_factor=(2.0, 4.0)))
    points = np.asarray(points, np.float32).reshape(-1, 2)
    boxes = np.concatenate([points - side / 2, points + side / 2], axis=1)
    data.gt_instances = InstanceData(points=torch.from_numpy(points))
    data.gt_map = PixelData(**{k: torch.from_numpy(v) for k, v in codec.encode(points, boxes, shape).items()})
    return data


def perfect(data: DetDataSample, codec: HeadHeatmapCodec) -> torch.Tensor:
    """The prediction (1, 5, h, w) that ``to_maps`` turns into the target of ``data``."""
    maps = torch.cat([data.gt_map.get(name) for name in codec.names])[None]
    return torch.cat([maps[:, :1].double().logit().clamp(-50, 50).float(), maps[:, 1:]], dim=1)


def test_parameter_count():
    head = CrowdCenterNetHead(dict(type='mmcrowd.HeadHeatmapCodec'))
    assert sum(p.numel() for p in head.parameters()) == 444_421


def test_every_cell_starts_as_background():
    head = make()
    head.init_weights()
    with torch.no_grad():
        maps = head.to_maps(head((torch.zeros(1, 8, 6, 7),))[0])
    assert maps.shape == (1, 5, 6, 7)
    torch.testing.assert_close(maps[:, 0], torch.full((1, 6, 7), 0.1), atol=1e-3, rtol=0)
    assert maps[:, 1:].abs().max() == 0


class TestLoss:
    @pytest.mark.parametrize('counts', [[0, 0], [0, 5], [1, 0], [40, 40]])
    @pytest.mark.parametrize(
        'loss_heat', [LOSS_HEAT, dict(LOSS_HEAT, mask='peak', gamma=2.0, beta=0.0, negative_beta=4.0, poly=0.0)]
    )
    def test_finite_with_gradients(self, counts: list[int], loss_heat: dict):
        head = make(loss_heat=loss_heat)
        rng = np.random.default_rng(0)
        samples = [sample(rng.uniform(0, 64, (n, 2)), (64, 64), head.codec) for n in counts]
        losses = head.loss((torch.rand(2, 8, 16, 16),), samples)
        assert set(losses) == LOSSES
        assert all(v.ndim == 0 and torch.isfinite(v) for v in losses.values())
        assert (losses['loss_size'] > 0) == (losses['loss_offset'] > 0) == (sum(counts) > 0)
        sum(losses.values()).backward()
        assert all(torch.isfinite(p.grad).all() for p in head.parameters())

    def test_values(self):
        """Means over both coordinates of all heads of the batch, of sizes in cells; weights 0.1 and 1."""
        head = make()
        samples = [sample([[10.0, 10.0], [33.0, 50.0]], (64, 64), head.codec), sample([[7, 21]], (64, 64), head.codec)]
        losses = head.loss_by_feat(torch.zeros(2, 5, 16, 16), samples)
        assert losses['loss_size'].item() == pytest.approx(0.1 * 3)
        offsets = [0.5, 0.5, 0.25, 0.5, 0.75, 0.25]
        assert losses['loss_offset'].item() == pytest.approx(np.mean(offsets))

    def test_heat_is_normalised_by_the_number_of_heads(self):
        head = make()
        points = [[10.0, 10.0], [33.0, 50.0]]
        pred = torch.randn(1, 5, 16, 16)
        target = sample(points, (64, 64), head.codec).gt_map.heat
        total = MODELS.build(dict(LOSS_HEAT, reduction='sum'))(pred[:, :1], target[None])
        losses = head.loss_by_feat(pred, [sample(points, (64, 64), head.codec)])
        assert losses['loss_heat'].item() == pytest.approx(total.item() / 2, rel=1e-5)

    def test_heads_in_one_cell_all_count(self):
        head = make()
        data = sample([[9.0, 9.0], [10.0, 10.0]], (64, 64), head.codec)
        losses = head.loss_by_feat(torch.zeros(1, 5, 16, 16), [data])
        assert losses['loss_offset'].item() == pytest.approx(0.5)

    @pytest.mark.parametrize('shape', [(24, 40), (21, 37)])
    def test_padding_carries_no_loss(self, shape: tuple[int, int]):
        head = make()
        large = sample([[50.0, 50.0]], (64, 64), head.codec)
        samples = [sample([[5.0, 6.0], [30.0, 20.0]], shape, head.codec), large]
        pred = torch.randn(2, 5, 16, 16)
        changed = pred.clone()
        changed[0, :, 6:] = 9
        changed[0, :, :, 10:] = 9
        before, after = head.loss_by_feat(pred, samples), head.loss_by_feat(changed, samples)
        assert before == after
        changed[0, :, 5, 9] = 9
        assert head.loss_by_feat(changed, samples)['loss_heat'] != before['loss_heat']

    def test_ignored_regions_carry_no_loss_of_the_heat(self):
        """Of the region (8, 8) to (24, 18), cells of 4 pixels with their centre in it: columns 2 to 5, rows 2 and 3."""
        head = make()
        data = sample([[40.0, 40.0]], (64, 64), head.codec)
        pred = torch.randn(1, 5, 16, 16)
        without = head.loss_by_feat(pred, [data])['loss_heat']
        data.ignored_instances = InstanceData(bboxes=HorizontalBoxes(torch.tensor([[8.0, 8, 24, 18]])))
        before = head.loss_by_feat(pred, [data])['loss_heat']
        assert before < without
        pred[0, 0, 2:4, 2:6] = 9
        assert head.loss_by_feat(pred, [data])['loss_heat'] == before
        for row, column in ((1, 2), (4, 2), (2, 1), (2, 6)):
            changed = pred.clone()
            changed[0, 0, row, column] = 9
            assert head.loss_by_feat(changed, [data])['loss_heat'] != before

    def test_perfect_prediction_costs_nothing(self):
        head = make()
        data = sample([[10.0, 10.0], [40.0, 50.0]], (64, 64), head.codec)
        losses = head.loss_by_feat(perfect(data, head.codec), [data])
        assert sum(losses.values()).item() == pytest.approx(0, abs=1e-5)

    def test_autocast(self):
        head = make()
        data = sample([[10.0, 10.0], [40.0, 50.0]], (64, 64), head.codec)
        features = (torch.rand(1, 8, 16, 16),)
        exact = head.loss(features, [data])
        with torch.autocast('cpu', torch.bfloat16):
            half = head.loss(features, [data])
        for name in LOSSES:
            assert half[name].dtype == torch.float32
            assert half[name].item() == pytest.approx(exact[name].item(), rel=0.02)
        sum(half.values()).backward()
        assert all(torch.isfinite(p.grad).all() for p in head.parameters())

    def test_losses_of_mmdet(self):
        """Any loss of mmdet's signature will do, here on sizes and offsets."""
        head = CrowdCenterNetHead(
            dict(type='mmcrowd.HeadHeatmapCodec'),
            in_channels=8,
            feat_channels=8,
            loss_size=dict(type='mmdet.SmoothL1Loss', beta=1.0, loss_weight=0.5),
            loss_offset=dict(type='mmdet.MSELoss'),
        )
        losses = head.loss_by_feat(torch.zeros(1, 5, 16, 16), [sample([[10.0, 10.0]], (64, 64), head.codec)])
        assert losses['loss_size'].item() == pytest.approx(0.5 * 2.5)
        assert losses['loss_offset'].item() == pytest.approx(0.25)

    def test_other_codec_than_the_targets(self):
        data = sample([[10.0, 10.0]], (64, 64), HeadHeatmapCodec(2))
        with pytest.raises(ValueError, match=r'here\.jpg.*same codec'):
            make(4).loss((torch.rand(1, 8, 16, 16),), [data])

    def test_codec_of_other_maps(self):
        with pytest.raises(ValueError, match=r'FIDTCodec with the maps \[.fidt.\]'):
            CrowdCenterNetHead(dict(type='mmcrowd.FIDTCodec'))


class TestPredict:
    def test_heads_of_a_perfect_prediction(self):
        head = make()
        points = np.array([[10.5, 20.5], [40.0, 33.25]])
        data = sample(points, (64, 64), head.codec)
        pred = perfect(data, head.codec)
        (plain,) = head.predict_by_feat(pred, [data.metainfo])
        (scaled,) = head.predict_by_feat(pred, [data.metainfo], rescale=True)
        np.testing.assert_allclose(plain.points, points, atol=1e-4)
        np.testing.assert_allclose(plain.bboxes, np.concatenate([points - 6, points + 6], 1), atol=1e-4)
        np.testing.assert_allclose(plain.scores, 1)
        np.testing.assert_allclose(scaled.points, points / [2, 4], atol=1e-4)
        assert plain.labels.dtype == torch.long

    def test_scores_are_probabilities(self):
        head = make()
        pred = torch.full((1, 5, 8, 8), -9.0)
        pred[0, 0, 3, 3] = 2.0
        (got,) = head.predict_by_feat(pred, [dict(img_shape=(32, 32))])
        np.testing.assert_allclose(got.scores, torch.tensor([2.0]).sigmoid())

    def test_no_heads(self):
        (got,) = make().predict_by_feat(torch.full((1, 5, 16, 16), -5.0), [dict(img_shape=(64, 64))])
        assert got.points.shape == (0, 2)
        assert got.bboxes.shape == (0, 4)


REACH = 480
"""Pixels: no cell of DLA-34 with plain convolutions in the neck sees farther than this."""


def detector(use_dcn: bool = False, **test_cfg) -> CrowdLocalizer:
    """A narrow CenterNet of full depth, normalisation statistics fitted to noise."""
    torch.manual_seed(0)
    widths = (4, 4, 4, 6, 6, 6)
    model = MODELS.build(
        dict(
            type='mmcrowd.CrowdLocalizer',
            data_preprocessor=dict(
                type='mmcrowd.CrowdDataPreprocessor', mean=[128.0] * 3, std=[74.0] * 3, pad_size_divisor=32
            ),
            backbone=dict(type='mmcrowd.DLA', channels=widths),
            neck=dict(type='mmcrowd.DLAUp', in_channels=widths[2:], use_dcn=use_dcn),
            bbox_head=dict(
                type='mmcrowd.CrowdCenterNetHead',
                codec=dict(type='mmcrowd.HeadHeatmapCodec', score_thr=0.05),
                in_channels=4,
                feat_channels=8,
                loss_heat=LOSS_HEAT,
            ),
            test_cfg=dict(tile=1280, halo=REACH, **test_cfg),
        )
    )
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    model(torch.randn(1, 3, 128, 128), mode='tensor')
    return model.eval()


def batch(*shapes: tuple[int, int]) -> dict:
    """Raw data of random images, as the data loader gives it."""
    rng = np.random.default_rng(0)
    samples = []
    for shape in shapes:
        points = rng.uniform(0, shape[::-1], (20, 2))
        samples.append(sample(points, shape, HeadHeatmapCodec()))
        samples[-1].set_metainfo(dict(ori_shape=shape, scale_factor=(1.0, 1.0)))
    return dict(
        inputs=[torch.from_numpy(rng.integers(0, 256, (3, *s), np.uint8)) for s in shapes], data_samples=samples
    )


def ordered(instances: InstanceData) -> torch.Tensor:
    """(N, 7) points, boxes and scores, sorted."""
    rows = torch.cat([instances.points, instances.bboxes, instances.scores[:, None]], dim=1)
    return rows[np.lexsort(rows[:, :2].round(decimals=2).numpy().T)]


class TestDetector:
    @pytest.mark.parametrize('shape', [(60, 1500), (1400, 33)])
    def test_tiles_equal_the_whole(self, shape: tuple[int, int]):
        whole = detector(mode='whole').test_step(batch(shape))[0].pred_instances
        tiled = detector(mode='tile').test_step(batch(shape))[0].pred_instances
        assert len(whole.points) > 100
        assert len(whole.points) == len(tiled.points)
        torch.testing.assert_close(ordered(tiled), ordered(whole), rtol=1e-4, atol=1e-3)

    def test_reach_of_the_network(self):
        """With all weights positive, and averages for maxima, every path from the image to a cell counts."""
        model = detector()
        for module in list(model.modules()):
            for name, child in module.named_children():
                if isinstance(child, torch.nn.MaxPool2d):
                    setattr(module, name, torch.nn.AvgPool2d(child.kernel_size))
                elif getattr(child, 'weight', None) is not None and child.weight.ndim == 4:
                    torch.nn.init.constant_(child.weight, 1 / child.weight[0].numel())
        model.double()
        image = torch.rand(1, 3, 32, 1280, dtype=torch.float64, requires_grad=True)
        pred = model.bbox_head(model.extract_feat(image))[0]
        farthest = 0
        for col in range(160, 168):
            (grad,) = torch.autograd.grad(pred[0, 0, 4, col], image, retain_graph=True)
            seen = grad[0].abs().sum(dim=(0, 1)).nonzero().flatten()
            farthest = max(farthest, 4 * col - int(seen.min()), int(seen.max()) - 4 * col)
        assert REACH - 32 < farthest <= REACH

    def test_maps_on_request(self):
        data = detector(return_maps=True).test_step(batch((64, 90)))[0]
        assert data.pred_map.heat.shape == data.pred_map.dx.shape == (1, 16, 23)
        heat = data.pred_map.heat
        assert 0 < heat.min() < 0.1 < heat.max() < 1
        torch.testing.assert_close(data.pred_instances.scores.max(), heat.max())

    @pytest.mark.parametrize('use_dcn', [True, False])
    @pytest.mark.parametrize('dtype', [None, torch.bfloat16])
    def test_training_step(self, use_dcn: bool, dtype: torch.dtype | None):
        model = detector(use_dcn).train()
        data = model.data_preprocessor(batch((64, 90), (50, 70)), True)
        with torch.autocast('cpu', dtype, enabled=dtype is not None):
            losses = model(**data, mode='loss')
            total, _ = model.parse_losses(losses)
        total.backward()
        assert set(losses) == LOSSES
        assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())

    def test_it_learns_heads(self):
        """One image: after some steps its heads, and only they, are predicted, with their boxes."""
        model = detector()
        points = np.array([[20.0, 18.0], [52.0, 34.0], [40.0, 50.0]])
        image = torch.full((1, 3, 64, 64), -1.0)
        for x, y in points.astype(int):
            image[..., y - 6 : y + 6, x - 6 : x + 6] = 1
        samples = [sample(points, (64, 64), model.bbox_head.codec)]
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        for _ in range(60):
            optimizer.zero_grad()
            sum(model(image, samples, mode='loss').values()).backward()
            optimizer.step()
        heads = model.predict(image, samples, rescale=False)[0].pred_instances
        heads = heads[heads.scores > 0.5]
        nearest = torch.cdist(heads.points.detach(), torch.from_numpy(points).float()).argmin(1)
        assert sorted(nearest.tolist()) == [0, 1, 2]
        np.testing.assert_allclose(heads.points.detach(), points[nearest], atol=2)
        np.testing.assert_allclose(heads.bboxes.detach()[:, 2:] - heads.bboxes.detach()[:, :2], 12, atol=4)
