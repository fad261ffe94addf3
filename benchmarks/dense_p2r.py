"""The point-to-region loss from its definition: every cell against every head."""

import torch
import torch.nn.functional as F
from torch import Tensor

from mmcrowd.models.map_targets import MapTargets


def dense_targets(
    logits: Tensor, points: Tensor, counted: Tensor, stride: int, reach: float = 96.0, radii: tuple = (8.0, 96.0)
) -> Tensor:
    """The cell (h, w) float that each of the heads (N, 2) teaches."""
    rows, cols = (torch.arange(side) for side in logits.shape)
    centres = (torch.stack(torch.meshgrid(cols, rows, indexing='xy'), -1).reshape(-1, 2).double() + 0.5) * stride
    distances = (centres[:, None] - points.double()).norm(dim=-1)
    distance, owner = distances.min(dim=1)
    belongs = torch.zeros_like(distances, dtype=torch.bool)
    belongs[torch.arange(len(owner)), owner] = True
    belongs &= (distance < reach)[:, None] & counted.flatten()[:, None]
    radius = torch.where(belongs, distances, 0).amax(0).clamp(*radii)
    cost = torch.where(belongs, 8 * distances / radius - logits.flatten()[:, None], torch.inf)
    least, cell = cost.min(dim=0)
    target = torch.zeros(logits.numel())
    target[cell[least < torch.inf]] = 1
    return target.view(logits.shape)


def dense_loss(maps: MapTargets) -> Tensor:
    """As :class:`mmcrowd.models.P2RLoss` with its default options."""
    losses = []
    for logits, points, counted in zip(maps.pred[:, 0], maps.points, maps.counted[:, 0], strict=True):
        target = torch.zeros_like(logits)
        if len(points):
            target = dense_targets(logits.detach(), points, counted, maps.stride)
        entropy = F.binary_cross_entropy_with_logits(logits, target, reduction='none')
        mean = (entropy * (1 + target) * counted).sum() / counted.sum().clamp(min=1)
        losses.append(mean if len(points) else 0.5 * mean)
    return torch.stack(losses).mean()
