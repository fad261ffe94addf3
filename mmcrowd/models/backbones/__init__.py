"""Backbones that mmdet lacks."""

from .hrnet import CrowdHRNet
from .space_to_depth import SpaceToDepthResNet

__all__ = ['CrowdHRNet', 'SpaceToDepthResNet']
