"""Necks that turn a pyramid of features into one fine map."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule, build_norm_layer
from mmengine.model import BaseModule, ModuleList
from torch import Tensor, nn

from mmcrowd.registry import MODELS

from .levels import check_levels


def _resize(x: Tensor, like: Tensor, mode: str) -> Tensor:
    return F.interpolate(x, size=like.shape[-2:], mode=mode, align_corners=None if mode == 'nearest' else False)


def _lateral(in_channels: int, out_channels: int, norm_cfg: dict | None) -> nn.Module:
    if norm_cfg is None:
        return nn.Conv2d(in_channels, out_channels, 1)
    conv = nn.Conv2d(in_channels, out_channels, 1, bias=False)
    return nn.Sequential(conv, build_norm_layer(norm_cfg, out_channels)[1])


@MODELS.register_module()
class ConcatPyramid(BaseModule):
    """Resize every level to the finest and concatenate (the 720 channels of FIDTM's and IIM's HRNet-W48).

    Args:
        mode (str): Interpolation, 'bilinear' (align_corners False) or 'nearest'.
    """

    def __init__(self, mode: str = 'bilinear') -> None:
        super().__init__()
        self.mode = mode

    def map_channels(self, channels: Sequence[int]) -> int:
        """Channels of the map that it makes of an encoder's levels."""
        return sum(channels)

    def forward(self, inputs: Sequence[Tensor]) -> tuple[Tensor]:
        """Levels, finest first -> one map of the finest size with the sum of their channels."""
        return (torch.cat([inputs[0], *(_resize(x, inputs[0], self.mode) for x in inputs[1:])], dim=1),)


@MODELS.register_module()
class TopDownPyramid(BaseModule):
    """Feature pyramid that returns its finest level only.

    The coarser result is upsampled, added to the level's 1x1 lateral and smoothed by a 3x3 convolution;
    coarser outputs are not computed. A 1x1 convolution before the upsampling narrows the pyramid where the widths
    differ.

    Args:
        in_channels (sequence of int): Channels of the levels that are used, finest first.
        out_channels (sequence of int): Width of the pyramid at each level.
        norm_cfg (dict, optional): Normalisation of the smoothing convolutions.
        start_level (int): Finer inputs than this one are not used.
        lateral_norm_cfg (dict, optional): Normalisation of the laterals, for encoders whose levels differ much in
            scale (VGG without normalisation: up to 1,400).
        mode (str): Interpolation of the coarser result, 'nearest' or 'bilinear' (align_corners False).
        init_cfg (dict, optional): Initialisation.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: Sequence[int],
        norm_cfg: dict | None = dict(type='BN'),
        start_level: int = 0,
        lateral_norm_cfg: dict | None = None,
        mode: str = 'nearest',
        init_cfg: dict | None = None,
    ) -> None:
        if len(in_channels) != len(out_channels):
            raise ValueError(f'TopDownPyramid: {len(in_channels)} inputs but {len(out_channels)} widths')
        super().__init__(init_cfg)
        self.mode = mode
        self.start_level, self.in_channels, self.out_channels = start_level, tuple(in_channels), tuple(out_channels)
        self.laterals = ModuleList(
            [_lateral(i, o, lateral_norm_cfg) for i, o in zip(in_channels, out_channels, strict=True)]
        )
        self.narrow = ModuleList(
            [
                nn.Identity() if fine == coarse else nn.Conv2d(coarse, fine, 1)
                for fine, coarse in itertools.pairwise(out_channels)
            ]
        )
        self.smooth = ModuleList([ConvModule(o, o, 3, padding=1, norm_cfg=norm_cfg) for o in out_channels[:-1]])

    def map_channels(self, channels: Sequence[int]) -> int:
        """Channels of the map that it makes of an encoder's levels; a ValueError where it takes others."""
        check_levels(self, self.in_channels, channels[self.start_level :])
        return self.out_channels[0]

    def forward(self, inputs: Sequence[Tensor]) -> tuple[Tensor]:
        """Levels, finest first -> one (B, out_channels[0], h, w) map of the finest size used."""
        inputs = inputs[self.start_level :]
        y = self.laterals[-1](inputs[-1])
        for i in range(len(inputs) - 2, -1, -1):
            y = self.smooth[i](self.laterals[i](inputs[i]) + _resize(self.narrow[i](y), inputs[i], self.mode))
        return (y,)
