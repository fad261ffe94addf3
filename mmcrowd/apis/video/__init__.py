"""Counting in a video: zones, lines, overlay, counts over time."""

from .regions import Regions, read_regions
from .run import count_video

__all__ = ['Regions', 'count_video', 'read_regions']
