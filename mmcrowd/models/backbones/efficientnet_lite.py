"""EfficientNet-Lite0, with timm's parameter names."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmcv.cnn import build_norm_layer
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmcrowd.registry import MODELS

from .encoder import Encoder

# Kernel, stride, expansion, width and repeats of the groups of blocks; the groups of each level.
_GROUPS = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
_LEVELS = ((0,), (1,), (2,), (3, 4), (5, 6))


class DepthwiseConv2d(nn.Conv2d):
    """Filter each channel by itself, with TensorFlow's 'SAME' padding, in float32 under autocast where that is faster.

    On CPUs the backward pass of 5x5 and of strided filters takes three to six times longer in bfloat16 than in float32.

    Args:
        channels (int): Channels of input and output.
        kernel (int): Side of the filters.
        stride (int): Stride.
    """

    def __init__(self, channels: int, kernel: int, stride: int) -> None:
        super().__init__(channels, channels, kernel, stride, kernel // 2, groups=channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, C, ceil(h / stride), ceil(w / stride))."""
        kernel, stride = self.kernel_size[0], self.stride[0]
        if kernel == 3 and stride == 1:
            return super().forward(x)
        with torch.autocast(x.device.type, enabled=False):
            x = x.to(self.weight.dtype)
            if stride == 1:
                return super().forward(x)
            return F.conv2d(_pad_same(x, kernel, stride), self.weight, stride=stride, groups=self.groups)


class StemConv(nn.Conv2d):
    """A strided convolution with TensorFlow's 'SAME' padding; mmcv's cannot be recorded for any size of image."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, C', ceil(h / stride), ceil(w / stride))."""
        return super().forward(_pad_same(x, self.kernel_size[0], self.stride[0]))


def _pad_same(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Pad so that a convolution gives ceil(side / stride) cells, the larger half at the right and bottom."""
    missing = [max(((side + stride - 1) // stride - 1) * stride + kernel - side, 0) for side in x.shape[:1:-1]]
    return F.pad(x, [side for total in missing for side in (total // 2, total - total // 2)])


class LiteBlock(BaseModule):
    """Inverted residual: widen (1x1), filter each channel, narrow (1x1, linear); a shortcut where the shapes allow one.

    mmdet's ``InvertedResidual`` is the same function, but its parameters have other names than the published ones.

    Args:
        in_channels (int): Channels of the input.
        out_channels (int): Channels of the output.
        kernel (int): Side of the depthwise convolution.
        stride (int): Stride of the depthwise convolution.
        expansion (int): Width of the depthwise convolution per input channel; 1 leaves out the widening.
        norm_cfg (dict): Normalisation layer.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int, stride: int, expansion: int, norm_cfg: dict
    ) -> None:
        super().__init__()
        self.shortcut = stride == 1 and in_channels == out_channels
        self.relu = nn.ReLU6(inplace=True)
        width = expansion * in_channels
        if expansion == 1:
            self.layers = ('conv_dw', 'bn1', 'relu', 'conv_pw', 'bn2')
            widths = (width, out_channels)
        else:
            self.layers = ('conv_pw', 'bn1', 'relu', 'conv_dw', 'bn2', 'relu', 'conv_pwl', 'bn3')
            widths = (width, width, out_channels)
            self.conv_pw = nn.Conv2d(in_channels, width, 1, bias=False)
        self.conv_dw = DepthwiseConv2d(width, kernel, stride)
        self.add_module(self.layers[-2], nn.Conv2d(width, out_channels, 1, bias=False))
        for i, channels in enumerate(widths, 1):
            self.add_module(f'bn{i}', build_norm_layer(norm_cfg, channels)[1])

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, C', ceil(h / stride), ceil(w / stride))."""
        y = x
        for name in self.layers:
            y = getattr(self, name)(y)
        return x + y if self.shortcut else y


@MODELS.register_module()
class EfficientNetLite(Encoder):
    """EfficientNet-Lite0 without its classifier: five levels of strides 2, 4, 8, 16 and 32.

    Source: Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks"; its Lite variants
    have neither squeeze-and-excitation nor Swish, which quantised devices lack. Padding of strided convolutions is
    TensorFlow's 'SAME', as its weights expect. Parameters are named as in timm (``tf_efficientnet_lite0``), and all
    five levels have 2,964,624 of them. Images are to be normalised as (x - 127) / 128, RGB.

    Args:
        out_indices (sequence of int): Levels to return, 0 to 4, finest first; coarser levels are not built.
        frozen_stages (int): Levels 0 to ``frozen_stages`` and the stem are frozen: no gradient, normalisation by the
            running statistics, which stay as they are. -1 freezes nothing.
        norm_eval (bool): Whether all running statistics stay as they are, and normalise.
        norm_cfg (dict): Normalisation layer.
        init_cfg (dict or list, optional): Initialisation; default: He's normal by fan-out.
    """

    def __init__(
        self,
        out_indices: Sequence[int] = (0, 1, 2, 3, 4),
        frozen_stages: int = -1,
        norm_eval: bool = False,
        norm_cfg: dict = dict(type='BN', eps=1e-3),
        init_cfg: dict | list | None = dict(type='Kaiming', layer='Conv2d'),
    ) -> None:
        super().__init__(len(_LEVELS), out_indices, frozen_stages, norm_eval, init_cfg)
        self.conv_stem = StemConv(3, 32, 3, 2, bias=False)
        self.bn1 = build_norm_layer(norm_cfg, 32)[1]
        self.relu = nn.ReLU6(inplace=True)
        self.blocks = nn.ModuleList()
        in_channels = 32
        for group in range(_LEVELS[out_indices[-1]][-1] + 1):
            kernel, stride, expansion, width, repeats = _GROUPS[group]
            blocks = nn.Sequential()
            for i in range(repeats):
                blocks.append(LiteBlock(in_channels, width, kernel, stride if i == 0 else 1, expansion, norm_cfg))
                in_channels = width
            self.blocks.append(blocks)
        self.out_channels = tuple(_GROUPS[_LEVELS[i][-1]][3] for i in out_indices)
        self.strides = tuple(2 ** (i + 1) for i in out_indices)
        self.optional_keys = tuple(rf'blocks\.{group}\.' for group in range(len(self.blocks), len(_GROUPS)))
        self.train()

    def stage_modules(self, stage: int) -> list[nn.Module]:
        """The layers of one level; those of the first include the stem."""
        stem = [self.conv_stem, self.bn1] if stage == 0 else []
        return stem + [self.blocks[group] for group in _LEVELS[stage]]

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """(B, 3, H, W) -> one map per level of ``out_indices``, finest first."""
        x = self.relu(self.bn1(self.conv_stem(x)))
        outputs = []
        for level in range(self.out_indices[-1] + 1):
            for group in _LEVELS[level]:
                x = self.blocks[group](x)
            if level in self.out_indices:
                outputs.append(x)
        return tuple(outputs)
