"""Cross entropy of rare cells (RAZ-Net)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcrowd.models.layers import head_logits
from mmcrowd.models.map_targets import MapTargets
from mmcrowd.registry import MODELS


@MODELS.register_module()
class WeightedBCELoss(nn.Module):
    r"""Binary cross entropy of a map of 0 and 1 in which the ones are rare; padding and ignored regions excluded.

    Source: Liu, Weng and Mu, "Recurrent Attentive Zooming for Joint Crowd Counting and Precise Localization", the loss
    of the localization branch. With target :math:`Y` and predicted probability :math:`p`:

    .. math:: -\gamma Y \log p - (1 - Y) \log (1 - p)

    Computed from logits, in float32: one per cell, or two, background and head, whose softmax it then is.

    Args:
        positive_weight (float): :math:`\gamma`.
        normalizer (str): 'pixels' divides the sum by the number of cells, as in the paper; 'weights' by that of their
            weights, :math:`\gamma` and 1, as NWPU-Crowd's authors do: an image full of heads then costs no more than
            an empty one.
        loss_weight (float): Factor of the loss.
    """

    def __init__(self, positive_weight: float = 100.0, normalizer: str = 'pixels', loss_weight: float = 1.0) -> None:
        super().__init__()
        if normalizer not in ('pixels', 'weights'):
            raise ValueError(f"WeightedBCELoss: normalizer must be 'pixels' or 'weights', got {normalizer!r}")
        self.positive_weight, self.normalizer, self.loss_weight = positive_weight, normalizer, loss_weight

    def forward(self, maps: MapTargets) -> Tensor:
        """Compute the loss, a scalar.

        Raises:
            ValueError: The prediction has more than two channels, or the target more than one.
        """
        if maps.pred.shape[1] > 2 or maps.target.shape[1] != 1:
            raise ValueError(
                'WeightedBCELoss needs one or two logits per cell and one target, got a prediction of shape '
                f'{tuple(maps.pred.shape)} and a target of shape {tuple(maps.target.shape)}'
            )
        with torch.autocast(maps.pred.device.type, enabled=False):
            logits = head_logits(maps.pred.float())
            weights = (1 + (self.positive_weight - 1) * maps.target) * maps.counted
            total = F.binary_cross_entropy_with_logits(logits, maps.target, weights, reduction='sum')
            divisor = maps.counted if self.normalizer == 'pixels' else weights
            return self.loss_weight * total / divisor.sum().clamp(min=1)
