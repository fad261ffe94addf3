"""Synthetic crowds: painted people among things that look like heads, every pixel determined by a seed and an index."""

from .crowd import LoadSynthetic, SyntheticCrowd
from .walking import WalkingCrowd

__all__ = ['LoadSynthetic', 'SyntheticCrowd', 'WalkingCrowd']
