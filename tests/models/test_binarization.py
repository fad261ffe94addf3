import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from mmcrowd.models import (
    CompressedSigmoid,
    FixedThreshold,
    ImageThresholdEncoder,
    MapL1Loss,
    PixelThresholdEncoder,
    binarize,
)
from mmcrowd.models.layers import deconv_layers
from mmcrowd.models.map_targets import MapTargets


def maps(*rows: list[float]) -> Tensor:
    """A (1, 1, h, w) map that wants gradients."""
    return torch.tensor([[list(rows)]], requires_grad=True)


def beside(pred: Tensor, target: Tensor, counted: Tensor | None = None) -> MapTargets:
    """A prediction and its target, without heads; every cell counts unless ``counted`` says otherwise."""
    counted = torch.ones_like(target, dtype=torch.bool) if counted is None else counted
    return MapTargets(pred, target, counted, counted, [], 1, torch.tensor(1.0))


class TestBinarize:
    @pytest.fixture
    def example(self) -> tuple[Tensor, Tensor, Tensor]:
        """Confidence, threshold and target of four pixels: a hit, a miss, a rejection and a false head."""
        target = torch.tensor([[[[1.0, 1.0], [0.0, 0.0]]]])
        return maps([0.6, 0.4], [0.3, 0.8]), maps([0.5, 0.5], [0.5, 0.5]), target

    def test_worked_example(self, example: tuple[Tensor, Tensor, Tensor]):
        confidence, threshold, target = example
        binary = binarize(confidence, threshold)
        binary.retain_grad()
        loss = MapL1Loss()(beside(binary, target))
        loss.backward()
        assert binary.flatten().tolist() == [1, 0, 0, 1]
        assert loss.item() == 0.5
        assert binary.grad.flatten().tolist() == [0, -0.25, 0, 0.25]
        torch.testing.assert_close(confidence.grad.flatten(), torch.tensor([0, -0.05, 0, 0.05]))
        assert threshold.grad.flatten().tolist() == [0, 0.25, 0, -0.25]

    def test_loss_of_means_pushes_all_thresholds_one_way(self, example: tuple[Tensor, Tensor, Tensor]):
        confidence, threshold, target = example
        assert MapL1Loss('mean')(beside(binarize(confidence, threshold), target)).item() == 0
        loss = MapL1Loss('mean')(beside(binarize(confidence, threshold), torch.ones_like(target)))
        loss.backward()
        assert loss.item() == 0.5
        assert threshold.grad.flatten().tolist() == [0.25] * 4

    @pytest.mark.parametrize('scale', [0.0, 0.2, 1.0])
    def test_share_of_the_gradient(self, scale: float):
        confidence, threshold = torch.rand(2, 1, 3, 4, requires_grad=True), torch.rand(2, 1, 3, 4, requires_grad=True)
        weight = torch.randn(2, 1, 3, 4)
        (binarize(confidence, threshold, scale) * weight).sum().backward()
        torch.testing.assert_close(confidence.grad, scale * weight)
        torch.testing.assert_close(threshold.grad, -weight)

    def test_equality_is_a_head(self):
        assert binarize(maps([0.5]), maps([0.5])).item() == 1

    def test_gradient_of_a_shared_threshold_is_the_sum(self):
        threshold = torch.full((2, 1, 1, 1), 0.5, requires_grad=True)
        weight = torch.randn(2, 1, 3, 4)
        (binarize(torch.rand(2, 1, 3, 4), threshold) * weight).sum().backward()
        torch.testing.assert_close(threshold.grad.flatten(), -weight.sum((1, 2, 3)))

    def test_gradients_keep_the_dtype_of_their_map(self):
        confidence = torch.rand(4).bfloat16().requires_grad_()
        threshold = torch.rand(4, requires_grad=True)
        binary = binarize(confidence, threshold)
        binary.sum().backward()
        assert binary.dtype == torch.float32
        assert (confidence.grad.dtype, threshold.grad.dtype) == (torch.bfloat16, torch.float32)

    def test_no_gradient_where_none_is_wanted(self):
        threshold = torch.rand(4, requires_grad=True)
        binarize(torch.rand(4), threshold).sum().backward()
        assert threshold.grad.tolist() == [-1] * 4
        assert not binarize(torch.rand(4), torch.rand(4)).requires_grad


