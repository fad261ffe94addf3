"""Head of point-to-region networks (P2R)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from mmcv.cnn import ConvModule
from mmengine.model import Sequential
from torch import Tensor, nn

from mmcrowd.models.layers import Float32Conv2d
from mmcrowd.registry import MODELS

from .map_head import CrowdMapHead


@MODELS.register_module()
class P2RHead(CrowdMapHead):
    """3x3 convolutions with ReLU, then two channels per cell, head and background, whose difference is the logit.

    Source: Lin, Zhao and Chan, "Point-to-Region Loss for Semi-Supervised Point-Based Crowd Counting".

    Args:
        in_channels (int): Channels of the features.
        feat_channels (int): Width of the convolutions.
        num_convs (int): Convolutions before the last.
        upscale (int): Cells per feature along each axis; a published network has features of stride 8, and 2 here.
        norm_cfg (dict, optional): Normalisation of the convolutions but the last.
        **kwargs: Passed to :class:`CrowdMapHead`.
    """

    def __init__(
        self,
        in_channels: int = 256,
        feat_channels: int = 256,
        num_convs: int = 2,
        upscale: int = 2,
        norm_cfg: dict | None = None,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.in_channels = in_channels
        widths = [in_channels] + num_convs * [feat_channels]
        self.layers = Sequential(
            *(ConvModule(i, o, 3, padding=1, norm_cfg=norm_cfg) for i, o in itertools.pairwise(widths)),
            Float32Conv2d(widths[-1], 2 * upscale**2, 3, padding=1),
            nn.PixelShuffle(upscale),
        )

    def forward(self, x: Sequence[Tensor]) -> tuple[Tensor]:
        """Features (B, C, h, w) of the neck's first level -> logits (B, 1, upscale h, upscale w) float32."""
        head, background = self.layers(x[0]).split(1, dim=1)
        return (head - background,)
