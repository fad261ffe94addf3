import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmcrowd.models import VGG, ConcatFPN
from mmcrowd.registry import MODELS

CONVOLUTIONS = {  # names in torchvision's weights
    'vgg16_bn': (0, 3, 7, 10, 14, 17, 20, 24, 27, 30, 34, 37, 40),
    'vgg16': (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28),
}
SMALL = dict(channels=(4, 6, 8, 10, 12))


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


class TestVGG:
    @pytest.mark.parametrize(('norm_cfg', 'count'), [(dict(type='BN'), 14_723_136), (None, 14_714_688)])
    def test_parameter_counts(self, norm_cfg: dict | None, count: int):
        with torch.device('meta'):
            assert parameters(VGG(norm_cfg=norm_cfg)) == count

    @pytest.mark.parametrize(('depth', 'convs'), [(11, 8), (13, 10), (16, 13), (19, 16)])
    def test_depths(self, depth: int, convs: int):
        with torch.device('meta'):
            assert sum(isinstance(m, nn.Conv2d) for m in VGG(depth).modules()) == convs

    @pytest.mark.parametrize(('name', 'norm_cfg'), [('vgg16_bn', dict(type='BN')), ('vgg16', None)])
    def test_names_are_those_of_torchvision(self, name: str, norm_cfg: dict | None):
        state = VGG(norm_cfg=norm_cfg, **SMALL).state_dict()
        assert {k for k, v in state.items() if v.ndim == 4} == {f'features.{i}.weight' for i in CONVOLUTIONS[name]}
        means = {f'features.{i + 1}.running_mean' for i in CONVOLUTIONS[name]} if norm_cfg else set()
        assert {k for k in state if k.endswith('running_mean')} == means

    @pytest.mark.parametrize(('name', 'norm_cfg'), [('vgg16_bn', dict(type='BN')), ('vgg16', None)])
    def test_pretrained_weights_load(self, name: str, norm_cfg: dict | None, tmp_path):
        """A file with torchvision's names, normalisation as old as its files (no num_batches_tracked), a classifier."""
        state, width = {}, [3, 4, 4, 6, 6, *[8] * 3, *[10] * 3, *[12] * 3]
        for i, before, after in zip(CONVOLUTIONS[name], width, width[1:], strict=False):
            state[f'features.{i}.weight'] = torch.rand(after, before, 3, 3)
            state[f'features.{i}.bias'] = torch.rand(after)
            if norm_cfg:
                state |= {
                    f'features.{i + 1}.{k}': torch.rand(after)
                    for k in ('weight', 'bias', 'running_mean', 'running_var')
                }
        torch.save(state | {'classifier.0.weight': torch.rand(2, 2)}, tmp_path / 'vgg.pth')
        init_cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'vgg.pth'))
        net = MODELS.build(dict(type='mmcrowd.VGG', norm_cfg=norm_cfg, init_cfg=init_cfg, **SMALL))
        net.init_weights()
        got = {k: v for k, v in net.state_dict().items() if not k.endswith('num_batches_tracked')}
        assert got.keys() == state.keys()
        for key, value in state.items():
            torch.testing.assert_close(got[key], value)

    def test_stages_end_before_their_pool(self):
        net = VGG(**SMALL).eval()
        image = torch.rand(1, 3, 32, 48)
        got = net(image)
        assert [tuple(o.shape) for o in got] == [(1, 8, 8, 12), (1, 10, 4, 6), (1, 12, 2, 3)]
        for out, last in zip(got, (22, 32, 42), strict=True):
            torch.testing.assert_close(out, net.features[: last + 1](image))
        assert len(net.features) == 43

    def test_front_end(self):
        """The ten convolutions that density networks start with."""
        net = VGG(out_indices=(3,), norm_cfg=None, **SMALL)
        assert len(net.features) == 23
        assert sum(isinstance(m, nn.Conv2d) for m in net.features) == 10
        assert net(torch.rand(1, 3, 8, 24))[0].shape == (1, 10, 1, 3)

    @pytest.mark.parametrize(
        ('options', 'message'),
        [
            (dict(depth=17), 'depth must be one of'),
            (dict(channels=(4, 4)), 'needs 5 widths, got 2'),
            (dict(out_indices=()), 'ascending stages'),
            (dict(out_indices=(3, 2)), 'ascending stages'),
            (dict(out_indices=(4, 5)), 'ascending stages'),
        ],
    )
    def test_bad_options(self, options: dict, message: str):
        with pytest.raises(ValueError, match=message):
            VGG(**options)


class TestConcatFPN:
    def test_parameter_count(self):
        with torch.device('meta'):
            assert parameters(ConcatFPN([256, 512, 512])) == 2_100_224

    def test_is_the_published_pyramid(self):
        neck = ConcatFPN([3, 4, 5], 6).eval()
        c3, c4, c5 = torch.rand(2, 3, 12, 20), torch.rand(2, 4, 6, 10), torch.rand(2, 5, 3, 5)

        def unit(x: torch.Tensor, module: nn.Module) -> torch.Tensor:
            return F.relu(module.bn(F.conv2d(x, module.conv.weight, padding=module.conv.weight.shape[-1] // 2)))

        laterals = [unit(x, m) for x, m in zip((c3, c4, c5), neck.lateral_convs, strict=True)]
        p4 = laterals[1] + F.interpolate(laterals[2], scale_factor=2)
        p3 = laterals[0] + F.interpolate(p4, scale_factor=2)
        levels = [unit(x, m) for x, m in zip((p3, p4, laterals[2]), neck.fpn_convs, strict=True)]
        want = torch.cat([F.interpolate(x, scale_factor=2**i) for i, x in enumerate(levels)], dim=1)
        (got,) = neck((c3, c4, c5))
        assert got.shape == (2, 18, 12, 20)
        torch.testing.assert_close(got, want)

    def test_odd_sizes(self):
        sizes = ((3, 13, 21), (4, 7, 11), (5, 4, 6))
        assert ConcatFPN([3, 4, 5], 6)([torch.rand(2, *size) for size in sizes])[0].shape == (2, 18, 13, 21)
