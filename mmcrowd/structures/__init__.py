"""Data structures of mmcrowd."""

from .head_boxes import HeadBoxes
from .heads import Heads

__all__ = ['HeadBoxes', 'Heads']
