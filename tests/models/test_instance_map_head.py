import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.optim import PolyLR, build_optim_wrapper
from mmengine.structures import InstanceData, PixelData

from mmcrowd.codecs import FIDTCodec
from mmcrowd.models import (
    CrowdLocalizer,
    FixedThreshold,
    ImageThresholdEncoder,
    InstanceMapHead,
    InstanceMapLiteHead,
    PixelThresholdEncoder,
)
from mmcrowd.models.losses import MapL1Loss, MapMSELoss
from mmcrowd.registry import CODECS, MODELS

CODEC = dict(type='mmcrowd.InstanceMapCodec', source='point')
PBM = dict(type='mmcrowd.PixelThresholdEncoder', in_channels=8, channels=(6, 5))
IBM = dict(type='mmcrowd.ImageThresholdEncoder', in_channels=8)
FIXED = dict(type='mmcrowd.FixedThreshold', threshold=0.5)
METRICS = {'threshold_on_heads', 'threshold_on_background'}


def make(encoder: dict = PBM, **kwargs) -> InstanceMapHead:
    torch.manual_seed(0)
    return InstanceMapHead(CODEC, in_channels=8, deconv_channels=(4, 1), threshold_encoder=encoder, **kwargs)


def sample(points: np.ndarray, shape: tuple[int, int], stride: int = 1) -> DetDataSample:
    """A packed training sample of an image of ``shape`` with heads at ``points``."""
    data = DetDataSample(metainfo=dict(img_shape=shape, ori_shape=shape, img_path='here.jpg', scale_factor=(1.0, 1.0)))
    points = np.asarray(points, np.float32).reshape(-1, 2)
    data.gt_instances = InstanceData(points=torch.from_numpy(points))
    boxes = np.full((len(points), 4), np.nan, np.float32)
    maps = CODECS.build(dict(CODEC, stride=stride)).encode(points, boxes, shape)
    data.gt_map = PixelData(**{k: torch.from_numpy(v) for k, v in maps.items()})
    return data


def gradients(module: torch.nn.Module) -> float:
    return sum(p.grad.abs().sum().item() for p in module.parameters() if p.grad is not None)


class TestPublishedParameterCounts:
    def test_vgg(self):
        with torch.device('meta'):
            parts = [
                MODELS.build(dict(type='mmcrowd.VGG')),
                MODELS.build(dict(type='mmcrowd.ConcatFPN', in_channels=[256, 512, 512])),
                InstanceMapHead(CODEC),
            ]
        count = [sum(p.numel() for p in part.parameters()) for part in (*parts, parts[2].layers)]
        assert count == [14_723_136, 2_100_224, 1_379_649 + 2_138_179, 1_379_649]
        assert sum(count[:3]) == 20_341_188

    def test_hrnet(self, repo_root):
        cfg = Config.fromfile(repo_root / 'configs/_base_/models/fidt_hrnet_w48.py').model
        cfg.backbone.init_cfg = None
        with torch.device('meta'):
            backbone = MODELS.build(cfg.backbone)
            encoder = dict(type='mmcrowd.PixelThresholdEncoder', in_channels=720)
            head = InstanceMapHead(CODEC, in_channels=720, threshold_encoder=encoder)
        count = [sum(p.numel() for p in part.parameters()) for part in (backbone, head, head.layers)]
        assert count[2] == 1_258_929
        assert sum(count[:2]) == 68_611_636


