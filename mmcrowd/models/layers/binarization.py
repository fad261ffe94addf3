"""IIM's learnable binarization: the threshold function with gradients, and what predicts its thresholds.

Source: Gao et al., "Learning Independent Instance Maps for Crowd Localization". All encoders share one call:
features (B, C, h, w) and a confidence map (B, 1, H, W) of k times their size in, thresholds (B, 1, H, W) float32 out.
They detach nothing: the head decides what gradients pass.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule, Sequential
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from mmcrowd.registry import MODELS


class _Binarize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, confidence: Tensor, threshold: Tensor, input_grad_scale: float) -> Tensor:
        ctx.input_grad_scale = input_grad_scale
        return (confidence >= threshold).to(confidence.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        to_confidence, to_threshold, _ = ctx.needs_input_grad
        return ctx.input_grad_scale * grad if to_confidence else None, -grad if to_threshold else None, None


def binarize(confidence: Tensor, threshold: Tensor, input_grad_scale: float = 0.2) -> Tensor:
    """Threshold a map so that gradients pass: 1 where ``confidence >= threshold``, else 0.

    With g the gradient of the result, ``threshold`` gets -g (IIM eqs. 5 to 8) and ``confidence`` gets
    ``input_grad_scale`` * g: the paper says the same sign, its released code the factor 0.2. A missed head so lowers
    the threshold, a false one raises it.

    Args:
        confidence (Tensor): Any shape.
        threshold (Tensor): Broadcasts with ``confidence``; its gradient is summed over what it spans.
        input_grad_scale (float): Share of the gradient that reaches ``confidence``.

    Returns:
        Tensor: 0 and 1, in the wider of both dtypes.
    """
    dtype = torch.promote_types(confidence.dtype, threshold.dtype)
    confidence, threshold = torch.broadcast_tensors(confidence.to(dtype), threshold.to(dtype))
    return _Binarize.apply(confidence, threshold, input_grad_scale)


@MODELS.register_module()
class CompressedSigmoid(nn.Module):
    r"""Sigmoid with values in (0.2, 0.7), IIM eq. 9.

    .. math:: f(x) = \frac{1}{2 + e^{-a x}} + 0.2 = 0.2 + 0.5\,\sigma(a x + \ln 2)

    The second form is computed: it neither overflows nor has NaN gradients, for any x.

    Args:
        factor (float): Slope a; 1 in the paper, 10 in its released code.
    """

    def __init__(self, factor: float = 1.0) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        """Any shape -> the same shape."""
        return 0.2 + 0.5 * torch.sigmoid(self.factor * x + math.log(2))

    def extra_repr(self) -> str:
        """Options shown by ``print``."""
        return f'factor={self.factor}'


@MODELS.register_module()
class FixedThreshold(nn.Module):
    """One constant threshold, the baseline of IIM's table 3.

    Args:
        threshold (float): In (0, 1): confidences are, and 0 or 1 would make everything or nothing a head.
    """

    def __init__(self, threshold: float = 0.5) -> None:
        super().__init__()
        if not 0 < threshold < 1:
            raise ValueError(f'FixedThreshold: threshold must lie in (0, 1), got {threshold}')
        self.threshold = threshold

    def forward(self, features: Tensor, confidence: Tensor) -> Tensor:
        """Features are not used; confidence (B, 1, H, W) -> (B, 1, H, W) float32."""
        return torch.full_like(confidence, self.threshold, dtype=torch.float32)

    def extra_repr(self) -> str:
        """Options shown by ``print``."""
        return f'threshold={self.threshold}'


class _ThresholdEncoder(BaseModule):
    """What learnt threshold encoders share: features filtered by confidence on a coarse grid.

    Args:
        layers (sequence of nn.Module): Coarse features -> logits, one channel.
        block (int): Side of a coarse cell, cells of the confidence map.
        factor (float): Slope of the compressed sigmoid.
        init_cfg (dict, optional): Initialisation; default: PyTorch's own of convolutions, whatever the head's is.
    """

    def __init__(self, layers: Sequence[nn.Module], block: int, factor: float, init_cfg: dict | None) -> None:
        super().__init__(
            init_cfg
            or dict(
                type='Kaiming',
                layer='Conv2d',
                a=math.sqrt(5),
                mode='fan_in',
                nonlinearity='leaky_relu',
                distribution='uniform',
            )
        )
        if block < 1:
            raise ValueError(f'{type(self).__name__}: block must be at least 1 cell, got {block}')
        self.block = block
        self.layers = Sequential(*layers)
        self.activation = CompressedSigmoid(factor)

    def logits(self, features: Tensor, confidence: Tensor) -> Tensor:
        """Coarse logits (B, 1, h', w') float32.

        Both maps are sampled at the top left cell of every block (nearest resizing, for sizes that ``block`` divides)
        and multiplied.

        Raises:
            ValueError: The confidence map is not k times the size of the features, with a k that divides the block.
        """
        (height, width), (h, w) = confidence.shape[-2:], features.shape[-2:]
        ratio = height // h
        if (height, width) != (ratio * h, ratio * w) or ratio == 0 or self.block % ratio:
            raise ValueError(
                f'{type(self).__name__}: features of {h} x {w} and a confidence map of {height} x {width}, expected a '
                f'map k times as large, with a k that divides the block of {self.block} cells'
            )
        step = self.block // ratio
        coarse = confidence[..., :: self.block, :: self.block].to(features.dtype)
        return self.layers(features[..., ::step, ::step] * coarse).float()


@MODELS.register_module()
class ImageThresholdEncoder(_ThresholdEncoder):
    """One threshold per image (IBM): filtered features, a 1x1 convolution, global average, compressed sigmoid.

    Described in the paper, never released. Which logit slope and grid it had is not known; here they are the paper's
    equation and the grid of :class:`PixelThresholdEncoder`. The average covers the padding, and an image that is
    predicted in tiles has one threshold per tile.

    Args:
        in_channels (int): Channels of the features.
        block (int): Side of a cell of the grid, cells of the confidence map.
        factor (float): Slope of the compressed sigmoid.
        init_cfg (dict, optional): Initialisation; default: PyTorch's own.
    """

    def __init__(
        self, in_channels: int = 768, block: int = 8, factor: float = 1.0, init_cfg: dict | None = None
    ) -> None:
        layers = [nn.Conv2d(in_channels, 1, 1, bias=False), nn.AdaptiveAvgPool2d(1)]
        super().__init__(layers, block, factor, init_cfg)

    def forward(self, features: Tensor, confidence: Tensor) -> Tensor:
        """(B, C, h, w), (B, 1, H, W) -> thresholds (B, 1, H, W) float32, constant over an image."""
        return self.activation(self.logits(features, confidence)).expand(-1, -1, *confidence.shape[-2:])


@MODELS.register_module()
class PixelThresholdEncoder(_ThresholdEncoder):
    """A threshold for every block of pixels (PBM): filtered features, four convolutions, two wide averages.

    The convolutions have no biases, every PReLU one slope, and the averages (which count the padding with zeros) make
    thresholds change slowly: over ``2 * (pool // 2)`` blocks. Behind 768 channels there are 2,138,179 parameters.

    Args:
        in_channels (int): Channels of the features.
        channels (sequence of int): Widths of the 3x3 convolutions.
        block (int): Side of the square that shares a threshold, cells of the confidence map.
        pool (int): Side of both averages, blocks; odd.
        factor (float): Slope of the compressed sigmoid: 10 in the released code, 1 in the paper.
        init_cfg (dict, optional): Initialisation; default: PyTorch's own.
    """

    def __init__(
        self,
        in_channels: int = 768,
        channels: Sequence[int] = (256, 128, 64),
        block: int = 8,
        pool: int = 15,
        factor: float = 10.0,
        init_cfg: dict | None = None,
    ) -> None:
        if pool < 1 or pool % 2 == 0:
            raise ValueError(f'PixelThresholdEncoder: pool must be odd and positive, got {pool}')
        layers = []
        for width in channels:
            layers += [nn.Conv2d(in_channels, width, 3, padding=1, bias=False), nn.PReLU()]
            in_channels = width
        # Released in another order: average, 1x1 convolution, average. Convolution and averages are linear and act on
        # different axes, so this is the same function, and both averages have one channel to cover.
        layers += [nn.Conv2d(in_channels, 1, 1, bias=False)] + [nn.AvgPool2d(pool, 1, pool // 2) for _ in range(2)]
        super().__init__(layers, block, factor, init_cfg)

    def forward(self, features: Tensor, confidence: Tensor) -> Tensor:
        """(B, C, h, w), (B, 1, H, W) -> thresholds (B, 1, H, W) float32, constant over a block."""
        height, width = confidence.shape[-2:]
        threshold = self.activation(self.logits(features, confidence))
        return F.interpolate(threshold, scale_factor=self.block, mode='nearest')[..., :height, :width]
