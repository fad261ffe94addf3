"""Detectors."""

from .crowd_faster_rcnn import CrowdFasterRCNN
from .crowd_localizer import CrowdLocalizer
from .head_size_estimator import HeadSizeEstimator
from .tiling import Tile, TiledDetector, shifted_windows, tile_windows

__all__ = [
    'CrowdFasterRCNN',
    'CrowdLocalizer',
    'HeadSizeEstimator',
    'Tile',
    'TiledDetector',
    'shifted_windows',
    'tile_windows',
]
