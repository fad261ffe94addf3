"""Layers between features and a map, the last of them in float32."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmcv.cnn import ConvModule, build_norm_layer
from mmengine.model import Sequential
from torch import Tensor, nn


class _Float32Output:
    """Makes a layer compute in float32 under autocast.

    bfloat16 has 8 bits of precision: neighbouring cells of a map get equal values, and peaks become plateaus. FIDT's
    maps lose 1.5 to 4 heads of MAE on ShanghaiTech A by it.
    """

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            return super().forward(x.to(self.weight.dtype))


class Float32Conv2d(_Float32Output, nn.Conv2d):
    """``nn.Conv2d`` that computes in float32 under autocast, for the last layer of a map."""


class Float32ConvTranspose2d(_Float32Output, nn.ConvTranspose2d):
    """``nn.ConvTranspose2d`` that computes in float32 under autocast, for the last layer of a map."""


def light_layers(channels: int, norm_cfg: dict, out_channels: int = 1) -> Sequential:
    """A 3x3 convolution with normalisation and ReLU, and a linear one in float32 that makes the map.

    Args:
        channels: Channels of the features, kept by the first convolution.
        norm_cfg: Normalisation of the first convolution.
        out_channels: Channels of the map.

    Returns:
        (B, channels, h, w) -> (B, out_channels, h, w) float32.
    """
    return Sequential(
        ConvModule(channels, channels, 3, padding=1, norm_cfg=norm_cfg),
        Float32Conv2d(channels, out_channels, 3, padding=1),
    )


def deconv_layers(
    in_channels: int, deconv_channels: Sequence[int], norm_cfg: dict, init_cfg: dict | None = None
) -> Sequential:
    """1x1 convolution, normalisation, ReLU, then deconvolutions with ReLUs between them; the last one is linear, in
    float32.

    Args:
        in_channels (int): Channels of the features, kept by the convolution.
        deconv_channels (sequence of int): Output channels of the k4 s2 p1 deconvolutions, each of which doubles the
            size.
        norm_cfg (dict): Normalisation after the 1x1 convolution.
        init_cfg (dict, optional): Initialisation.

    Returns:
        Sequential: (B, in_channels, h, w) -> (B, deconv_channels[-1], f h, f w) float32, f = 2^number of
        deconvolutions.

    Raises:
        ValueError: There is no deconvolution, so that nothing would set the number of output channels.
    """
    if not deconv_channels:
        raise ValueError('deconv_layers: deconv_channels is empty, expected the widths of one or more deconvolutions')
    layers = [nn.Conv2d(in_channels, in_channels, 1), build_norm_layer(norm_cfg, in_channels)[1]]
    for i, width in enumerate(deconv_channels):
        deconv = nn.ConvTranspose2d if i < len(deconv_channels) - 1 else Float32ConvTranspose2d
        layers += [nn.ReLU(inplace=True), deconv(in_channels, width, 4, stride=2, padding=1)]
        in_channels = width
    return Sequential(*layers, init_cfg=init_cfg)


def head_logits(pred: Tensor) -> Tensor:
    """The logit of a head, (B, 1, h, w), from it alone or from those of background and head, (B, 2, h, w)."""
    return pred if pred.shape[1] == 1 else pred[:, 1:] - pred[:, :1]