class TestForward:
    @pytest.mark.parametrize(
        ('encoder', 'kind'), [(PBM, PixelThresholdEncoder), (IBM, ImageThresholdEncoder), (FIXED, FixedThreshold)]
    )
    @pytest.mark.parametrize('size', [(8, 8), (7, 9), (1, 3)])
    def test_confidence_and_threshold(self, encoder: dict, kind: type, size: tuple[int, int]):
        head = make(encoder)
        (pred,) = head((torch.rand(2, 8, *size),))
        assert isinstance(head.threshold_encoder, kind)
        assert pred.shape == (2, 2, 4 * size[0], 4 * size[1])
        assert ((pred > 0) & (pred < 1)).all()

    def test_thresholds_send_nothing_back(self):
        head, features = make(), torch.rand(1, 8, 8, 8, requires_grad=True)
        head((features,))[0][:, 1].sum().backward()
        assert features.grad.abs().sum() == 0
        assert gradients(head.layers) == 0
        assert gradients(head.threshold_encoder) > 0

    def test_light_head_keeps_the_size(self):
        codec = dict(CODEC, stride=2)
        head = InstanceMapLiteHead(codec, 32)
        (pred,) = head((torch.rand(1, 32, 9, 12),))
        assert pred.shape == (1, 2, 9, 12)
        losses = head.loss((torch.rand(1, 32, 9, 12),), [sample([[5.0, 5.0]], (17, 24), stride=2)])
        assert set(losses) == {'loss_map', 'loss_binary'} | METRICS

    def test_initialisation(self):
        """The head's convolutions are N(0, 0.01), its deconvolutions and the encoder are PyTorch's."""
        head = InstanceMapHead(
            CODEC, 64, (32, 1), dict(type='mmcrowd.PixelThresholdEncoder', in_channels=64, channels=(64,))
        )
        deconv = head.layers[3].weight.detach().clone()
        head.init_weights()
        assert head.layers[0].weight.std().item() == pytest.approx(0.01, rel=0.05)
        assert (head.layers[0].bias == 0).all()
        torch.testing.assert_close(head.layers[3].weight, deconv)
        assert head.threshold_encoder.layers[0].weight.std().item() == pytest.approx((3 * 64 * 9) ** -0.5, rel=0.05)

    @pytest.mark.parametrize('channels', [(), (64,), (64, 2)])
    def test_map_must_have_one_channel(self, channels: tuple[int, ...]):
        with pytest.raises(ValueError, match='expected a 1 at its end'):
            InstanceMapHead(CODEC, 8, channels, FIXED)


