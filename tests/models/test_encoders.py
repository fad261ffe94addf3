"""Encoders: what they say about themselves, published weights, frozen stages; every map head behind every encoder."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from mmcrowd.models import VGG, EfficientNetLite, TimmEncoder
from mmcrowd.registry import MODELS
from mmcrowd.utils.errors import WeightsError
from mmcrowd.utils.pretrained import load_pretrained, without_pretrained

NARROW = dict(channels=(4, 6, 8, 10, 12))


class FeatureList(nn.Module):
    """What ``timm.create_model(..., features_only=True)`` returns, in small."""

    def __init__(self, out_indices: tuple[int, ...]) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 4, 3, 2, 1, bias=False), nn.BatchNorm2d(4)
        self.layer1 = nn.Conv2d(4, 6, 3, 2, 1)
        self.out_indices = out_indices
        self.feature_info = SimpleNamespace(
            channels=lambda: [(4, 6)[i] for i in out_indices], reduction=lambda: [(2, 4)[i] for i in out_indices]
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        fine = self.bn1(self.conv1(x))
        return [(fine, self.layer1(fine))[i] for i in self.out_indices]


@pytest.fixture
def timm(monkeypatch) -> list[tuple]:
    """A stand-in for timm; the calls of ``create_model``."""
    calls, module = [], ModuleType('timm')

    def create_model(name: str, **kwargs) -> nn.Module:
        calls.append((name, kwargs))
        return FeatureList(kwargs['out_indices'])

    module.create_model = create_model
    monkeypatch.setitem(sys.modules, 'timm', module)
    return calls


VGG16 = dict(type='mmcrowd.VGG', norm_cfg=None, **NARROW)
ENCODERS = {
    'vgg16': VGG16,
    'vgg16_bn': dict(type='mmcrowd.VGG', out_indices=(1, 3), **NARROW),
    'efficientnet_lite0': dict(type='mmcrowd.EfficientNetLite'),
    'efficientnet_lite0, coarse levels': dict(type='mmcrowd.EfficientNetLite', out_indices=(2, 3)),
    'dla': dict(type='mmcrowd.DLA', channels=(4, 4, 6, 6, 8, 8), out_indices=(2, 4)),
    'space to depth': dict(type='mmcrowd.SpaceToDepthResNet', channels=(4, 6, 8), blocks=(0, 1, 1)),
    'timm': dict(type='mmcrowd.TimmEncoder', name='resnet18', out_indices=(0, 1)),
}
FREEZABLE = ('vgg16', 'vgg16_bn', 'efficientnet_lite0')


def build(name: str, **options) -> nn.Module:
    return MODELS.build(dict(ENCODERS[name], **options))


@pytest.mark.parametrize('name', ENCODERS)
def test_encoders_say_what_they_give(name: str, timm):
    net = build(name).eval()
    levels = net(torch.rand(1, 3, 64, 96))
    assert net.out_channels == tuple(level.shape[1] for level in levels)
    assert net.strides == tuple(64 // level.shape[2] for level in levels)
    assert net.strides == tuple(96 // level.shape[3] for level in levels)


class TestEfficientNetLite:
    def test_parameters_and_names(self):
        with torch.device('meta'):
            net = EfficientNetLite()
        # 4,652,008 of the published network less conv_head, bn2 and the classifier
        assert sum(p.numel() for p in net.parameters()) == 4_652_008 - 320 * 1280 - 2 * 1280 - 1280 * 1000 - 1000
        shapes = {name: tuple(value.shape) for name, value in net.state_dict().items()}
        assert shapes['conv_stem.weight'] == (32, 3, 3, 3)
        assert shapes['blocks.0.0.conv_pw.weight'] == (16, 32, 1, 1)
        assert shapes['blocks.2.1.conv_dw.weight'] == (240, 1, 5, 5)
        assert shapes['blocks.6.0.bn3.running_mean'] == (320,)

    @pytest.mark.parametrize('size', [(64, 64), (33, 50)])
    def test_padding_is_that_of_tensorflow(self, size: tuple[int, int]):
        """'SAME': ceil(size / stride) cells, the larger half of the padding at the right and the bottom."""
        net = EfficientNetLite(out_indices=(2,)).eval()
        conv = net.blocks[2][0].conv_dw
        x = torch.rand(1, 144, *size)
        pads = [(-(-side // 2) - 1) * 2 + 5 - side for side in size]
        padded = torch.zeros(1, 144, size[0] + pads[0], size[1] + pads[1])
        padded[..., pads[0] // 2 :, pads[1] // 2 :][..., : size[0], : size[1]] = x
        expected = nn.functional.conv2d(padded, conv.weight, stride=2, groups=144)
        assert expected.shape[-2:] == (-(-size[0] // 2), -(-size[1] // 2))
        torch.testing.assert_close(conv(x), expected)

    @pytest.mark.parametrize('block', [(1, 0), (1, 1), (2, 1)])
    def test_depthwise_under_autocast(self, block: tuple[int, int]):
        conv = EfficientNetLite(out_indices=(2,)).blocks[block[0]][block[1]].conv_dw
        x = torch.rand(1, conv.in_channels, 16, 16)
        with torch.autocast('cpu', torch.bfloat16):
            got = conv(x)
        torch.testing.assert_close(got.float(), conv(x), rtol=0.02, atol=0.02)


class TestFrozen:
    """Trained with decay and momentum: what is frozen stays bit by bit, everything else moves."""

    @staticmethod
    def train(net: nn.Module) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        before = {name: value.clone() for name, value in net.state_dict().items()}
        optimizer = dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=0.1)
        wrapper = build_optim_wrapper(net, dict(type='OptimWrapper', optimizer=optimizer))
        net.eval()
        net.train()
        for _ in range(3):
            wrapper.update_params(sum(level.square().mean() for level in net(torch.rand(2, 3, 64, 64))))
        return before, net.state_dict()

    @pytest.mark.parametrize('name', FREEZABLE)
    @pytest.mark.parametrize('stages', [-1, 0, 2])
    def test_leading_stages(self, name: str, stages: int):
        net = build(name, frozen_stages=stages)
        frozen = {
            id(value)
            for s in range(stages + 1)
            for m in net.stage_modules(s)
            for value in m.state_dict(keep_vars=True).values()
        }
        frozen = {name for name, value in net.state_dict(keep_vars=True).items() if id(value) in frozen}
        assert (len(frozen) > 0) == (stages >= 0)
        before, after = self.train(net)
        for name in before:
            assert torch.equal(before[name], after[name]) == (name in frozen), name

    @pytest.mark.parametrize('name', FREEZABLE[1:])
    def test_statistics_alone(self, name: str):
        before, after = self.train(build(name, norm_eval=True))
        for name in before:
            assert torch.equal(before[name], after[name]) == ('running' in name or 'tracked' in name), name

    def test_the_whole_of_timm(self, timm):
        net = nn.Sequential(TimmEncoder('resnet18', (1,), frozen=True))
        net.append(Last())
        before, after = self.train(net)
        assert [name for name in before if not torch.equal(before[name], after[name])] == ['1.conv.weight']

    @pytest.mark.parametrize('stages', [-2, 5])
    def test_bad_stages(self, stages: int):
        with pytest.raises(ValueError, match=rf'frozen_stages must lie in -1 to 4, got {stages}'):
            EfficientNetLite(frozen_stages=stages)


class Last(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(6, 1, 1, bias=False)

    def forward(self, x: tuple[Tensor]) -> tuple[Tensor]:
        return (self.conv(x[0]),)


def published(net: nn.Module, path: Path, **more: Tensor) -> str:
    """Random weights of a network in a float16 file, without counters, with more than it has."""
    state = {name: torch.rand(value.shape).half() for name, value in net.state_dict().items() if value.ndim}
    save_file(state | more, path)
    return str(path)


class TestPretrained:
    @pytest.mark.parametrize('name', [*FREEZABLE, 'dla', 'timm'])
    def test_one_option_for_all(self, name: str, timm, tmp_path):
        """What the network does not have at all, such as a classifier, may be in the file."""
        net = build(name)
        own = net.net if name == 'timm' else net
        path = published(own, tmp_path / 'a.safetensors', **{'classifier.weight': torch.zeros(2, 2)})
        net = nn.Sequential(build(name, init_cfg=dict(type='Pretrained', checkpoint=path)))
        with without_pretrained(net) as ((owner, entry),):
            load_pretrained(owner, entry['checkpoint'])
        state = load_file(path)
        for key, value in (net[0].net if name == 'timm' else net[0]).state_dict().items():
            assert value.ndim == 0 or torch.equal(value, state[key].float())

    def test_timm_without_the_runner_of_the_project(self, timm, tmp_path):
        path = published(FeatureList((0, 1)), tmp_path / 'a.safetensors')
        net = build('timm', init_cfg=dict(type='Pretrained', checkpoint=path))
        net.init_weights()
        assert torch.equal(net.net.layer1.weight, load_file(path)['layer1.weight'].float())

    def test_stages_that_are_not_built(self, tmp_path):
        path = published(EfficientNetLite(), tmp_path / 'a.safetensors')
        load_pretrained(EfficientNetLite(out_indices=(0, 2)), path)
        path = published(VGG(norm_cfg=None, **NARROW), tmp_path / 'b.safetensors')
        load_pretrained(VGG(norm_cfg=None, out_indices=(3,), **NARROW), path)

    @pytest.mark.parametrize(
        ('given', 'built', 'what'),
        [
            (None, dict(type='BN'), 'without batch normalisation: set norm_cfg=None'),
            (dict(type='BN'), None, r"with batch normalisation: set norm_cfg=dict\(type='BN'\)"),
        ],
    )
    def test_vgg_with_and_without_normalisation(self, given, built, what: str, tmp_path):
        path = published(VGG(norm_cfg=given, **NARROW), tmp_path / 'a.safetensors')
        with pytest.raises(WeightsError, match=f'weights of VGG {what}'):
            load_pretrained(VGG(norm_cfg=built, **NARROW), path)

    def test_a_name_too_many_inside(self, tmp_path):
        net = EfficientNetLite(out_indices=(1,))
        path = published(net, tmp_path / 'a.safetensors', **{'blocks.1.7.conv_pw.weight': torch.zeros(1)})
        with pytest.raises(WeightsError, match=r'blocks\.1\.7\.conv_pw\.weight\): give weights of a EfficientNetLite'):
            load_pretrained(net, path)

    @pytest.mark.parametrize('prefix', ['', 'backbone.', 'module.backbone.'])
    def test_what_is_left_out_is_said(self, prefix: str, monkeypatch, tmp_path):
        said, net = [], VGG(norm_cfg=None, **NARROW)
        monkeypatch.setattr('mmcrowd.utils.pretrained.print_log', lambda text, **_: said.append(text))
        state = {f'{prefix}{name}': torch.rand(value.shape) for name, value in net.state_dict().items()}
        outer = 'module.' if 'module' in prefix else ''
        save_file(state | {f'{outer}classifier.0.weight': torch.zeros(1)}, tmp_path / 'a.safetensors')
        load_pretrained(net, str(tmp_path / 'a.safetensors'), 'backbone' if prefix else None)
        assert said == [
            f'VGG: 26 tensors from {tmp_path}/a.safetensors; 1 of the file left out ({outer}classifier.0.weight)'
        ]

    def test_timm_is_optional(self, monkeypatch):
        monkeypatch.setitem(sys.modules, 'timm', None)
        with pytest.raises(ImportError, match='needs timm, which is not installed: pip install timm'):
            TimmEncoder('resnet18')

    def test_timm_downloads_nothing(self, timm):
        TimmEncoder('resnet18', (0, 1), in_chans=3)
        options = dict(features_only=True, pretrained=False, out_indices=(0, 1), in_chans=3)
        assert timm == [('resnet18', options)]


PIXEL_ENCODER = dict(type='mmcrowd.PixelThresholdEncoder', in_channels=6, channels=(4, 4, 4), block=2)
HEADS = {
    'FIDTLiteHead': dict(codec=dict(type='mmcrowd.FIDTCodec'), losses={}),
    'FIDTHead': dict(codec=dict(type='mmcrowd.FIDTCodec'), losses={}, deconv_channels=(1,)),
    'P2RHead': dict(codec=dict(type='mmcrowd.P2RCodec'), losses={}, upscale=1),
    'InstanceMapLiteHead': dict(codec=dict(type='mmcrowd.InstanceMapCodec'), threshold_encoder=PIXEL_ENCODER),
    'InstanceMapHead': dict(
        codec=dict(type='mmcrowd.InstanceMapCodec'), threshold_encoder=PIXEL_ENCODER, deconv_channels=(1,)
    ),
    'CrowdCenterNetHead': dict(codec=dict(type='mmcrowd.HeadHeatmapCodec'), feat_channels=4),
}


def detector(
    name: str = 'vgg16',
    head: str = 'FIDTLiteHead',
    in_channels: int = 6,
    divisor: int = 32,
    neck_channels: tuple = (),
    **neck,
) -> nn.Module:
    """A localizer behind an encoder, its head at the stride of the finest level, or half of it."""
    encoder = build(name)
    options, stride = HEADS[head], encoder.strides[0]
    codec = dict(options['codec'], stride=stride // 2 if 'deconv_channels' in options else stride)
    channels = neck_channels or encoder.out_channels
    neck = dict(type='mmcrowd.TopDownPyramid', in_channels=channels, out_channels=(6,) * len(channels), **neck)
    return MODELS.build(
        dict(
            type='mmcrowd.CrowdLocalizer',
            data_preprocessor=dict(type='mmcrowd.CrowdDataPreprocessor', pad_size_divisor=divisor),
            backbone=ENCODERS[name],
            neck=neck,
            bbox_head=dict(options, type=f'mmcrowd.{head}', in_channels=in_channels, codec=codec),
        )
    )


@pytest.mark.parametrize('head', HEADS)
@pytest.mark.parametrize('name', ENCODERS)
def test_every_map_head_behind_every_encoder(name: str, head: str, timm):
    model = detector(name, head).eval()
    with torch.no_grad():
        maps = model.predict_maps(torch.rand(1, 3, 64, 64))
    assert maps.shape[-2:] == model.bbox_head.codec.map_shape((64, 64))


class TestAgreement:
    def test_head(self):
        with pytest.raises(
            ValueError, match=r'TopDownPyramid gives 6 channels, but FIDTLiteHead takes 7: set bbox_head.in_channels=6'
        ):
            detector(in_channels=7)

    def test_neck(self):
        message = r'gives levels of \(8, 10, 12\) channels, but TopDownPyramid takes \(8, 10\): set neck.in_channels=\('
        with pytest.raises(ValueError, match=message):
            detector(in_channels=6, neck_channels=(8, 10))

    def test_levels_that_are_not_used(self):
        detector(start_level=1, neck_channels=(10, 12))

    def test_padding(self):
        with pytest.raises(ValueError, match=r'strides \(4, 8, 16\), .* multiples of 8: set .*pad_size_divisor=16'):
            detector(divisor=8)
