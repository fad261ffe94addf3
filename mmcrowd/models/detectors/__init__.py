"""Detectors."""

from .crowd_faster_rcnn import CrowdFasterRCNN
from .crowd_localizer import CrowdLocalizer
from .head_size_estimator import HeadSizeEstimator
from .raz_net import RAZNet
from .taught_localizer import TaughtLocalizer
from .tiling import Tile, TiledDetector, shifted_windows, tile_windows

__all__ = [
    'CrowdFasterRCNN',
    'CrowdLocalizer',
    'HeadSizeEstimator',
    'RAZNet',
    'TaughtLocalizer',
    'Tile',
    'TiledDetector',
    'shifted_windows',
    'tile_windows',
]
