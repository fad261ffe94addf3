"""Backbones that mmdet lacks."""

from .dla import DLA
from .hrnet import CrowdHRNet
from .space_to_depth import SpaceToDepthResNet
from .vgg import VGG

__all__ = ['DLA', 'VGG', 'CrowdHRNet', 'SpaceToDepthResNet']
