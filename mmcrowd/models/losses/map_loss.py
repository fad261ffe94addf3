"""Squared errors of target maps."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmcrowd.models.map_targets import MapTargets, check_normalizer
from mmcrowd.registry import MODELS


@MODELS.register_module()
class MapMSELoss(nn.Module):
    """Squared error of a map, padding and ignored regions excluded, computed in float32.

    Args:
        normalizer (str): 'num_heads' divides the sum over all cells by the number of heads (the scale of a per-head
            loss), 'sum' keeps the sum (FIDTM's and CSRNet's released code), 'batch' divides by the number of images,
            'mean' by the number of cells that count.
        loss_weight (float): Factor of the loss.
    """

    def __init__(self, normalizer: str = 'num_heads', loss_weight: float = 1.0) -> None:
        super().__init__()
        self.normalizer, self.loss_weight = check_normalizer(self, normalizer), loss_weight

    def forward(self, maps: MapTargets) -> Tensor:
        """Compute the loss, a scalar."""
        with torch.autocast(maps.pred.device.type, enabled=False):
            total = ((maps.pred.float() - maps.target.float()).square() * maps.counted).sum()
            return self.loss_weight * total / maps.divisor(self.normalizer)


@MODELS.register_module()
class MapRMSELoss(nn.Module):
    """Root of the mean squared error of each image's map, padding and ignored regions excluded, averaged over images.

    Not the root over the batch: an image with few heads then weighs as much as one with many.

    Args:
        eps (float): Added under the root, whose gradient is infinite at 0 otherwise.
        loss_weight (float): Factor of the loss.
    """

    def __init__(self, eps: float = 1e-12, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.eps, self.loss_weight = eps, loss_weight

    def forward(self, maps: MapTargets) -> Tensor:
        """Compute the loss, a scalar."""
        with torch.autocast(maps.pred.device.type, enabled=False):
            squares = ((maps.pred.float() - maps.target.float()).square() * maps.counted).sum((1, 2, 3))
            cells = (maps.counted.sum((1, 2, 3)) * maps.pred.shape[1]).clamp(min=1)
            return self.loss_weight * (squares / cells + self.eps).sqrt().mean()
