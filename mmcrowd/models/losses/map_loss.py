"""Pixel-wise losses on target maps."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmengine.dist import get_world_size
from torch import Tensor, nn

from mmcrowd.registry import MODELS


@MODELS.register_module()
class MapMSELoss(nn.Module):
    """Squared error of a map, padding excluded, computed in float32.

    Args:
        normalizer (str): 'num_heads' divides the sum over all pixels by the number of heads (the scale of a
            per-head loss), 'sum' keeps the sum (FIDTM's released code), 'mean' divides by the number of valid cells.
        loss_weight (float): Factor of the loss.
    """

    def __init__(self, normalizer: str = 'num_heads', loss_weight: float = 1.0) -> None:
        super().__init__()
        if normalizer not in ('num_heads', 'sum', 'mean'):
            raise ValueError(f"MapMSELoss: normalizer must be 'num_heads', 'sum' or 'mean', got {normalizer!r}")
        self.normalizer, self.loss_weight = normalizer, loss_weight

    def forward(
        self, pred: Tensor, target: Tensor, valid: Tensor, cells: Sequence[Tensor], avg_factor: Tensor
    ) -> Tensor:
        """Compute the loss.

        Args:
            pred (Tensor): (B, C, h, w).
            target (Tensor): (B, C, h, w).
            valid (Tensor): (B, 1, h, w) bool, False on padding.
            cells (sequence of Tensor): Not used.
            avg_factor (Tensor): Heads per process.

        Returns:
            Tensor: Scalar.
        """
        with torch.autocast(pred.device.type, enabled=False):
            total = ((pred.float() - target.float()).square() * valid).sum()
            if self.normalizer == 'num_heads':
                total = total / avg_factor
            elif self.normalizer == 'mean':
                total = total / (valid.sum() * pred.shape[1]).clamp(min=1)
            else:  # gradients are averaged over processes: this keeps the sum over all of them
                total = total * get_world_size()
            return self.loss_weight * total
