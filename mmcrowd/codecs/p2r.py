"""Heads as cells of positive logits (P2R)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from mmcrowd.registry import CODECS

from .base import BaseCodec, Decoded
from .numerics import knn_boxes


@CODECS.register_module()
class P2RCodec(BaseCodec):
    """One logit per cell: a head is wherever it is positive, at the centre of the cell.

    Source: Lin, Zhao and Chan, "Point-to-Region Loss for Semi-Supervised Point-Based Crowd Counting". No map is drawn:
    which cell a head is taught at depends on the prediction, so the loss (:class:`mmcrowd.models.P2RLoss`) chooses it.

    Args:
        stride (int): Input pixels per map cell.
        threshold (float): Least probability of a head, in (0, 1). The published rule is a half, exceeded.
        knn (int): Neighbours that set the box size.
        knn_factor (float): Half box side per mean neighbour distance.
        knn_cap (float): Largest half box side per shorter image side.
    """

    names = ()
    predicted = ('logit',)

    def __init__(
        self,
        stride: int = 4,
        threshold: float = 0.5,
        knn: int = 3,
        knn_factor: float = 0.3,
        knn_cap: float = 0.05,
    ) -> None:
        super().__init__(stride)
        if not 0 < threshold < 1:
            raise ValueError(f'P2RCodec: threshold must lie in (0, 1), got {threshold}')
        self.threshold = threshold
        self.knn, self.knn_factor, self.knn_cap = knn, knn_factor, knn_cap

    @property
    def margin(self) -> int:
        """Heads outside an image teach nothing inside it."""
        return 0

    def encode(self, points: np.ndarray, boxes: np.ndarray | None, shape: tuple[int, int]) -> dict[str, np.ndarray]:
        """Draw nothing. See :meth:`BaseCodec.encode`."""
        return {}

    def candidates(
        self,
        maps: Tensor,
        shapes: Sequence[tuple[int, int]] | None = None,
        core: tuple[int, int, int, int] | None = None,
    ) -> list[Decoded]:
        """Cells whose logit exceeds that of the threshold. See :meth:`BaseCodec.candidates`."""
        maps = maps.detach().float()
        readable = self.valid_cells(maps, shapes) & self.core_cells(maps, core)
        heads = readable & (maps > math.log(self.threshold / (1 - self.threshold)))
        image, _, row, col = heads.nonzero(as_tuple=True)
        points = (torch.stack([col, row], dim=1).to(maps) + 0.5) * self.stride
        sizes = torch.bincount(image, minlength=len(maps)).tolist()
        return [
            Decoded(p, s, torch.cat([p, p], dim=1))
            for p, s in zip(points.split(sizes), maps[heads].sigmoid().split(sizes), strict=True)
        ]

    def select(self, candidates: Decoded, shape: tuple[int, int]) -> Decoded:
        """Keep all, inside the image, and add boxes. See :meth:`BaseCodec.select`."""
        heads = candidates.inside(shape)
        boxes = knn_boxes(heads.points.cpu().numpy(), shape, self.knn, self.knn_factor, self.knn_cap)
        return replace(heads, boxes=torch.from_numpy(boxes).to(heads.points))
