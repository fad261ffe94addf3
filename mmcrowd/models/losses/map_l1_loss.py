"""Absolute error of maps, per cell or of their means."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmcrowd.registry import MODELS


@MODELS.register_module()
class MapL1Loss(nn.Module):
    """Absolute error of a map, padding excluded, computed in float32.

    IIM's loss of its binary map. The paper's eqs. 3 and 4 compare the means of both maps, which pushes all thresholds
    the same way; its released code compares cells.

    Args:
        mode (str): 'pixel' for the mean of |pred - target| over all valid cells, 'mean' for |mean(pred) -
            mean(target)| over the valid cells of each image, averaged over images.
        loss_weight (float): Factor of the loss.
    """

    def __init__(self, mode: str = 'pixel', loss_weight: float = 1.0) -> None:
        super().__init__()
        if mode not in ('pixel', 'mean'):
            raise ValueError(f"MapL1Loss: mode must be 'pixel' or 'mean', got {mode!r}")
        self.mode, self.loss_weight = mode, loss_weight

    def forward(
        self,
        pred: Tensor,
        target: Tensor,
        valid: Tensor,
        cells: Sequence[Tensor] = (),
        avg_factor: Tensor | None = None,
    ) -> Tensor:
        """Compute the loss.

        Args:
            pred (Tensor): (B, C, h, w).
            target (Tensor): (B, C, h, w).
            valid (Tensor): (B, 1, h, w) bool, False on padding.
            cells (sequence of Tensor): Not used.
            avg_factor (Tensor, optional): Not used.

        Returns:
            Tensor: Scalar.
        """
        with torch.autocast(pred.device.type, enabled=False):
            error = (pred.float() - target.float()) * valid
            if self.mode == 'pixel':
                loss = error.abs().sum() / (valid.sum() * pred.shape[1]).clamp(min=1)
            else:
                sizes = valid.sum(dim=(1, 2, 3)) * pred.shape[1]
                loss = (error.sum(dim=(1, 2, 3)).abs() / sizes.clamp(min=1)).mean()
            return self.loss_weight * loss
