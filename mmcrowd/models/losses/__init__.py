"""Losses on maps."""

from .map_loss import MapMSELoss
from .ssim_loss import InstanceSSIMLoss, SSIMLoss

__all__ = ['InstanceSSIMLoss', 'MapMSELoss', 'SSIMLoss']