class TestL1Loss:
    @pytest.mark.parametrize('mode', ['pixel', 'mean'])
    def test_padding_carries_no_loss(self, mode: str):
        valid = torch.zeros(2, 1, 4, 6, dtype=torch.bool)
        valid[0, :, :2, :3], valid[1, :, :4, :2] = True, True
        pred, target = torch.rand(2, 1, 4, 6, requires_grad=True), torch.rand(2, 1, 4, 6)
        loss = MapL1Loss(mode)(beside(pred, target, valid))
        loss.backward()
        error = [(p - t)[v] for p, t, v in zip(pred, target, valid, strict=True)]
        if mode == 'pixel':
            assert loss.item() == pytest.approx(torch.cat(error).abs().mean().item())
        else:
            assert loss.item() == pytest.approx(torch.stack([e.mean().abs() for e in error]).mean().item())
        assert (pred.grad[~valid] == 0).all()
        assert (pred.grad[valid] != 0).all()

    def test_weight_and_nothing_valid(self):
        pred = torch.rand(1, 1, 2, 2, requires_grad=True)
        for mode in ('pixel', 'mean'):
            loss = MapL1Loss(mode, loss_weight=3.0)
            full = torch.ones(1, 1, 2, 2, dtype=torch.bool)
            assert loss(beside(pred, pred.detach() + 1, full)).item() == pytest.approx(3)
            assert loss(beside(pred, pred.detach() + 1, ~full)).item() == 0

    def test_unknown_mode(self):
        with pytest.raises(ValueError, match=r"mode must be 'pixel' or 'mean', got 'map'"):
            MapL1Loss('map')


class TestCompressedSigmoid:
    @pytest.mark.parametrize('factor', [1.0, 10.0])
    def test_equation(self, factor: float):
        x = torch.linspace(-3, 3, 61, dtype=torch.float64)
        torch.testing.assert_close(CompressedSigmoid(factor)(x), 1 / (2 + torch.exp(-factor * x)) + 0.2)

    def test_limits_and_middle(self):
        x = torch.tensor([-1e4, 0.0, 1e4])
        torch.testing.assert_close(CompressedSigmoid()(x), torch.tensor([0.2, 8 / 15, 0.7]))

    @pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16, torch.float32])
    def test_gradients_are_finite_and_not_negative(self, dtype: torch.dtype):
        x = torch.tensor([-1e4, -100, -9, -1.2, 0, 1.2, 9, 100, 1e4], dtype=dtype, requires_grad=True)
        y = CompressedSigmoid(10.0)(x)
        y.sum().backward()
        assert y.dtype == dtype
        assert ((y >= 0.199) & (y <= 0.701)).all()
        assert torch.isfinite(x.grad).all()
        assert (x.grad >= 0).all()
        # 10 * 0.5 * s * (1 - s) with s = sigmoid(ln 2) = 2 / 3
        assert x.grad[4].item() == pytest.approx(10 / 9, rel=1e-2)


def literal_pixel_thresholds(encoder: PixelThresholdEncoder, features: Tensor, confidence: Tensor) -> Tensor:
    """The published encoder in the published order, for sizes that 8 divides."""
    p = F.interpolate(confidence, scale_factor=1 / 8, mode='nearest')
    x = F.interpolate(features, scale_factor=1 / 2, mode='nearest') * p
    convs = [m for m in encoder.modules() if isinstance(m, torch.nn.Conv2d)]
    for conv, slope in zip(convs[:-1], [m for m in encoder.modules() if isinstance(m, torch.nn.PReLU)], strict=True):
        x = F.prelu(F.conv2d(x, conv.weight, padding=1), slope.weight)
    x = F.avg_pool2d(x, 15, 1, 7, count_include_pad=True)
    x = F.avg_pool2d(F.conv2d(x, convs[-1].weight), 15, 1, 7, count_include_pad=True)
    return F.interpolate(1 / (2 + torch.exp(-10 * x)) + 0.2, scale_factor=8, mode='nearest')


