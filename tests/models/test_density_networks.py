"""CSRNet, CANNet, MCNN and the Bayesian loss's network: sizes, parameters, tiles."""

import pytest
import torch
import torch.nn.functional as F
from mmdet.structures import DetDataSample
from mmengine.config import Config
from torch import Tensor

from mmcrowd.models import MCNN, ConvBackEnd, CrowdLocalizer, DensityHead, ScaleContext
from mmcrowd.registry import MODELS

CODEC = dict(type='mmcrowd.DensityCodec', stride=8)
LOSSES = dict(map=dict(type='mmcrowd.MapMSELoss', normalizer='batch'))
PARAMETERS = dict(csrnet=16_263_489, cannet=18_099_521 + 3_968, mcnn=133_705, bl_vgg19=21_499_457)


def model_of(repo_root, name: str, **changes) -> CrowdLocalizer:
    cfg = Config.fromfile(repo_root / f'configs/_base_/models/{name}.py')
    cfg.merge_from_dict(dict(model=dict(backbone=dict(init_cfg=None), **changes)))
    return MODELS.build(cfg.model)


@pytest.mark.parametrize('name', PARAMETERS)
def test_parameters(repo_root, name: str):
    with torch.device('meta'):
        model = model_of(repo_root, name)
    assert sum(p.numel() for p in model.parameters()) == PARAMETERS[name]


def test_cannet_as_in_the_paper(repo_root):
    """The released code normalises the back end, the paper does not."""
    with torch.device('meta'):
        cfg = Config.fromfile(repo_root / 'configs/_base_/models/cannet.py').model
        cfg.backbone.init_cfg, cfg.neck[1].norm_cfg = None, None
        assert sum(p.numel() for p in MODELS.build(cfg).parameters()) == 18_099_521


def test_csrnet_by_the_formula_of_multiply_adds():
    """Rows x columns x input channels x kernel x output channels, of the back end at 48 x 64 cells: 26,499.8 M."""
    convs = [m for m in ConvBackEnd().layers if isinstance(m, torch.nn.Conv2d)] + [torch.nn.Conv2d(64, 1, 1)]
    assert round(sum(48 * 64 * conv.weight.numel() for conv in convs) / 1e6, 1) == 26_499.8


@pytest.mark.parametrize('norm_cfg', [None, dict(type='BN')])
def test_back_end(norm_cfg: dict | None):
    back_end = ConvBackEnd(6, (5, 4), dilation=2, norm_cfg=norm_cfg).eval()
    fine, coarse = torch.rand(1, 3, 18, 22), torch.rand(1, 6, 9, 11)
    passed, got = back_end((fine, coarse))
    assert passed is fine
    convs = [m for m in back_end.layers if isinstance(m, torch.nn.Conv2d)]
    assert all(conv.bias is not None for conv in convs)
    scale = 1 if norm_cfg is None else (1 + 1e-5) ** -0.5
    want = coarse
    for conv in convs:
        want = F.relu(F.conv2d(want, conv.weight, conv.bias, padding=2, dilation=2) * scale)
    torch.testing.assert_close(got, want)


def test_enlarged_with_aligned_corners():
    (got,) = ConvBackEnd(2, (), upsample=2)((torch.arange(8.0).reshape(1, 2, 2, 2),))
    assert got.shape == (1, 2, 4, 4)
    torch.testing.assert_close(got[0, 0, 0], torch.tensor([0, 1 / 3, 2 / 3, 1]))


def test_context_against_the_definition():
    scales = (1, 2, 5)  # the last ones share cells
    context = ScaleContext(4, scales)
    x = torch.rand(2, 4, 6, 8) * 3
    for weight in context.parameters():
        torch.nn.init.normal_(weight)
    total, weights = 0.0, 0.0
    for bins, (_, conv) in zip(scales, context.scales, strict=True):
        around = F.interpolate(conv(F.adaptive_avg_pool2d(x, bins)), size=(6, 8), mode='bilinear')
        weight = torch.sigmoid(context.weight_net(x - around))
        total, weights = total + weight * around, weights + weight
    want = F.relu(context.bottleneck(torch.cat([total / weights, x], dim=1)))
    torch.testing.assert_close(context((x,))[0], want, rtol=1e-4, atol=1e-4)
    assert torch.isfinite(context((1e4 * x,))[0]).all(), 'where all sigmoids are 0'


