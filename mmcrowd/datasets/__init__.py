"""Datasets, samplers and transforms."""

from mmcrowd.utils import mmdet_parts  # noqa: F401

from .beijing_brt import BeijingBRT
from .crohd import CroHD
from .crowd_dataset import CrowdDataset
from .crowd_human import CrowdHumanHeads
from .custom_crowd import CustomCrowd
from .fdst import FDST
from .gcc import GCC
from .gta_head import GTAHead
from .indexed_dataset import IndexedDataset
from .jhu_crowd import JHUCrowd
from .mall import Mall
from .nwpu_crowd import NWPUCrowd
from .samplers import SeededIndex, SeededSampler
from .scut_head import SCUTHead
from .shanghaitech import ShanghaiTech
from .synthetic import LoadSynthetic, SyntheticCrowd
from .trancos import TRANCOS
from .transforms import (
    ClampSides,
    ConvertHeadsToBoxes,
    CropRegion,
    EncodeTargets,
    EnlargeToMinimum,
    LoadHeads,
    LoadImage,
    MaskOutsideRoi,
    MeasureSpacing,
    PackCrowdInputs,
    RandomScaleCrop,
    ResizeLongerSide,
    ResizeToGrid,
)
from .ucf_cc_50 import UCFCC50
from .ucf_qnrf import UCFQNRF
from .world_expo import WorldExpo10

__all__ = [
    'FDST',
    'GCC',
    'TRANCOS',
    'UCFCC50',
    'UCFQNRF',
    'BeijingBRT',
    'ClampSides',
    'ConvertHeadsToBoxes',
    'CroHD',
    'CropRegion',
    'CrowdDataset',
    'CrowdHumanHeads',
    'CustomCrowd',
    'EncodeTargets',
    'EnlargeToMinimum',
    'GTAHead',
    'IndexedDataset',
    'JHUCrowd',
    'LoadHeads',
    'LoadImage',
    'LoadSynthetic',
    'Mall',
    'MaskOutsideRoi',
    'MeasureSpacing',
    'NWPUCrowd',
    'PackCrowdInputs',
    'RandomScaleCrop',
    'ResizeLongerSide',
    'ResizeToGrid',
    'SCUTHead',
    'SeededIndex',
    'SeededSampler',
    'ShanghaiTech',
    'SyntheticCrowd',
    'WorldExpo10',
]
