"""Point-to-region loss (P2R): every head teaches one cell, the one that takes least to convince."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from scipy.spatial import cKDTree
from torch import Tensor, nn

from mmcrowd.models.map_targets import MapTargets
from mmcrowd.registry import MODELS


class Regions(NamedTuple):
    """The cells of one map, shared out among the heads.

    Attributes:
        owner: (h, w) long, the nearest head of every cell; -1 where none is near enough: free background.
        distance: (h, w) float32 from the centre of the cell to that head, pixels.
    """

    owner: Tensor
    distance: Tensor


def head_regions(points: Tensor, shape: tuple[int, int], stride: int, reach: float) -> Regions:
    """Give every cell of a map to its nearest head; of heads at one place, one gets all of it.

    Args:
        points: (N, 2) xy, pixels.
        shape: Rows and columns of the map.
        stride: Pixels per cell.
        reach: Cells farther away from a head than this, or as far, belong to none, pixels.
    """
    rows, cols = (torch.arange(side, dtype=torch.float64) for side in shape)
    centres = (torch.stack(torch.meshgrid(cols, rows, indexing='xy'), dim=-1) + 0.5) * stride
    places, heads = np.unique(points.double().cpu().numpy(), axis=0, return_index=True)
    distance, nearest = cKDTree(places).query(centres.numpy(), distance_upper_bound=reach)
    owner = np.append(heads, -1)[nearest]  # the tree answers its size where no head is within reach
    return Regions(torch.from_numpy(owner).to(points.device), torch.from_numpy(distance).float().to(points.device))


def cheapest_cells(
    logits: Tensor,
    regions: Regions,
    counted: Tensor,
    num_heads: int,
    radii: tuple[float, float],
    distance_weight: float,
) -> Tensor:
    """The cell of every region that a head teaches: near the head, for the size of its region, and sure already.

    Args:
        logits: (h, w) predicted; no gradient passes.
        regions: Of the same map.
        counted: (h, w) bool, cells that may be taken.
        num_heads: Number of heads.
        radii: Smallest and largest radius of a region that distances are divided by, pixels.
        distance_weight: What a distance of one radius costs, in logits.

    Returns:
        (h, w) bool, True once in every region that has a cell to take.
    """
    taken = torch.zeros_like(counted)
    owned = (regions.owner >= 0) & counted
    owner, distance = regions.owner[owned], regions.distance[owned]
    radius = distance.new_zeros(num_heads).scatter_reduce(0, owner, distance, 'amax').clamp(*radii)
    cost = distance_weight * distance / radius[owner] - logits.detach().float()[owned]
    least = cost.new_full((num_heads,), math.inf).scatter_reduce(0, owner, cost, 'amin')
    # Of equally cheap cells, the first.
    order = torch.where(cost == least[owner], torch.arange(len(cost), device=cost.device), len(cost))
    first = order.new_full((num_heads,), len(cost)).scatter_reduce(0, owner, order, 'amin')
    cells = owned.flatten().nonzero()[:, 0][first[first < len(cost)]]
    taken.view(-1)[cells] = True
    return taken


@MODELS.register_module()
class P2RLoss(nn.Module):
    r"""Binary cross entropy of logits against one cell per head, chosen anew from the prediction at every step.

    Source: Lin, Zhao and Chan, "Point-to-Region Loss for Semi-Supervised Point-Based Crowd Counting". Every cell
    belongs to its nearest head (at distance :math:`d`, centre of the cell to head), or to none where that is ``reach``
    pixels away. The radius :math:`r` of a head is the largest :math:`d` of its cells, clipped to ``radii``. Of its
    cells, the one of the least :math:`\lambda d / r - A`, with :math:`A` the predicted logit, is to be 1; all others
    are to be 0. A head without cells, because others are nearer everywhere, teaches nothing. The loss is the mean over
    the cells of an image, those to be 1 counted twice, then over the batch; images without heads count
    ``empty_weight``.

    Work and memory are O(h w + N log N), not O(h w N): nearest heads come from a k-d tree, radii and cheapest cells
    from scattered maxima and minima. Padding and ignored regions carry no loss and no heads.

    Args:
        reach (float): Distance to the nearest head from which on a cell is nobody's, pixels.
        radii (tuple of 2 float): Smallest and largest radius, pixels.
        distance_weight (float): :math:`\lambda`.
        positive_weight (float): Weight of the cells to be 1; the others have 1.
        empty_weight (float): Weight of an image without heads.
        loss_weight (float): Factor of the loss.
    """

    def __init__(
        self,
        reach: float = 96.0,
        radii: tuple[float, float] = (8.0, 96.0),
        distance_weight: float = 8.0,
        positive_weight: float = 2.0,
        empty_weight: float = 0.5,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        if not 0 < radii[0] <= radii[1]:
            raise ValueError(f'P2RLoss: radii must be (smallest, largest) with 0 < smallest <= largest, got {radii}')
        self.reach, self.radii, self.distance_weight = reach, tuple(radii), distance_weight
        self.positive_weight, self.empty_weight, self.loss_weight = positive_weight, empty_weight, loss_weight

    def forward(self, maps: MapTargets) -> Tensor:
        """Compute the loss, a scalar.

        Raises:
            ValueError: The prediction has more than one channel.
        """
        if maps.pred.shape[1] != 1:
            raise ValueError(f'P2RLoss needs one logit per cell, got a prediction of shape {tuple(maps.pred.shape)}')
        with torch.autocast(maps.pred.device.type, enabled=False):
            logits = maps.pred[:, 0].float()
            targets = self.targets(maps).to(logits.dtype)
            weights = (1 + (self.positive_weight - 1) * targets) * maps.counted[:, 0]
            losses = F.binary_cross_entropy_with_logits(logits, targets, weights, reduction='none').sum((1, 2))
            images = losses.new_tensor([1.0 if len(p) else self.empty_weight for p in maps.points])
            return self.loss_weight * (images * losses / maps.counted.sum((1, 2, 3)).clamp(min=1)).mean()

    @torch.no_grad()
    def targets(self, maps: MapTargets) -> Tensor:
        """The cells to be 1, (B, h, w) bool."""
        shape = maps.pred.shape[-2:]
        chosen = []
        for logits, points, counted in zip(maps.pred[:, 0], maps.points, maps.counted[:, 0], strict=True):
            regions = head_regions(points, shape, maps.stride, self.reach)
            chosen.append(cheapest_cells(logits, regions, counted, len(points), self.radii, self.distance_weight))
        return torch.stack(chosen)
