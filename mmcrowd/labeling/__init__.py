"""Boxes for all heads of a scene from a few drawn by hand: numerics, and the files of the page."""

from .boxes import METHODS, Estimate, MarkedImage, SceneSizes, clip_boxes, match_presets, preset_faults
from .perspective import Belief, PerspectiveModel, places, two_nearest

__all__ = [
    'METHODS',
    'Belief',
    'Estimate',
    'MarkedImage',
    'PerspectiveModel',
    'SceneSizes',
    'clip_boxes',
    'match_presets',
    'places',
    'preset_faults',
    'two_nearest',
]
