"""Necks that mmdet lacks."""

from .dla_up import DLAUp
from .pyramids import ConcatPyramid, TopDownPyramid

__all__ = ['ConcatPyramid', 'DLAUp', 'TopDownPyramid']
