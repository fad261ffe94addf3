"""Losses on maps."""

from .bayesian_loss import BayesianLoss
from .map_l1_loss import MapL1Loss
from .map_loss import MapMSELoss, MapRMSELoss
from .mask_focal_loss import MaskFocalLoss
from .p2r_loss import P2RLoss
from .ssim_loss import InstanceSSIMLoss, SSIMLoss
from .weighted_bce_loss import WeightedBCELoss

__all__ = [
    'BayesianLoss',
    'InstanceSSIMLoss',
    'MapL1Loss',
    'MapMSELoss',
    'MapRMSELoss',
    'MaskFocalLoss',
    'P2RLoss',
    'SSIMLoss',
    'WeightedBCELoss',
]