class TestLoss:
    @pytest.mark.parametrize('encoder', [PBM, IBM, FIXED])
    @pytest.mark.parametrize('counts', [[0, 0], [0, 5], [1, 0], [40, 40]])
    def test_finite_with_gradients(self, encoder: dict, counts: list[int]):
        head = make(encoder)
        rng = np.random.default_rng(0)
        samples = [sample(rng.uniform(0, 64, (n, 2)), (64, 64)) for n in counts]
        results = head.loss((torch.rand(2, 8, 16, 16),), samples)
        losses = {k: v for k, v in results.items() if 'loss' in k}
        assert set(losses) == {'loss_map', 'loss_binary'}
        assert set(results) - set(losses) == (METRICS if sum(counts) else METRICS - {'threshold_on_heads'})
        sum(losses.values()).backward()
        assert all(torch.isfinite(v) for v in results.values())
        assert not any(results[name].requires_grad for name in set(results) - set(losses))
        assert all(torch.isfinite(p.grad).all() for p in head.parameters())

    def test_values(self):
        head, data = make(), sample([[20.0, 12.0], [50.0, 40.0]], (64, 64))
        target = data.gt_map.instance[None]
        confidence, threshold = torch.rand(1, 1, 64, 64), 0.2 + 0.5 * torch.rand(1, 1, 64, 64)
        got = head.loss_by_feat(torch.cat([confidence, threshold], 1), [data])
        want = dict(
            loss_map=(confidence - target).square().mean(),
            loss_binary=((confidence >= threshold).float() - target).abs().mean(),
            threshold_on_heads=threshold[target == 1].mean(),
            threshold_on_background=threshold[target == 0].mean(),
        )
        assert target.sum() > 0
        assert got.keys() == want.keys()
        for name, value in want.items():
            torch.testing.assert_close(got[name], value)

    def test_perfect_prediction_costs_nothing(self):
        data = sample([[20.0, 12.0], [50.0, 40.0]], (64, 64))
        target = data.gt_map.instance[None]
        got = make().loss_by_feat(torch.cat([target, torch.full_like(target, 0.5)], 1), [data])
        assert got['loss_map'] == got['loss_binary'] == 0

    def test_small_images_are_padded_without_loss(self):
        head = make().eval()
        samples = [sample([[5.0, 6.0], [30.0, 20.0]], (24, 40)), sample([[9.0, 30.0]], (48, 32))]
        (pred,) = head((torch.rand(2, 8, 16, 16),))
        changed = pred.detach().clone()
        changed[0, :, 24:], changed[0, :, :, 40:], changed[1, :, 48:], changed[1, :, :, 32:] = 1, 1, 1, 1
        before, after = head.loss_by_feat(pred, samples), head.loss_by_feat(changed, samples)
        assert set(before) == {'loss_map', 'loss_binary'} | METRICS
        for name in before:
            assert before[name].item() == pytest.approx(after[name].item())

    def test_ignored_regions_carry_no_loss(self):
        head = make(FIXED, loss_binary=None)
        data = sample([[12.0, 12.0]], (32, 32))
        pred = torch.rand(1, 2, 32, 32)
        data.ignored_instances = InstanceData(bboxes=torch.tensor([[20.0, 0, 40, 9.6]]))
        before = head.loss_by_feat(pred, [data])['loss_map']
        pred[0, 0, :10, 20:] = 5
        assert head.loss_by_feat(pred, [data])['loss_map'] == before
        pred[0, 0, 10, 20] = 5
        assert head.loss_by_feat(pred, [data])['loss_map'] != before

    def test_images_of_heads_only(self):
        """A background without a pixel has no mean threshold to report."""
        data = sample([[1.0, 1.0]], (3, 3))
        data.gt_map.instance.fill_(1)
        results = make().loss((torch.rand(1, 8, 2, 2),), [data])
        assert set(results) == {'loss_map', 'loss_binary', 'threshold_on_heads'}

    @pytest.mark.parametrize('reaches', [True, False])
    def test_gradient_of_the_binary_map_in_the_confidence_predictor(self, reaches: bool):
        head, features = make(binary_grad_to_cp=reaches), torch.rand(1, 8, 16, 16, requires_grad=True)
        losses = head.loss((features,), [sample([[20.0, 12.0], [50.0, 40.0]], (64, 64))])
        losses['loss_binary'].backward(retain_graph=True)
        assert (gradients(head.layers) > 0) == bool(features.grad.abs().sum() > 0) == reaches
        assert gradients(head.threshold_encoder) > 0
        before = gradients(head.threshold_encoder)
        losses['loss_map'].backward()
        assert gradients(head.layers) > 0
        assert gradients(head.threshold_encoder) == before

    def test_share_of_the_gradient(self):
        grads = []
        for scale in (0.2, 0.4):
            head = make(input_grad_scale=scale)
            head.loss((torch.ones(1, 8, 16, 16),), [sample([[20.0, 12.0]], (64, 64))])['loss_binary'].backward()
            grads.append(head.layers[-1].weight.grad)
        torch.testing.assert_close(2 * grads[0], grads[1])

    def test_a_miss_lowers_the_threshold_and_a_false_head_raises_it(self):
        data = sample([[20.0, 12.0]], (64, 64))
        target = data.gt_map.instance[None]
        pred = torch.cat([0.45 + 0 * target, 0.5 + 0 * target], 1).requires_grad_()
        pred.data[..., 40:, 40:][:, 0] = 0.9
        make().loss_by_feat(pred, [data])['loss_binary'].backward()
        to_threshold = pred.grad[:, 1:]
        assert (to_threshold[target == 1] > 0).all()
        assert (to_threshold[..., 40:, 40:] < 0).all()

    def test_without_a_loss_of_the_binary_map(self):
        head = make(FIXED, loss_binary=None)
        losses = head.loss((torch.rand(1, 8, 16, 16),), [sample([], (64, 64))])
        assert set(losses) == {'loss_map', 'threshold_on_background'}

    @pytest.mark.parametrize('encoder', [PBM, IBM])
    def test_learnt_thresholds_need_a_loss(self, encoder: dict):
        with pytest.raises(ValueError, match='ThresholdEncoder learns from loss_binary, which is None'):
            make(encoder, loss_binary=None)

    def test_parts_of_the_paper(self):
        head = make(loss_binary=dict(type='mmcrowd.MapL1Loss', mode='mean'))
        assert isinstance(head.losses['loss_map'], MapMSELoss)
        assert head.losses['loss_map'].normalizer == 'mean'
        assert isinstance(head.losses['loss_binary'], MapL1Loss)
        assert head.losses['loss_binary'].mode == 'mean'
        assert make().losses['loss_binary'].mode == 'pixel'

    @pytest.mark.parametrize('encoder', [PBM, IBM, FIXED])
    def test_float32_under_autocast(self, encoder: dict):
        head = make(encoder)
        features = torch.rand(1, 8, 16, 16, requires_grad=True)
        with torch.autocast('cpu', torch.bfloat16):
            results = head.loss((features,), [sample([[20.0, 12.0]], (64, 64))])
        assert {v.dtype for v in results.values()} == {torch.float32}
        (results['loss_map'] + results['loss_binary']).backward()
        assert torch.isfinite(features.grad).all()

    def test_other_codec(self):
        with pytest.raises(ValueError, match=r"map of InstanceMapCodec.*FIDTCodec with the maps \['fidt'\]"):
            InstanceMapHead(dict(type='mmcrowd.FIDTCodec'), 8, threshold_encoder=FIXED)
        data = sample([[20.0, 12.0]], (64, 64))
        data.gt_map = PixelData(fidt=torch.zeros(1, 64, 64))
        with pytest.raises(ValueError, match=r"here\.jpg: expected the target maps \['instance'\]"):
            make().loss((torch.rand(1, 8, 16, 16),), [data])
        assert FIDTCodec.names == ('fidt',)


