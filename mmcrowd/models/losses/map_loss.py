"""Pixel-wise losses on target maps."""

from __future__ import annotations

import torch
from mmengine.dist import get_world_size
from torch import Tensor, nn

from mmcrowd.models.map_targets import MapTargets
from mmcrowd.registry import MODELS


@MODELS.register_module()
class MapMSELoss(nn.Module):
    """Squared error of a map, padding and ignored regions excluded, computed in float32.

    Args:
        normalizer (str): 'num_heads' divides the sum over all pixels by the number of heads (the scale of a
            per-head loss), 'sum' keeps the sum (FIDTM's released code), 'mean' divides by the number of cells that
            count.
        loss_weight (float): Factor of the loss.
    """

    def __init__(self, normalizer: str = 'num_heads', loss_weight: float = 1.0) -> None:
        super().__init__()
        if normalizer not in ('num_heads', 'sum', 'mean'):
            raise ValueError(f"MapMSELoss: normalizer must be 'num_heads', 'sum' or 'mean', got {normalizer!r}")
        self.normalizer, self.loss_weight = normalizer, loss_weight

    def forward(self, maps: MapTargets) -> Tensor:
        """Compute the loss, a scalar."""
        with torch.autocast(maps.pred.device.type, enabled=False):
            total = ((maps.pred.float() - maps.target.float()).square() * maps.counted).sum()
            if self.normalizer == 'num_heads':
                total = total / maps.num_heads
            elif self.normalizer == 'mean':
                total = total / (maps.counted.sum() * maps.pred.shape[1]).clamp(min=1)
            else:  # gradients are averaged over processes: this keeps the sum over all of them
                total = total * get_world_size()
            return self.loss_weight * total
