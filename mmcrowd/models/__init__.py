"""Networks, losses and detectors."""

from mmcrowd.utils import mmdet_parts  # noqa: F401

from .backbones import DLA, MCNN, VGG, CrowdHRNet, EfficientNetLite, SpaceToDepthResNet, TimmEncoder
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
    DeepCountHead,
    DensityHead,
    FIDTHead,
    FIDTLiteHead,
    HeadSizeHead,
    InstanceMapHead,
    InstanceMapLiteHead,
    P2RHead,
)
from .detectors import CrowdFasterRCNN, CrowdLocalizer, HeadSizeEstimator, TiledDetector
from .layers import CompressedSigmoid, FixedThreshold, ImageThresholdEncoder, PixelThresholdEncoder, binarize
from .losses import BayesianLoss, InstanceSSIMLoss, MapL1Loss, MapMSELoss, MapRMSELoss, MaskFocalLoss, P2RLoss, SSIMLoss
from .necks import ConcatFPN, ConcatPyramid, ConvBackEnd, DLAUp, ScaleContext, TopDownPyramid
from .task_modules import ChunkedMaxIoUAssigner, CrowdSimOTAAssigner

__all__ = [
    'DLA',
    'MCNN',
    'VGG',
    'BaseInstanceMapHead',
    'BayesianLoss',
    'ChunkedMaxIoUAssigner',
    'CompressedSigmoid',
    'ConcatFPN',
    'ConcatPyramid',
    'ConvBackEnd',
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
    'DeepCountHead',
    'DensityHead',
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
    'MapRMSELoss',
    'MaskFocalLoss',
    'P2RHead',
    'P2RLoss',
    'PixelThresholdEncoder',
    'SSIMLoss',
    'ScaleContext',
    'SpaceToDepthResNet',
    'TiledDetector',
    'TimmEncoder',
    'TopDownPyramid',
    'binarize',
]