@pytest.mark.parametrize(('output', 'expected'), [('linear', [-3.0, 2]), ('abs', [3, 2]), ('relu', [0, 2])])
def test_output(output: str, expected: list[float]):
    head = DensityHead(1, output, codec=CODEC, losses=LOSSES)
    torch.nn.init.ones_(head.conv.weight)
    torch.nn.init.zeros_(head.conv.bias)
    (got,) = head((torch.tensor([[[[-3.0, 2.0]]]]),))
    assert got.flatten().tolist() == expected


def test_bad_output():
    with pytest.raises(ValueError, match="output must be one of linear, abs, relu, got 'exp'"):
        DensityHead(1, 'exp', codec=CODEC, losses=LOSSES)


def white_noise(shape: tuple[int, int]) -> Tensor:
    return torch.rand(1, 3, *shape, generator=torch.Generator().manual_seed(0))


def small(name: str, **test_cfg) -> CrowdLocalizer:
    """A narrow network; its receptive field is that of the real one."""
    widths = dict(channels=(4, 4, 6, 6, 6), norm_cfg=None)
    vgg = dict(type='mmcrowd.VGG', out_indices=(3,), **widths)
    parts = {
        'csrnet': (vgg, dict(type='mmcrowd.ConvBackEnd', in_channels=6, channels=(6,) * 5 + (4,), init_cfg=None), 4, 8),
        'mcnn': (dict(type='mmcrowd.MCNN', init_cfg=None), None, 30, 4),
        'bl': (
            dict(type='mmcrowd.VGG', depth=19, out_indices=(4,), **widths),
            dict(type='mmcrowd.ConvBackEnd', in_channels=6, channels=(5, 4), dilation=1, upsample=2, init_cfg=None),
            4,
            8,
        ),
    }
    parts['cannet'] = (vgg, [dict(type='mmcrowd.ScaleContext', channels=6, init_cfg=None), parts['csrnet'][1]], 4, 8)
    backbone, neck, channels, stride = parts[name]
    torch.manual_seed(0)
    head = dict(type='mmcrowd.DensityHead', in_channels=channels, output='abs', init_cfg=None, losses=LOSSES)
    model = MODELS.build(
        dict(
            type='mmcrowd.CrowdLocalizer',
            data_preprocessor=dict(type='mmcrowd.CrowdDataPreprocessor', pad_size_divisor=16),
            backbone=backbone,
            neck=neck,
            bbox_head=head | dict(codec=dict(CODEC, stride=stride)),
            test_cfg=dict(test_cfg, return_maps=True),
        )
    )
    model.init_weights()
    return model.eval()


@pytest.mark.parametrize(('name', 'halo', 'tolerance'), [('csrnet', 160, 1e-5), ('mcnn', 64, 1e-5), ('bl', 160, 1e-2)])
def test_tiles_count_what_the_whole_counts(name: str, halo: int, tolerance: float):
    """Where corners are aligned, the enlarged grid depends on the size of the input: tiles come near only."""
    shape = (400, 464)
    counts, maps = [], []
    for test_cfg in (dict(mode='whole'), dict(mode='tile', tile=2 * halo + 128, halo=halo)):
        sample = DetDataSample(metainfo=dict(img_shape=shape, scale_factor=(1.0, 1.0)))
        with torch.no_grad():
            (sample,) = small(name, **test_cfg).predict(white_noise(shape), [sample])
        counts.append(sample.pred_count.item())
        maps.append(sample.pred_map.density)
        assert 'pred_instances' not in sample
    assert counts[0] > 0
    assert counts[1] == pytest.approx(counts[0], rel=tolerance)
    if tolerance < 1e-3:
        torch.testing.assert_close(maps[0], maps[1])


def test_quadrants_of_cannet():
    """Each has a context of its own; the image as a whole counts otherwise."""

    def count(image: Tensor, **test_cfg) -> float:
        sample = DetDataSample(metainfo=dict(img_shape=image.shape[-2:], scale_factor=(1.0, 1.0)))
        with torch.no_grad():
            return small('cannet', **test_cfg).predict(image, [sample])[0].pred_count.item()

    image = white_noise((192, 256))
    image[..., :96, :128] *= 3
    quadrants = [image[..., y : y + 96, x : x + 128] for y in (0, 96) for x in (0, 128)]
    expected = sum(count(quadrant, mode='whole') for quadrant in quadrants)
    assert count(image, mode='tile', grid=(2, 2), halo=0) == pytest.approx(expected, rel=1e-5)
    assert count(image, mode='whole') != pytest.approx(expected, rel=1e-3)


def test_columns():
    net = MCNN()
    assert net(torch.rand(1, 3, 16, 24))[0].shape == (1, 30, 4, 6)
