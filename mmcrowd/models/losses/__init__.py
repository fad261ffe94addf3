"""Losses on maps."""

from .map_loss import MapMSELoss
from .mask_focal_loss import MaskFocalLoss
from .ssim_loss import InstanceSSIMLoss, SSIMLoss

__all__ = ['InstanceSSIMLoss', 'MapMSELoss', 'MaskFocalLoss', 'SSIMLoss']
