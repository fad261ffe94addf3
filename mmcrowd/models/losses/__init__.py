"""Losses on maps."""

from .map_l1_loss import MapL1Loss
from .map_loss import MapMSELoss
from .mask_focal_loss import MaskFocalLoss
from .p2r_loss import P2RLoss
from .ssim_loss import InstanceSSIMLoss, SSIMLoss

__all__ = ['InstanceSSIMLoss', 'MapL1Loss', 'MapMSELoss', 'MaskFocalLoss', 'P2RLoss', 'SSIMLoss']
