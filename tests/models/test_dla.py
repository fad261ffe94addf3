import pytest
import torch
import torch.nn.functional as F

from mmcrowd.models import DLA, DLAUp
from mmcrowd.models.necks.dla_up import BilinearUpsample, ExactDeformConv
from mmcrowd.registry import MODELS
from mmcrowd.utils.pretrained import load_pretrained

TINY = (2, 2, 3, 4, 5, 6)


def parameters(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def deform_conv() -> ExactDeformConv:
    torch.manual_seed(0)
    conv = ExactDeformConv(6, 4, 3, padding=1)
    torch.nn.init.normal_(conv.conv_offset.weight, std=0.3)
    return conv


class TestBackbone:
    @pytest.mark.parametrize(('options', 'count'), [({}, 15_229_104), (dict(unused_projections=True), 15_270_832)])
    def test_published_parameter_counts(self, options: dict, count: int):
        with torch.device('meta'):
            assert parameters(DLA(**options)) == count

    def test_levels(self):
        outs = DLA(channels=TINY, out_indices=(0, 1, 2, 3, 4, 5))(torch.rand(2, 3, 64, 96))
        assert [tuple(o.shape) for o in outs] == [(2, c, 64 >> i, 96 >> i) for i, c in enumerate(TINY)]

    def test_coarser_levels_are_not_computed(self):
        (out,) = DLA(channels=TINY, out_indices=(2,))(torch.rand(2, 3, 36, 20))
        assert out.shape == (2, 3, 9, 5)

    def test_names_of_the_released_weights(self):
        with torch.device('meta'):
            shapes = {name: tuple(value.shape) for name, value in DLA(unused_projections=True).state_dict().items()}
        expected = {
            'base_layer.0.weight': (16, 3, 7, 7),
            'base_layer.1.running_mean': (16,),
            'level0.0.weight': (16, 16, 3, 3),
            'level1.0.weight': (32, 16, 3, 3),
            'level2.tree1.conv1.weight': (64, 32, 3, 3),
            'level2.tree2.bn2.weight': (64,),
            'level2.project.0.weight': (64, 32, 1, 1),
            'level2.root.conv.weight': (64, 128, 1, 1),
            'level3.project.1.weight': (128,),
            'level3.tree1.root.bn.weight': (128,),
            'level3.tree1.project.0.weight': (128, 64, 1, 1),
            'level3.tree2.tree1.conv2.weight': (128, 128, 3, 3),
            'level3.tree2.root.conv.weight': (128, 448, 1, 1),
            'level5.root.conv.weight': (512, 1280, 1, 1),
        }
        assert {name: shapes.get(name) for name in expected} == expected

    def test_released_weights_load(self, tmp_path):
        """With their classifier and the projections that are never used."""
        released = DLA(channels=TINY, unused_projections=True)
        torch.save({**released.state_dict(), 'fc.weight': torch.rand(10, 6, 1, 1)}, tmp_path / 'dla.pth')
        net = DLA(channels=TINY)
        load_pretrained(net, str(tmp_path / 'dla.pth'))
        image = torch.rand(1, 3, 32, 32)
        for one, other in zip(net.eval()(image), released.eval()(image), strict=True):
            torch.testing.assert_close(one, other)

    def test_every_parameter_is_used(self):
        net = DLA(channels=TINY)
        sum(o.square().mean() for o in net(torch.rand(2, 3, 64, 64))).backward()
        assert all(p.grad is not None for p in net.parameters())

    def test_initialisation(self):
        torch.manual_seed(0)
        net = DLA()
        net.init_weights()
        weight = net.level4.tree2.tree1.conv1.weight
        assert weight.std().item() == pytest.approx((2 / (256 * 9)) ** 0.5, rel=0.01)

    @pytest.mark.parametrize(
        ('options', 'message'),
        [
            (dict(channels=(4, 4)), '6 widths'),
            (dict(levels=(1, 1)), '6 levels'),
            (dict(out_indices=(3, 2)), 'out_indices'),
            (dict(out_indices=(5, 6)), 'out_indices'),
        ],
    )
    def test_bad_options(self, options: dict, message: str):
        with pytest.raises(ValueError, match=message):
            DLA(**options)


class TestNeck:
    @pytest.mark.parametrize(('use_dcn', 'count'), [(True, 3_940_336), (False, 3_300_608)])
    def test_published_parameter_counts(self, use_dcn: bool, count: int):
        assert parameters(DLAUp(use_dcn=use_dcn)) == count

    @pytest.mark.parametrize('use_dcn', [True, False])
    def test_every_level_and_parameter_is_used(self, use_dcn: bool):
        neck = MODELS.build(dict(type='mmcrowd.DLAUp', in_channels=TINY[2:], use_dcn=use_dcn))
        levels = [torch.rand(2, c, 32 >> i, 48 >> i, requires_grad=True) for i, c in enumerate(TINY[2:])]
        copies = [level.detach().clone() for level in levels]
        (out,) = neck(levels)
        assert out.shape == (2, 3, 32, 48)
        out.square().mean().backward()
        assert all(level.grad.abs().sum() > 0 for level in levels)
        assert all(p.grad is not None and p.grad.isfinite().all() for p in neck.parameters())
        for level, copy in zip(levels, copies, strict=True):
            torch.testing.assert_close(level.detach(), copy)

    @pytest.mark.parametrize('use_dcn', [True, False])
    def test_autocast(self, use_dcn: bool):
        backbone, neck = DLA(channels=TINY).eval(), DLAUp(TINY[2:], use_dcn).eval()
        image = torch.rand(1, 3, 64, 64)
        (exact,) = neck(backbone(image))
        with torch.autocast('cpu', torch.bfloat16):
            (half,) = neck(backbone(image))
        half.float().sum().backward()
        torch.testing.assert_close(half.float(), exact, rtol=0.05, atol=0.05)

    def test_channels_last(self):
        neck = DLAUp(TINY[2:]).eval()
        for module in neck.modules():
            if isinstance(module, ExactDeformConv):
                torch.nn.init.normal_(module.conv_offset.weight, std=0.3)
        levels = [torch.rand(2, c, 32 >> i, 48 >> i) for i, c in enumerate(TINY[2:])]
        (plain,) = neck(levels)
        neck.to(memory_format=torch.channels_last)
        (last,) = neck([level.contiguous(memory_format=torch.channels_last) for level in levels])
        torch.testing.assert_close(last, plain, rtol=1e-4, atol=1e-5)

    def test_too_few_levels(self):
        with pytest.raises(ValueError, match='at least 2 levels'):
            DLAUp([64])


class TestExactDeformConv:
    def test_without_offsets_it_is_a_convolution(self):
        """Offsets start at 0 and the modulation at sigmoid(0)."""
        conv, x = ExactDeformConv(6, 4, 3, padding=1), torch.rand(2, 6, 9, 11)
        torch.nn.init.normal_(conv.bias)
        expected = 0.5 * F.conv2d(x, conv.weight, padding=1) + conv.bias[:, None, None]
        torch.testing.assert_close(conv(x), expected)

    def test_whole_offsets_shift(self):
        conv, x = ExactDeformConv(6, 4, 3, padding=1), torch.rand(1, 6, 12, 12)
        with torch.no_grad():
            conv.conv_offset.bias[1:18:2] = 2  # columns
        shifted = F.pad(x, (0, 2))[..., 2:]
        expected = 0.5 * F.conv2d(shifted, conv.weight, padding=1)
        torch.testing.assert_close(conv(x)[..., 1:-3], expected[..., 1:-3])

    def test_same_as_the_operator(self):
        from mmcv.ops import ModulatedDeformConv2dPack

        conv, x = deform_conv(), torch.rand(2, 6, 9, 11)
        torch.testing.assert_close(conv(x), ModulatedDeformConv2dPack.forward(conv, x))

    def test_memory_format(self):
        conv, x = deform_conv(), torch.rand(2, 6, 9, 11)
        expected = conv(x)
        torch.testing.assert_close(conv(x.contiguous(memory_format=torch.channels_last)), expected)
        conv.to(memory_format=torch.channels_last)
        torch.testing.assert_close(conv(x), expected)

    @pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
    def test_autocast_changes_nothing(self, dtype: torch.dtype):
        conv, x = deform_conv(), torch.rand(2, 6, 9, 11)
        expected = conv(x)
        with torch.autocast('cpu', dtype):
            out = conv(x)
        assert out.dtype == torch.float32
        torch.testing.assert_close(out, expected)
        out.sum().backward()
        assert all(p.grad.isfinite().all() for p in conv.parameters())


@pytest.mark.parametrize('factor', [2, 4])
def test_upsampling_starts_bilinear(factor: int):
    x = torch.rand(1, 3, 7, 9)
    inner = (..., slice(factor, -factor), slice(factor, -factor))
    expected = F.interpolate(x, scale_factor=factor, mode='bilinear', align_corners=False)
    torch.testing.assert_close(BilinearUpsample(3, factor)(x)[inner], expected[inner])
