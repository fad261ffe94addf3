"""Heads, one per method."""

from .centernet_head import CrowdCenterNetHead
from .crowd_box_head import CrowdBoxMixin
from .deep_count_head import DeepCountHead
from .density_head import DensityHead
from .fcos_head import CrowdFCOSHead
from .fidt_head import CountedFIDTHead, FIDTHead, FIDTLiteHead
from .fovea_head import CrowdFoveaHead
from .head_size_head import HeadSizeHead
from .instance_map_head import BaseInstanceMapHead, InstanceMapHead, InstanceMapLiteHead
from .map_head import CrowdMapHead
from .p2r_head import P2RHead
from .raz_attention_head import RAZAttentionHead
from .raz_head import RAZLocalizationHead
from .retina_head import CrowdRetinaHead, CrowdRPNHead
from .yolox_head import CrowdYOLOXHead

__all__ = [
    'BaseInstanceMapHead',
    'CountedFIDTHead',
    'CrowdBoxMixin',
    'CrowdCenterNetHead',
    'CrowdFCOSHead',
    'CrowdFoveaHead',
    'CrowdMapHead',
    'CrowdRPNHead',
    'CrowdRetinaHead',
    'CrowdYOLOXHead',
    'DeepCountHead',
    'DensityHead',
    'FIDTHead',
    'FIDTLiteHead',
    'HeadSizeHead',
    'InstanceMapHead',
    'InstanceMapLiteHead',
    'P2RHead',
    'RAZAttentionHead',
    'RAZLocalizationHead',
]
