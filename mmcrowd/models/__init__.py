"""Networks, losses and detectors."""

from mmcrowd.utils import mmdet_parts  # noqa: F401

from .backbones import DLA, VGG, CrowdHRNet, EfficientNetLite, SpaceToDepthResNet, TimmEncoder
from .data_preprocessor import CrowdDataPreprocessor
from .dense_heads import (
    BaseInstanceMapHead,
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
    HeadSizeHead,
    InstanceMapHead,
    InstanceMapLiteHead,
    P2RHead,
)
from .detectors import CrowdFasterRCNN, CrowdLocalizer, HeadSizeEstimator, TiledDetector
from .layers import CompressedSigmoid, FixedThreshold, ImageThresholdEncoder, PixelThresholdEncoder, binarize
from .losses import InstanceSSIMLoss, MapL1Loss, MapMSELoss, MaskFocalLoss, P2RLoss, SSIMLoss
from .necks import ConcatFPN, ConcatPyramid, DLAUp, TopDownPyramid
from .task_modules import ChunkedMaxIoUAssigner, CrowdSimOTAAssigner

__all__ = [
    'DLA',
    'VGG',
    'BaseInstanceMapHead',
    'ChunkedMaxIoUAssigner',
    'CompressedSigmoid',
    'ConcatFPN',
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
    'EfficientNetLite',
    'FIDTHead',
    'FIDTLiteHead',
    'FixedThreshold',
    'HeadSizeEstimator',
    'HeadSizeHead',
    'ImageThresholdEncoder',
    'InstanceMapHead',
    'InstanceMapLiteHead',
    'InstanceSSIMLoss',
    'MapL1Loss',
    'MapMSELoss',
    'MaskFocalLoss',
    'P2RHead',
    'P2RLoss',
    'PixelThresholdEncoder',
    'SSIMLoss',
    'SpaceToDepthResNet',
    'TiledDetector',
    'TimmEncoder',
    'TopDownPyramid',
    'binarize',
]
