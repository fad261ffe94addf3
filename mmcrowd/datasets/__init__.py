"""Datasets, samplers and transforms."""

from .crowd_dataset import CrowdDataset
from .samplers import SeededIndex, SeededSampler
from .shanghaitech import ShanghaiTech
from .transforms import ConvertHeadsToBoxes, EncodeTargets, LoadHeads, PackCrowdInputs, RandomScaleCrop

__all__ = [
    'ConvertHeadsToBoxes',
    'CrowdDataset',
    'EncodeTargets',
    'LoadHeads',
    'PackCrowdInputs',
    'RandomScaleCrop',
    'SeededIndex',
    'SeededSampler',
    'ShanghaiTech',
]
