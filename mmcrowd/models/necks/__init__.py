"""Necks that mmdet lacks."""

from .concat_fpn import ConcatFPN
from .dla_up import DLAUp
from .pyramids import ConcatPyramid, TopDownPyramid

__all__ = ['ConcatFPN', 'ConcatPyramid', 'DLAUp', 'TopDownPyramid']
