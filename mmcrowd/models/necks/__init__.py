"""Necks that mmdet lacks."""

from .pyramids import ConcatPyramid, TopDownPyramid

__all__ = ['ConcatPyramid', 'TopDownPyramid']
