"""Synthetic crowds: painted people among things that look like heads, every pixel determined by a seed and an index."""

from .crowd import LoadSynthetic, SyntheticCrowd

__all__ = ['LoadSynthetic', 'SyntheticCrowd']
