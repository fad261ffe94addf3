"""Networks, losses and detectors."""

from .backbones import CrowdHRNet, SpaceToDepthResNet
from .data_preprocessor import CrowdDataPreprocessor
from .dense_heads import CrowdMapHead, FIDTHead, FIDTLiteHead
from .detectors import CrowdLocalizer
from .losses import InstanceSSIMLoss, MapMSELoss, SSIMLoss
from .necks import ConcatPyramid, TopDownPyramid

__all__ = [
    'ConcatPyramid',
    'CrowdDataPreprocessor',
    'CrowdHRNet',
    'CrowdLocalizer',
    'CrowdMapHead',
    'FIDTHead',
    'FIDTLiteHead',
    'InstanceSSIMLoss',
    'MapMSELoss',
    'SSIMLoss',
    'SpaceToDepthResNet',
    'TopDownPyramid',
]
