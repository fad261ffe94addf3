"""Networks, losses and detectors."""

from .backbones import DLA, CrowdHRNet, SpaceToDepthResNet
from .data_preprocessor import CrowdDataPreprocessor
from .dense_heads import (
    CrowdBoxMixin,
    CrowdCenterNetHead,
    CrowdFCOSHead,
    CrowdFoveaHead,
    CrowdMapHead,
    CrowdRetinaHead,
    CrowdRPNHead,
    CrowdYOLOXHead,
    FIDTHead,
    FIDTLiteHead,
)
from .detectors import CrowdFasterRCNN, CrowdLocalizer
from .losses import InstanceSSIMLoss, MapMSELoss, MaskFocalLoss, SSIMLoss
from .necks import ConcatPyramid, DLAUp, TopDownPyramid
from .task_modules import ChunkedMaxIoUAssigner, CrowdSimOTAAssigner

__all__ = [
    'DLA',
    'ChunkedMaxIoUAssigner',
    'ConcatPyramid',
    'CrowdBoxMixin',
    'CrowdCenterNetHead',
    'CrowdDataPreprocessor',
    'CrowdFCOSHead',
    'CrowdFasterRCNN',
    'CrowdFoveaHead',
    'CrowdHRNet',
    'CrowdLocalizer',
    'CrowdMapHead',
    'CrowdRPNHead',
    'CrowdRetinaHead',
    'CrowdSimOTAAssigner',
    'CrowdYOLOXHead',
    'DLAUp',
    'FIDTHead',
    'FIDTLiteHead',
    'InstanceSSIMLoss',
    'MapMSELoss',
    'MaskFocalLoss',
    'SSIMLoss',
    'SpaceToDepthResNet',
    'TopDownPyramid',
]
