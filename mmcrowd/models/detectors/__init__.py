"""Detectors."""

from .crowd_faster_rcnn import CrowdFasterRCNN
from .crowd_localizer import CrowdLocalizer, tile_windows

__all__ = ['CrowdFasterRCNN', 'CrowdLocalizer', 'tile_windows']
