import pytest
import torch

from mmcrowd.models import ConcatPyramid, CrowdHRNet, SpaceToDepthResNet, TopDownPyramid
from mmcrowd.registry import MODELS


def stages(width: int = 4, modules: tuple[int, int, int] = (1, 1, 1), blocks: int = 1) -> dict:
    """HRNet stages of small width."""
    widths = [width * 2**i for i in range(4)]
    stage1 = dict(num_modules=1, num_branches=1, block='BOTTLENECK', num_blocks=(blocks,), num_channels=(8,))
    rest = {
        f'stage{n + 2}': dict(
            num_modules=m,
            num_branches=n + 2,
            block='BASIC',
            num_blocks=(blocks,) * (n + 2),
            num_channels=tuple(widths[: n + 2]),
        )
        for n, m in enumerate(modules)
    }
    return dict(stage1=stage1, **rest)


def parameters(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def receptive_radius(network: torch.nn.Module, size: int) -> int:
    """Farthest input pixel, in Chebyshev distance, that reaches the centre of the output."""
    image = torch.ones(1, 3, size, size, requires_grad=True)
    out = network(image)
    centre = out.shape[-1] // 2
    out[0, :, centre, centre].sum().backward()
    rows, cols = image.grad[0].abs().sum(0).nonzero(as_tuple=True)
    scale = size // out.shape[-1]
    middle = centre * scale + scale // 2
    return int(torch.stack([(rows - middle).abs(), (cols - middle).abs()]).max())


class TestHRNet:
    @pytest.mark.parametrize('mode', ['bilinear', 'nearest'])
    @pytest.mark.parametrize('size', [(64, 64), (33, 70), (101, 47)])
    def test_any_size(self, mode: str, size: tuple[int, int]):
        net = CrowdHRNet(stages(), upsample=mode)
        net.eval()
        outs = net(torch.rand(1, 3, *size))
        assert [o.shape[1] for o in outs] == [4, 8, 16, 32]
        assert outs[0].shape[-2:] == (-(-size[0] // 4), -(-size[1] // 4))

    def test_nearest_equals_mmdet(self):
        ours = CrowdHRNet(stages(), upsample='nearest')
        stock = MODELS.build(dict(type='mmdet.HRNet', extra=stages()))
        stock.load_state_dict(ours.state_dict())
        ours.eval()
        stock.eval()
        image = torch.rand(2, 3, 64, 96)
        for a, b in zip(ours(image), stock(image), strict=True):
            torch.testing.assert_close(a, b)

    def test_normalisation_trains_by_default(self):
        net = CrowdHRNet(stages())
        net.train()
        assert all(m.training for m in net.modules() if isinstance(m, torch.nn.BatchNorm2d))

    def test_unknown_mode(self):
        with pytest.raises(ValueError, match='upsample'):
            CrowdHRNet(stages(), upsample='cubic')


class TestLite:
    def test_levels(self):
        net = SpaceToDepthResNet(channels=(8, 12), blocks=(1, 0))
        assert [tuple(o.shape) for o in net(torch.rand(2, 3, 32, 64))] == [(2, 8, 16, 32), (2, 12, 8, 16)]

    def test_widths_and_depths_must_agree(self):
        with pytest.raises(ValueError, match='widths'):
            SpaceToDepthResNet(channels=(8, 12), blocks=(1,))

    def test_shipped_network(self, repo_root):
        from mmengine.config import Config

        cfg = Config.fromfile(repo_root / 'configs/_base_/models/fidt_lite.py').model
        model = MODELS.build(cfg).eval()
        assert parameters(model) < 5_000_000

        for module in model.modules():  # all positive, so that no ReLU hides a path
            if isinstance(module, torch.nn.Conv2d):
                torch.nn.init.constant_(module.weight, 1 / module.weight[0].numel())

        def network(image: torch.Tensor) -> torch.Tensor:
            return model.bbox_head(model.extract_feat(image))[0]

        assert network(torch.rand(1, 3, 64, 96)).shape == (1, 1, 32, 48)
        radius = receptive_radius(network, 1024)
        assert 128 < radius <= cfg.test_cfg.halo


class TestNecks:
    def test_concat(self):
        levels = [torch.rand(1, 3, 20, 30), torch.rand(1, 4, 10, 15), torch.rand(1, 5, 3, 4)]
        (out,) = ConcatPyramid()(levels)
        assert out.shape == (1, 12, 20, 30)
        torch.testing.assert_close(out[:, :3], levels[0])

    def test_top_down_odd_sizes(self):
        neck = TopDownPyramid([3, 4, 5], [6, 7, 7])
        (out,) = neck([torch.rand(1, 3, 21, 30), torch.rand(1, 4, 11, 15), torch.rand(1, 5, 6, 8)])
        assert out.shape == (1, 6, 21, 30)

    def test_widths_must_agree(self):
        with pytest.raises(ValueError, match='widths'):
            TopDownPyramid([3, 4], [6])

    @pytest.mark.parametrize('mode', ['nearest', 'bilinear'])
    def test_normalised_laterals(self, mode: str):
        """Levels of very different scales count alike, and the next one is interpolated as asked."""
        neck = TopDownPyramid([3, 4], [6, 6], lateral_norm_cfg=dict(type='BN'), norm_cfg=None, mode=mode)
        fine, coarse = torch.rand(2, 3, 8, 8), torch.rand(2, 4, 4, 4)
        (plain,), (scaled,) = neck((fine, coarse)), neck((1000 * fine, 100 * coarse))
        torch.testing.assert_close(plain, scaled, rtol=0, atol=0.02)
        laterals = [lateral(x) for lateral, x in zip(neck.laterals, (fine, coarse), strict=True)]
        summed = laterals[0] + torch.nn.functional.interpolate(laterals[1], scale_factor=2, mode=mode)
        torch.testing.assert_close(plain, neck.smooth[0](summed))

    def test_every_level_reaches_the_output(self):
        neck = TopDownPyramid([3, 4, 5], [6, 7, 7])
        levels = [torch.rand(2, c, s, s, requires_grad=True) for c, s in ((3, 16), (4, 8), (5, 4))]
        neck(levels)[0].square().sum().backward()
        assert all(level.grad.abs().sum() > 0 for level in levels)
