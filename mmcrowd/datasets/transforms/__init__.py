"""Transforms of mmcrowd's data pipelines."""

from .encoding import EncodeTargets, MeasureSpacing
from .formatting import ConvertHeadsToBoxes, PackCrowdInputs
from .geometry import RandomScaleCrop
from .loading import LoadHeads, LoadImage
from .regions import CropRegion
from .resizing import ClampSides, EnlargeToMinimum, ResizeLongerSide, ResizeToGrid
from .roi import MaskOutsideRoi

__all__ = [
    'ClampSides',
    'ConvertHeadsToBoxes',
    'CropRegion',
    'EncodeTargets',
    'EnlargeToMinimum',
    'LoadHeads',
    'LoadImage',
    'MaskOutsideRoi',
    'MeasureSpacing',
    'PackCrowdInputs',
    'RandomScaleCrop',
    'ResizeLongerSide',
    'ResizeToGrid',
]
