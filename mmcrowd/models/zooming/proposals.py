"""Regions of an image that are worth a second look, from its attention map."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from mmcv.ops import nms
from torch import Tensor

_RATIOS = (1.0, 0.5, 2.0)
"""Height by width of the anchors."""


@dataclass(frozen=True)
class Regions:
    """Rectangles of an image.

    Attributes:
        boxes: (N, 4) long xyxy, pixels: columns x1 to x2 - 1 and rows y1 to y2 - 1.
        scores: (N,) float32, mean attention inside.
    """

    boxes: Tensor
    scores: Tensor

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, keep: Tensor) -> Regions:
        return Regions(self.boxes[keep], self.scores[keep])

    def best(self, overlap: float = 0.5, number: int = 10) -> Regions:
        """The best ``number`` of those that are left, best first, when none overlaps a better one by more than
        ``overlap``, intersection over union."""
        return self[nms(self.boxes.float(), self.scores, overlap)[1][:number]]


def propose_regions(
    attention: Tensor,
    shape: tuple[int, int],
    stride: int,
    seed: int,
    *,
    num_points: int = 200,
    threshold: float = 0.01,
    overlap: float = 0.5,
    number: int = 10,
    align: int = 8,
) -> Regions:
    """Choose regions of one image.

    Source: Liu, Weng and Mu, "Recurrent Attentive Zooming for Joint Crowd Counting and Precise Localization", section
    3.3. To choose among the regions of several parts of an image, put together what :func:`score_anchors` finds in
    each and take the best of all.

    Args:
        attention: (h, w), at least 0; cells beyond the image are not looked at.
        shape: Height and width of the image, pixels.
        stride: Pixels per cell of the attention.
        seed: Of the draw of interest points. With one per image, its regions do not depend on its batch.
        num_points: Interest points, theta_n.
        threshold: Least mean attention of a region, theta_z.
        overlap: Largest intersection over union of two regions.
        number: Regions at most, k_z.
        align: Regions begin and end at multiples of it or at the border, pixels; a multiple of ``stride``.

    Returns:
        Best first; none where there is no attention.
    """
    regions = score_anchors(attention, shape, stride, seed, num_points=num_points, threshold=threshold, align=align)
    return regions.best(overlap, number)


def score_anchors(
    attention: Tensor,
    shape: tuple[int, int],
    stride: int,
    seed: int,
    *,
    num_points: int = 200,
    threshold: float = 0.01,
    align: int = 8,
) -> Regions:
    """Anchors around points drawn from the attention, with their mean attention, but those below the threshold.

    Everything happens on sums over blocks of ``align`` pixels, on the device of the map, without a loop. Arguments as
    in :func:`propose_regions`.

    Raises:
        ValueError: ``align`` is no multiple of the stride.
    """
    if align % stride:
        raise ValueError(f'score_anchors: align must be a multiple of the stride {stride}, got {align}')
    cells = attention[: -(-shape[0] // stride), : -(-shape[1] // stride)].float().clamp(min=0)
    sums = F.avg_pool2d(cells[None, None], align // stride, ceil_mode=True, divisor_override=1)[0, 0].double()
    blocks = anchor_blocks(draw_points(sums, num_points, seed), shape, align, tuple(sums.shape))
    x1, y1, x2, y2 = blocks.unbind(1)
    integral = F.pad(sums.cumsum(0).cumsum(1), (1, 0, 1, 0))
    totals = integral[y2, x2] - integral[y1, x2] - integral[y2, x1] + integral[y1, x1]
    boxes = torch.minimum(blocks * align, blocks.new_tensor([*shape[::-1], *shape[::-1]]))
    counts = (-(-boxes[:, 2:] // stride) - boxes[:, :2] // stride).prod(1)
    regions = Regions(boxes, (totals / counts).float())
    return regions[regions.scores >= threshold]


def draw_points(weights: Tensor, number: int, seed: int) -> Tensor:
    """Draw elements of a map in proportion to their values, with replacement: (number, 2) column and row.

    The running sum is searched, because ``torch.multinomial`` takes no more than 2^24 elements.

    Args:
        weights: (h, w) float64, at least 0.
        number: Of draws; none are made where all weights are 0.
        seed: Of the draw, the same on every device.
    """
    running = weights.flatten().cumsum(0)
    total = running[-1]
    if not total > 0:
        number = 0
    draws = torch.rand(number, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)).to(running.device)
    last = torch.searchsorted(running, total)  # beyond it there are only zeros
    index = torch.minimum(torch.searchsorted(running, draws * total, right=True), last)
    return torch.stack([index % weights.shape[1], index // weights.shape[1]], dim=1)


def anchor_blocks(points: Tensor, shape: tuple[int, int], align: int, blocks: tuple[int, int]) -> Tensor:
    """Six anchors around every point, moved inside: squares, and rectangles twice as wide as high or as high as wide.

    The smaller of the two sizes has the area of a square of a third of the image's shorter side, the larger twice its
    sides.

    Args:
        points: (N, 2) column and row, blocks.
        shape: Height and width of the image, pixels.
        align: Side of a block, pixels.
        blocks: Rows and columns.

    Returns:
        (6 N, 4) long xyxy, blocks.
    """
    side = min(shape) / 3
    sizes = torch.tensor([[f * side / r**0.5, f * side * r**0.5] for f in (1, 2) for r in _RATIOS], dtype=torch.float64)
    limits = torch.tensor(blocks[::-1])
    sizes = torch.minimum((sizes / align).round().long().clamp(min=1), limits).to(points.device)
    corners = torch.minimum((points[:, None] - (sizes - 1) // 2).clamp(min=0), limits.to(points.device) - sizes)
    return torch.cat([corners, corners + sizes], dim=2).reshape(-1, 4)
