"""Multi-column network (MCNN)."""

from __future__ import annotations

import torch
from mmengine.model import BaseModule, ModuleList
from torch import Tensor, nn

from mmcrowd.registry import MODELS

_COLUMNS = (
    ((16, 9), (32, 7), (16, 7), (8, 7)),
    ((20, 7), (40, 5), (20, 5), (10, 5)),
    ((24, 5), (48, 3), (24, 3), (12, 3)),
)
"""Width and side of the convolutions of each column."""


@MODELS.register_module()
class MCNN(BaseModule):
    """Three columns of convolutions with large, medium and small kernels, joined: 30 channels at stride 4.

    Source: Zhang et al., "Single-Image Crowd Counting via Multi-Column Convolutional Neural Network". 133,674
    parameters, without the 1x1 convolution that makes the density.

    Args:
        in_channels (int): Image channels.
        init_cfg (dict, optional): Initialisation; default: N(0, 0.01).
    """

    out_channels, strides = (30,), (4,)

    def __init__(
        self,
        in_channels: int = 3,
        init_cfg: dict | None = dict(type='Normal', layer='Conv2d', std=0.01),
    ) -> None:
        super().__init__(init_cfg)
        self.columns = ModuleList()
        for convolutions in _COLUMNS:
            column, width = nn.Sequential(), in_channels
            for i, (out, side) in enumerate(convolutions):
                column.extend([nn.Conv2d(width, out, side, padding=side // 2), nn.ReLU(inplace=True)])
                if i < 2:
                    column.append(nn.MaxPool2d(2))
                width = out
            self.columns.append(column)

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """Image (B, in_channels, H, W) -> features (B, 30, H / 4, W / 4)."""
        return (torch.cat([column(x) for column in self.columns], dim=1),)
