"""Backbones that mmdet lacks."""

from .dla import DLA
from .efficientnet_lite import EfficientNetLite
from .encoder import Encoder
from .hrnet import CrowdHRNet
from .mcnn import MCNN
from .space_to_depth import SpaceToDepthResNet
from .timm_encoder import TimmEncoder
from .vgg import VGG

__all__ = ['DLA', 'MCNN', 'VGG', 'CrowdHRNet', 'EfficientNetLite', 'Encoder', 'SpaceToDepthResNet', 'TimmEncoder']
