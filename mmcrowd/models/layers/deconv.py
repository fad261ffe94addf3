"""Layers that bring features to full resolution."""

from __future__ import annotations

from collections.abc import Sequence

from mmcv.cnn import build_norm_layer
from mmengine.model import Sequential
from torch import nn


def deconv_layers(
    in_channels: int, deconv_channels: Sequence[int], norm_cfg: dict, init_cfg: dict | None = None
) -> Sequential:
    """1x1 convolution, normalisation, ReLU, then deconvolutions with ReLUs between them; the last one is linear.

    Args:
        in_channels (int): Channels of the features, kept by the convolution.
        deconv_channels (sequence of int): Output channels of the k4 s2 p1 deconvolutions, each of which doubles the
            size.
        norm_cfg (dict): Normalisation after the 1x1 convolution.
        init_cfg (dict, optional): Initialisation.

    Returns:
        Sequential: (B, in_channels, h, w) -> (B, deconv_channels[-1], f h, f w), f = 2^number of deconvolutions.

    Raises:
        ValueError: There is no deconvolution, so that nothing would set the number of output channels.
    """
    if not deconv_channels:
        raise ValueError('deconv_layers: deconv_channels is empty, expected the widths of one or more deconvolutions')
    layers = [nn.Conv2d(in_channels, in_channels, 1), build_norm_layer(norm_cfg, in_channels)[1]]
    for width in deconv_channels:
        layers += [nn.ReLU(inplace=True), nn.ConvTranspose2d(in_channels, width, 4, stride=2, padding=1)]
        in_channels = width
    return Sequential(*layers, init_cfg=init_cfg)
