"""Layers that heads are made of."""

from .binarization import CompressedSigmoid, FixedThreshold, ImageThresholdEncoder, PixelThresholdEncoder, binarize
from .map_layers import Float32Conv2d, Float32ConvTranspose2d, deconv_layers, head_logits, light_layers

__all__ = [
    'CompressedSigmoid',
    'FixedThreshold',
    'Float32Conv2d',
    'Float32ConvTranspose2d',
    'ImageThresholdEncoder',
    'PixelThresholdEncoder',
    'binarize',
    'deconv_layers',
    'head_logits',
    'light_layers',
]