def localizer(**head) -> CrowdLocalizer:
    """A small VGG network for instance maps."""
    torch.manual_seed(0)
    encoder = dict(type='mmcrowd.PixelThresholdEncoder', in_channels=24, channels=(8, 8))
    model = MODELS.build(
        dict(
            type='mmcrowd.CrowdLocalizer',
            data_preprocessor=dict(
                type='mmcrowd.CrowdDataPreprocessor', mean=[0.0] * 3, std=[255.0] * 3, pad_size_divisor=16
            ),
            backbone=dict(type='mmcrowd.VGG', depth=11, channels=(8, 8, 16, 16, 16)),
            neck=dict(type='mmcrowd.ConcatFPN', in_channels=[16, 16, 16], out_channels=8),
            bbox_head=dict(
                type='mmcrowd.InstanceMapHead',
                codec=CODEC,
                in_channels=24,
                deconv_channels=(8, 1),
                threshold_encoder=encoder,
                **head,
            ),
        )
    )
    model.init_weights()
    return model


def crop() -> tuple[torch.Tensor, DetDataSample]:
    """A noisy picture (3, 64, 96) uint8 of eight bright heads, and its sample."""
    points = np.array([[10 + 24 * j, 16 + 32 * i] for i in range(2) for j in range(4)], np.float32)
    data = sample(points, (64, 96))
    image = np.random.default_rng(0).integers(0, 90, (3, 64, 96)).astype(np.uint8)
    image[:, data.gt_map.instance[0].numpy() > 0] += 150
    return torch.from_numpy(image), data


def train(model: CrowdLocalizer, steps: int, autocast: bool = False) -> list[dict[str, float]]:
    """Train on :func:`crop`; losses and monitored values of every step."""
    image, data = crop()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    history = []
    for _ in range(steps):
        batch = model.data_preprocessor(dict(inputs=[image], data_samples=[data]), True)
        with torch.autocast('cpu', torch.bfloat16, enabled=autocast):
            loss, log = model.parse_losses(model(**batch, mode='loss'))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append({k: v.item() for k, v in log.items()})
    return history


