"""Necks that mmdet lacks."""

from .back_end import ConvBackEnd, ScaleContext
from .concat_fpn import ConcatFPN
from .dla_up import DLAUp
from .pyramids import ConcatPyramid, TopDownPyramid

__all__ = ['ConcatFPN', 'ConcatPyramid', 'ConvBackEnd', 'DLAUp', 'ScaleContext', 'TopDownPyramid']
