"""Losses on maps."""

from .map_l1_loss import MapL1Loss
from .map_loss import MapMSELoss
from .mask_focal_loss import MaskFocalLoss
from .ssim_loss import InstanceSSIMLoss, SSIMLoss

__all__ = ['InstanceSSIMLoss', 'MapL1Loss', 'MapMSELoss', 'MaskFocalLoss', 'SSIMLoss']
