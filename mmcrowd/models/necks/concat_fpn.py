"""Feature pyramid whose levels are joined at the finest one."""

from __future__ import annotations

from collections.abc import Sequence

from mmdet.models.necks import FPN
from torch import Tensor

from mmcrowd.registry import MODELS

from .levels import check_levels
from .pyramids import ConcatPyramid


@MODELS.register_module()
class ConcatFPN(FPN):
    """mmdet's FPN with normalisation and ReLU, its levels resized to the finest and concatenated.

    The neck of IIM's VGG network: 768 channels at stride 4, 2,100,224 parameters.

    Args:
        in_channels (list of int): Channels of the levels, finest first.
        out_channels (int): Width of each level.
        mode (str): Interpolation of the levels to the finest, 'nearest' or 'bilinear' (align_corners False).
        norm_cfg (dict, optional): Normalisation of all convolutions.
        act_cfg (dict, optional): Activation of all convolutions.
        **kwargs: Passed to :class:`mmdet.models.FPN`.
    """

    def __init__(
        self,
        in_channels: list[int],
        out_channels: int = 256,
        mode: str = 'nearest',
        norm_cfg: dict | None = dict(type='BN'),
        act_cfg: dict | None = dict(type='ReLU'),
        **kwargs,
    ) -> None:
        super().__init__(
            in_channels, out_channels, num_outs=len(in_channels), norm_cfg=norm_cfg, act_cfg=act_cfg, **kwargs
        )
        self.concat = ConcatPyramid(mode)

    def map_channels(self, channels: Sequence[int]) -> int:
        """Channels of the map that it makes of an encoder's levels; a ValueError where it takes others."""
        check_levels(self, self.in_channels, channels)
        return len(channels) * self.out_channels

    def forward(self, inputs: Sequence[Tensor]) -> tuple[Tensor]:
        """Levels, finest first -> one (B, len(in_channels) * out_channels, h, w) map of the finest size."""
        return self.concat(super().forward(inputs))
