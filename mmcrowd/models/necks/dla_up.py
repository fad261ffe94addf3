"""Iterative upsampling of DLA features to one fine map (CenterNet's DLA-34)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmcv.cnn import build_norm_layer
from mmcv.ops import ModulatedDeformConv2dPack
from mmcv.ops.modulated_deform_conv import modulated_deform_conv2d
from mmengine.model import BaseModule, ModuleList
from torch import Tensor, nn

from mmcrowd.registry import MODELS

from .levels import check_levels


class ExactDeformConv(ModulatedDeformConv2dPack):
    """Modulated deformable convolution (DCNv2) in float32, whatever autocast and the memory format are.

    Offsets of fractions of a cell need the precision. mmcv's operator has no bfloat16 on CPUs, and reads channels-last
    tensors as if they were not, without an error.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, C', h, w) float32."""
        with torch.autocast(x.device.type, enabled=False):
            x = x.float().contiguous()
            out = self.conv_offset(x).contiguous()
            split = 2 * out.shape[1] // 3
            return modulated_deform_conv2d(
                x,
                out[:, :split].contiguous(),
                out[:, split:].sigmoid(),
                self.weight.contiguous(),
                self.bias,
                self.stride,
                self.padding,
                self.dilation,
                self.groups,
                self.deform_groups,
            )


class ConvNormReLU(BaseModule):
    """3x3 convolution, deformable or not, normalisation and ReLU.

    Args:
        in_channels (int): Channels of the input.
        out_channels (int): Channels of the output.
        use_dcn (bool): Whether the convolution is deformable.
        norm_cfg (dict): Normalisation layer.
    """

    def __init__(self, in_channels: int, out_channels: int, use_dcn: bool, norm_cfg: dict) -> None:
        super().__init__()
        if use_dcn:
            self.conv = ExactDeformConv(in_channels, out_channels, 3, padding=1)
        else:
            self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
        self.norm = build_norm_layer(norm_cfg, out_channels)[1]
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, C', h, w)."""
        return self.relu(self.norm(self.conv(x)))


class BilinearUpsample(nn.ConvTranspose2d):
    """Depthwise deconvolution that starts as bilinear interpolation.

    Args:
        channels (int): Channels of input and output.
        factor (int): Even upsampling factor.
    """

    def __init__(self, channels: int, factor: int) -> None:
        super().__init__(channels, channels, 2 * factor, factor, factor // 2, groups=channels, bias=False)
        ramp = 1 - (torch.arange(2 * factor) + 0.5 - factor).abs() / factor
        with torch.no_grad():
            self.weight.copy_(ramp[:, None] * ramp)


class IterativeAggregation(BaseModule):
    """Bring coarser levels to the finest one's size and width, and merge them in one after the other.

    Args:
        in_channels (sequence of int): Channels of the levels, finest first. The finest must have ``out_channels``.
        factors (sequence of int): Upsampling factor of each level but the finest.
        out_channels (int): Channels of every output.
        use_dcn (bool): Whether convolutions are deformable.
        norm_cfg (dict): Normalisation layer.
    """

    def __init__(
        self, in_channels: Sequence[int], factors: Sequence[int], out_channels: int, use_dcn: bool, norm_cfg: dict
    ) -> None:
        super().__init__()
        self.project = ModuleList([ConvNormReLU(c, out_channels, use_dcn, norm_cfg) for c in in_channels[1:]])
        self.upsample = ModuleList([BilinearUpsample(out_channels, factor) for factor in factors])
        self.node = ModuleList([ConvNormReLU(out_channels, out_channels, use_dcn, norm_cfg) for _ in factors])

    def forward(self, levels: Sequence[Tensor]) -> list[Tensor]:
        """Levels, finest first -> as many maps of the finest size; the last has seen all levels."""
        merged = [levels[0]]
        for x, project, upsample, node in zip(levels[1:], self.project, self.upsample, self.node, strict=True):
            merged.append(node(upsample(project(x)) + merged[-1]))
        return merged


@MODELS.register_module()
class DLAUp(BaseModule):
    """Aggregate the levels of a DLA backbone into one map of the finest size.

    Source: Zhou et al., "Objects as Points" (DLA-34). The coarsest level is merged into the next finer one, the result
    and that into the one above, and so on; a last aggregation joins the results of all these steps. Behind DLA-34 it
    has 3,940,336 parameters with deformable convolutions, 3,300,608 without.

    With plain convolutions no cell of DLA-34 and this neck, nor of a head with one 3x3 convolution, sees farther
    than 480 pixels: with that halo, tiles are exact.

    Args:
        in_channels (sequence of int): Channels of the levels, finest first; each has half the size of the one before.
        use_dcn (bool): Whether the 3x3 convolutions are deformable. Their reach is then not bounded, so that tiles
            equal the whole image only nearly; on CPUs they are several times slower than plain ones.
        norm_cfg (dict): Normalisation layer.
        init_cfg (dict or list, optional): Initialisation.
    """

    def __init__(
        self,
        in_channels: Sequence[int] = (64, 128, 256, 512),
        use_dcn: bool = True,
        norm_cfg: dict = dict(type='BN'),
        init_cfg: dict | list | None = None,
    ) -> None:
        if len(in_channels) < 2:
            raise ValueError(f'DLAUp: needs at least 2 levels, got in_channels={tuple(in_channels)}')
        super().__init__(init_cfg)
        self.in_channels = tuple(in_channels)
        widths = list(in_channels)
        self.steps = ModuleList()
        for i in range(len(widths) - 2, -1, -1):
            self.steps.append(
                IterativeAggregation(widths[i:], [2] * (len(widths) - 1 - i), widths[i], use_dcn, norm_cfg)
            )
            widths[i:] = [widths[i]] * (len(widths) - i)
        factors = [2**i for i in range(1, len(widths) - 1)]
        self.join = IterativeAggregation(in_channels[:-1], factors, in_channels[0], use_dcn, norm_cfg)

    def map_channels(self, channels: Sequence[int]) -> int:
        """Channels of the map that it makes of an encoder's levels; a ValueError where it takes others."""
        check_levels(self, self.in_channels, channels)
        return self.in_channels[0]

    def forward(self, inputs: Sequence[Tensor]) -> tuple[Tensor]:
        """Levels, finest first -> one (B, in_channels[0], h, w) map of the finest size."""
        levels, results = list(inputs), []
        for i, step in zip(range(len(levels) - 2, -1, -1), self.steps, strict=True):
            levels[i:] = step(levels[i:])
            results.insert(0, levels[-1])
        return (self.join(results)[-1],)
