"""Convolutions between the features of a classification network and a density."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmcv.cnn import build_norm_layer
from mmengine.model import BaseModule, ModuleList
from torch import Tensor, nn

from mmcrowd.registry import MODELS


@MODELS.register_module()
class ConvBackEnd(BaseModule):
    """3x3 convolutions with ReLU on the coarsest level; finer ones pass as they are.

    With the defaults the back end of CSRNet (Li et al., "CSRNet: Dilated Convolutional Neural Networks for
    Understanding the Highly Congested Scenes"): dilated convolutions, 8,628,160 parameters. With
    ``channels=(256, 128), dilation=1, upsample=2`` that of the Bayesian loss's network.

    Args:
        in_channels (int): Channels of the coarsest level.
        channels (sequence of int): Widths of the convolutions.
        dilation (int): Dilation of the convolutions.
        upsample (int): Factor by which the level is enlarged before them, bilinear with aligned corners.
        norm_cfg (dict, optional): Normalisation behind every convolution, which keeps its bias.
        init_cfg (dict, optional): Initialisation; default: N(0, 0.01), as CSRNet's authors.
    """

    def __init__(
        self,
        in_channels: int = 512,
        channels: Sequence[int] = (512, 512, 512, 256, 128, 64),
        dilation: int = 2,
        upsample: int = 1,
        norm_cfg: dict | None = None,
        init_cfg: dict | None = dict(type='Normal', layer='Conv2d', std=0.01),
    ) -> None:
        super().__init__(init_cfg)
        self.upsample = upsample
        self.layers = nn.Sequential()
        for width in channels:
            self.layers.append(nn.Conv2d(in_channels, width, 3, padding=dilation, dilation=dilation))
            if norm_cfg is not None:
                self.layers.append(build_norm_layer(norm_cfg, width)[1])
            self.layers.append(nn.ReLU(inplace=True))
            in_channels = width

    def forward(self, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Levels, finest first -> the same, the last of them (B, channels[-1], upsample h, upsample w)."""
        x = inputs[-1]
        if self.upsample > 1:
            x = F.interpolate(x, scale_factor=self.upsample, mode='bilinear', align_corners=True)
        return (*inputs[:-1], self.layers(x))


@MODELS.register_module()
class ScaleContext(BaseModule):
    """Features weighted by how they differ from their surroundings at several scales, on the coarsest level.

    Source: Liu et al., "Context-Aware Crowd Counting". Averages over S x S bins of the whole image, 1x1-convolved and
    enlarged again, are the surroundings at scale S; a convolution that all scales share makes weights of how they
    differ from the features. The weighted mean over scales is joined to the features and convolved back to their
    number. The features of an image depend on all of it, so tiles count otherwise than the whole, whatever their halo.
    The released code counts four quadrants, each with a context of its own: ``test_cfg=dict(mode='tile', grid=(2, 2),
    halo=0)``.

    Args:
        channels (int): Channels of the coarsest level.
        scales (sequence of int): Bins per side.
        init_cfg (dict, optional): Initialisation; default: N(0, 0.01).
    """

    def __init__(
        self,
        channels: int = 512,
        scales: Sequence[int] = (1, 2, 3, 6),
        init_cfg: dict | None = dict(type='Normal', layer='Conv2d', std=0.01),
    ) -> None:
        super().__init__(init_cfg)
        self.scales = ModuleList(
            nn.Sequential(_BinMeans(bins), nn.Conv2d(channels, channels, 1, bias=False)) for bins in scales
        )
        self.weight_net = nn.Conv2d(channels, channels, 1)
        self.bottleneck = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Levels, finest first -> the same, the last of them with its context, (B, channels, h, w)."""
        x = inputs[-1]
        around = [F.interpolate(scale(x), size=x.shape[-2:], mode='bilinear') for scale in self.scales]
        # Sigmoids divided by their sum, without the 0 / 0 of very negative ones; -softplus(-x) is the logarithm of a
        # sigmoid that stays finite in ONNX.
        weights = torch.stack([-F.softplus(-self.weight_net(x - s)) for s in around]).softmax(dim=0)
        context = (weights * torch.stack(around)).sum(dim=0)
        return (*inputs[:-1], F.relu(self.bottleneck(torch.cat([context, x], dim=1))))


class _BinMeans(nn.Module):
    """What ``nn.AdaptiveAvgPool2d(bins)`` gives, as a product with two matrices: ONNX's pools know one size of input.

    Args:
        bins: Per side.
    """

    def __init__(self, bins: int) -> None:
        super().__init__()
        self.bins = bins

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, C, bins, bins), computed in float32."""
        with torch.autocast(x.device.type, enabled=False):
            down, across = (self._shares(side, x.device) for side in x.shape[-2:])
            return (down @ x.float() @ across.T).to(x.dtype)

    def _shares(self, side: int, device: torch.device) -> Tensor:
        """(bins, side): 1 / n for each of the n cells of a bin, else 0; neighbours may share a cell."""
        number, cell = torch.arange(self.bins, device=device)[:, None], torch.arange(side, device=device)
        start, stop = number * side // self.bins, ((number + 1) * side + self.bins - 1) // self.bins
        return ((cell >= start) & (cell < stop)).float() / (stop - start)
