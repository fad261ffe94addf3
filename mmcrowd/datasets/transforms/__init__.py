"""Transforms of mmcrowd's data pipelines."""

from .encoding import EncodeTargets
from .formatting import ConvertHeadsToBoxes, PackCrowdInputs
from .geometry import RandomScaleCrop
from .loading import LoadHeads

__all__ = ['ConvertHeadsToBoxes', 'EncodeTargets', 'LoadHeads', 'PackCrowdInputs', 'RandomScaleCrop']
