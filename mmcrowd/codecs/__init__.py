"""Codecs: how head points become maps, and maps become head points again."""

from .attention import AttentionCodec
from .base import BaseCodec, Decoded
from .counted_points import CountedPointsCodec
from .cross import CrossCodec
from .density import DensityCodec
from .fidt import FIDTCodec
from .head_heatmap import HeadHeatmapCodec
from .instance_map import InstanceMapCodec
from .p2r import P2RCodec

__all__ = [
    'AttentionCodec',
    'BaseCodec',
    'CountedPointsCodec',
    'CrossCodec',
    'Decoded',
    'DensityCodec',
    'FIDTCodec',
    'HeadHeatmapCodec',
    'InstanceMapCodec',
    'P2RCodec',
]
