"""Data structures of mmcrowd."""

from .head_boxes import HeadBoxes

__all__ = ['HeadBoxes']
