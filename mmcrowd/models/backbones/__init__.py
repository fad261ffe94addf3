"""Backbones that mmdet lacks."""

from .dla import DLA
from .hrnet import CrowdHRNet
from .space_to_depth import SpaceToDepthResNet

__all__ = ['DLA', 'CrowdHRNet', 'SpaceToDepthResNet']