class TestTraining:
    @pytest.mark.parametrize('autocast', [False, True])
    def test_losses_fall(self, autocast: bool):
        model = localizer()
        history = train(model, 30, autocast)
        first, last = history[0], history[-1]
        for name in ('loss', 'loss_map', 'loss_binary'):
            assert last[name] < 0.5 * first[name]
        assert set(last) > METRICS
        assert last['loss'] == pytest.approx(last['loss_map'] + last['loss_binary'])
        assert gradients(model.bbox_head.threshold_encoder) > 0

    def test_finds_the_heads_it_has_learnt_whole_and_in_tiles(self):
        model = localizer()
        train(model, 60)
        model.eval()
        image, data = crop()
        image = image.repeat(1, 9, 11)
        data.set_metainfo(dict(img_shape=image.shape[-2:], ori_shape=image.shape[-2:]))
        starts = torch.tensor([[96.0 * j, 64.0 * i] for i in range(9) for j in range(11)])
        want = (data.gt_instances.points + starts[:, None]).flatten(0, 1)
        for mode in ('whole', 'tile'):
            model.test_cfg = dict(mode=mode, tile=1024, halo=256)
            (result,) = model.test_step(dict(inputs=[image], data_samples=[data.clone()]))
            distance = torch.cdist(result.pred_instances.points, want)
            assert distance.shape == (8 * 99, 8 * 99)
            assert distance.amin(0).max() < 1

    @pytest.mark.parametrize('reaches', [True, False])
    def test_gradient_of_the_binary_map_in_backbone_and_neck(self, reaches: bool):
        model, (image, data) = localizer(binary_grad_to_cp=reaches), crop()
        batch = model.data_preprocessor(dict(inputs=[image], data_samples=[data]), True)
        model(**batch, mode='loss')['loss_binary'].backward()
        assert [gradients(part) > 0 for part in (model.backbone, model.neck, model.bbox_head.layers)] == [reaches] * 3
        assert gradients(model.bbox_head.threshold_encoder) > 0


class TestSchedule:
    """The published rates: the predictor's with weight decay, the encoder's a fiftieth without, both poly 0.9."""

    @pytest.fixture
    def wrapper(self):
        encoder = dict(lr_mult=0.02, decay_mult=0.0)
        return build_optim_wrapper(
            localizer(),
            dict(
                type='OptimWrapper',
                optimizer=dict(type='Adam', lr=1e-5, weight_decay=1e-5),
                paramwise_cfg=dict(custom_keys={'bbox_head.threshold_encoder': encoder}),
            ),
        )

    def test_rates_of_predictor_and_encoder(self, wrapper):
        model = localizer()
        names = [name for name, _ in model.named_parameters()]
        groups = wrapper.optimizer.param_groups
        assert len(groups) == len(names)
        encoder = [name.startswith('bbox_head.threshold_encoder.') for name in names]
        assert sum(encoder) == len(list(model.bbox_head.threshold_encoder.parameters())) > 0
        for group, is_encoder in zip(groups, encoder, strict=True):
            assert group['lr'] == pytest.approx(2e-7 if is_encoder else 1e-5)
            assert group['weight_decay'] == pytest.approx(0 if is_encoder else 1e-5)

    def test_poly_schedule_by_iteration(self, wrapper):
        groups, steps = wrapper.optimizer.param_groups, 20
        # mmengine reaches eta_min at step end - 1.
        scheduler = PolyLR(wrapper, power=0.9, by_epoch=False, end=steps + 1)
        base = [group['lr'] for group in groups]
        assert sorted(set(base)) == pytest.approx([2e-7, 1e-5])
        for i in range(steps):
            share = (1 - i / steps) ** 0.9
            assert [group['lr'] for group in groups] == pytest.approx([share * lr for lr in base])
            scheduler.step()
