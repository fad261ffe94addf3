"""Heads, one per method."""

from .fidt_head import FIDTHead, FIDTLiteHead
from .map_head import CrowdMapHead

__all__ = ['CrowdMapHead', 'FIDTHead', 'FIDTLiteHead']
