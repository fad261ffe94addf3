"""Codecs: how head points become maps, and maps become head points again."""

from .base import BaseCodec, Decoded
from .fidt import FIDTCodec

__all__ = ['BaseCodec', 'Decoded', 'FIDTCodec']
