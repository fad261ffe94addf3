"""Absolute error of maps, per cell or of their means."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmcrowd.models.map_targets import MapTargets, check_normalizer
from mmcrowd.registry import MODELS


@MODELS.register_module()
class MapL1Loss(nn.Module):
    """Absolute error of a map, padding and ignored regions excluded, computed in float32.

    IIM's loss of its binary map. The paper's eqs. 3 and 4 compare the means of both maps, which pushes all thresholds
    the same way; its released code compares cells.

    Args:
        mode (str): 'pixel' for ``|pred - target|`` of all cells that count, 'mean' for
            ``|mean(pred) - mean(target)|`` over those of each image, averaged over images.
        normalizer (str): What the sum of 'pixel' is divided by, as in :class:`MapMSELoss`.
        loss_weight (float): Factor of the loss.
    """

    def __init__(self, mode: str = 'pixel', normalizer: str = 'mean', loss_weight: float = 1.0) -> None:
        super().__init__()
        if mode not in ('pixel', 'mean'):
            raise ValueError(f"MapL1Loss: mode must be 'pixel' or 'mean', got {mode!r}")
        self.mode, self.normalizer, self.loss_weight = mode, check_normalizer(self, normalizer), loss_weight

    def forward(self, maps: MapTargets) -> Tensor:
        """Compute the loss, a scalar."""
        with torch.autocast(maps.pred.device.type, enabled=False):
            error = (maps.pred.float() - maps.target.float()) * maps.counted
            if self.mode == 'pixel':
                loss = error.abs().sum() / maps.divisor(self.normalizer)
            else:
                sizes = maps.counted.sum(dim=(1, 2, 3)) * maps.pred.shape[1]
                loss = (error.sum(dim=(1, 2, 3)).abs() / sizes.clamp(min=1)).mean()
            return self.loss_weight * loss