class TestEncoders:
    @pytest.fixture(params=['pixel', 'image'])
    def encoder(self, request: pytest.FixtureRequest) -> torch.nn.Module:
        if request.param == 'pixel':
            return PixelThresholdEncoder(6, channels=(5, 4, 3))
        return ImageThresholdEncoder(6)

    @pytest.mark.parametrize('channels', [(256, 128, 64), (5,)])
    def test_pixel_thresholds_are_the_published_ones(self, channels: tuple[int, ...]):
        encoder = PixelThresholdEncoder(6, channels).double()
        features, confidence = 20 * torch.rand(2, 6, 36, 20).double(), torch.rand(2, 1, 144, 80).double()
        got = encoder(features, confidence)
        want = literal_pixel_thresholds(encoder, features, confidence)
        assert want.std() > 1e-3
        torch.testing.assert_close(got, want.float())

    def test_image_thresholds_are_the_described_ones(self):
        encoder = ImageThresholdEncoder(6, factor=2.0)
        features, confidence = torch.rand(2, 6, 8, 12), torch.rand(2, 1, 32, 48)
        logits = (features[..., ::2, ::2] * confidence[..., ::8, ::8] * encoder.layers[0].weight).sum(1).mean((1, 2))
        want = 1 / (2 + torch.exp(-2 * logits)) + 0.2
        got = encoder(features, confidence)
        assert got.shape == (2, 1, 32, 48)
        torch.testing.assert_close(got, want.view(2, 1, 1, 1).expand_as(got))

    def test_parameter_counts(self):
        with torch.device('meta'):
            counts = {
                channels: [
                    sum(p.numel() for p in encoder(channels).parameters())
                    for encoder in (PixelThresholdEncoder, ImageThresholdEncoder)
                ]
                for channels in (720, 768)
            }
        assert counts == {720: [2_027_587, 720], 768: [2_138_179, 768]}

    @pytest.mark.parametrize('size', [(1, 1), (2, 3), (7, 9), (16, 5)])
    @pytest.mark.parametrize('ratio', [1, 2, 4, 8])
    def test_any_size(self, encoder: torch.nn.Module, size: tuple[int, int], ratio: int):
        confidence = torch.rand(2, 1, size[0] * ratio, size[1] * ratio)
        threshold = encoder(torch.rand(2, 6, *size), confidence)
        assert threshold.shape == confidence.shape
        assert ((threshold > 0.2) & (threshold < 0.7)).all()
        for top in range(0, threshold.shape[-2], 8):
            for left in range(0, threshold.shape[-1], 8):
                block = threshold[..., top : top + 8, left : left + 8]
                assert (block == block[..., :1, :1]).all()

    @pytest.mark.parametrize('size', [(32, 33), (16, 32), (48, 48), (4, 4)])
    def test_other_sizes(self, encoder: torch.nn.Module, size: tuple[int, int]):
        with pytest.raises(ValueError, match=rf'features of 8 x 8 and a confidence map of {size[0]} x {size[1]}'):
            encoder(torch.rand(1, 6, 8, 8), torch.rand(1, 1, *size))

    def test_thresholds_are_float32_under_autocast(self, encoder: torch.nn.Module):
        features, confidence = torch.rand(1, 6, 8, 8).bfloat16(), torch.rand(1, 1, 32, 32)
        with torch.autocast('cpu', torch.bfloat16):
            assert encoder(features, confidence).dtype == torch.float32

    def test_initialisation_is_that_of_pytorch(self, encoder: torch.nn.Module):
        torch.manual_seed(0)
        torch.nn.init.constant_(encoder.layers[0].weight, 7.0)
        encoder.init_weights()
        bound = 1 / math.sqrt(encoder.layers[0].weight[0].numel())
        weight = encoder.layers[0].weight.abs()
        assert (weight <= bound).all()
        assert weight.max() > 0.5 * bound

    def test_bad_options(self):
        with pytest.raises(ValueError, match='pool must be odd and positive, got 4'):
            PixelThresholdEncoder(6, pool=4)
        with pytest.raises(ValueError, match='ImageThresholdEncoder: block must be at least 1 cell, got 0'):
            ImageThresholdEncoder(6, block=0)


class TestFixedThreshold:
    def test_constant(self):
        got = FixedThreshold(0.8)(torch.rand(2, 6, 4, 4), torch.rand(2, 1, 16, 16).bfloat16())
        assert got.shape == (2, 1, 16, 16)
        assert got.dtype == torch.float32
        assert (got == torch.tensor(0.8)).all()

    @pytest.mark.parametrize('threshold', [0, 1, -0.1, 1.5, math.nan])
    def test_outside_the_range_of_confidences(self, threshold: float):
        with pytest.raises(ValueError, match=rf'threshold must lie in \(0, 1\), got {threshold}'):
            FixedThreshold(threshold)


def test_deconvolutions_need_widths():
    with pytest.raises(ValueError, match='deconv_channels is empty'):
        deconv_layers(8, (), dict(type='BN'))
