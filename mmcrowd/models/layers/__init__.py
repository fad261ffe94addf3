"""Layers that heads are made of."""

from .binarization import CompressedSigmoid, FixedThreshold, ImageThresholdEncoder, PixelThresholdEncoder, binarize
from .deconv import deconv_layers

__all__ = [
    'CompressedSigmoid',
    'FixedThreshold',
    'ImageThresholdEncoder',
    'PixelThresholdEncoder',
    'binarize',
    'deconv_layers',
]
