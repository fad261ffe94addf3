"""Heads as crosses of five cells (RAZ-Net)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mmcrowd.registry import CODECS

from .base import BaseCodec, Decoded
from .numerics import knn_boxes, local_maxima

ARMS = np.array([[0, 0], [-1, 0], [1, 0], [0, -1], [0, 1]])
"""(5, 2) column and row of the cells of a cross, from its centre."""


@CODECS.register_module()
class CrossCodec(BaseCodec):
    """A head is the cell that holds it and the four beside; read by an average pool and its local maxima.

    Source: Liu, Weng and Mu, "Recurrent Attentive Zooming for Joint Crowd Counting and Precise Localization", section
    3.2. The map says which cells are head, 0 or 1; a network predicts the probability.

    A cell is a head where the sum of the probabilities around it is a local maximum. Of equal neighbours the one wins
    whose cross has the larger sum, then the one of the larger probability, then the first: what is drawn is read again
    if heads lie three cells apart in one direction or farther, and no two heads that are read touch.

    The score of a head is the *mean* over those cells that are image. The published pool counts the zeros beyond the
    border, which costs a perfect head there 4/9 instead of 5/9, below the published threshold. Only the score is
    corrected: means would move a head of the second row into the first, where fewer cells share the sum.

    Args:
        stride (int): Input pixels per map cell.
        threshold (float): Least score of a head, in (0, 1]. A perfect cross scores 5/9, at the border 2/3, in a corner
            3/4. The default is that of NWPU-Crowd's authors, nearly the ceiling; for metrics that rank points take a
            low one, such as 0.05, and give the others a ``score_thr``.
    """

    names = ('cross',)

    def __init__(self, stride: int = 1, threshold: float = 0.5) -> None:
        super().__init__(stride)
        if not 0 < threshold <= 1:
            raise ValueError(f'CrossCodec: threshold must lie in (0, 1], got {threshold}')
        self.threshold = threshold

    @property
    def margin(self) -> int:
        """The arm of a head in the next cell reaches in."""
        return self.stride

    def encode(self, points: np.ndarray, boxes: np.ndarray | None, shape: tuple[int, int]) -> dict[str, np.ndarray]:
        """Draw the crosses of one image. See :meth:`BaseCodec.encode`.

        Returns:
            dict[str, np.ndarray]: ``cross``: (1, ceil(h / stride), ceil(w / stride)) float32, 0 or 1.
        """
        rows, cols = self.map_shape(shape)
        cells = np.floor(np.asarray(points, np.float64).reshape(-1, 2) / self.stride)
        cells = (cells[:, None] + ARMS).reshape(-1, 2)
        cells = cells[((cells >= 0) & (cells < (cols, rows))).all(axis=1)].astype(np.int64)
        cross = np.zeros((1, rows, cols), np.float32)
        cross[0, cells[:, 1], cells[:, 0]] = 1
        return {'cross': cross}

    def candidates(
        self,
        maps: Tensor,
        shapes: Sequence[tuple[int, int]] | None = None,
        core: tuple[int, int, int, int] | None = None,
    ) -> list[Decoded]:
        """Local maxima whose score reaches the threshold. See :meth:`BaseCodec.candidates`."""
        valid = self.valid_cells(maps, shapes)
        maps = maps.detach().float() * valid
        sums, cells = sum_of_window(maps), sum_of_window(valid.float())
        peaks = valid
        for values in (sums, sum_of_cross(maps)):
            peaks = local_maxima(values.masked_fill(~peaks, -torch.inf))
        peaks = local_maxima(maps.masked_fill(~peaks, -torch.inf), dedup_ties=True)
        scores = sums / cells.clamp(min=1)
        peaks &= (scores >= self.threshold) & self.core_cells(maps, core)
        image, _, row, col = peaks.nonzero(as_tuple=True)
        points = (torch.stack([col, row], dim=1).to(maps) + 0.5) * self.stride
        sizes = torch.bincount(image, minlength=len(maps)).tolist()
        return [
            Decoded(p, s, torch.cat([p, p], dim=1))
            for p, s in zip(points.split(sizes), scores[peaks].split(sizes), strict=True)
        ]

    def select(self, candidates: Decoded, shape: tuple[int, int]) -> Decoded:
        """Keep all, inside the image, and add boxes. See :meth:`BaseCodec.select`."""
        heads = candidates.inside(shape)
        boxes = knn_boxes(heads.points.cpu().numpy(), shape)
        return replace(heads, boxes=torch.from_numpy(boxes).to(heads.points))


def sum_of_window(maps: Tensor) -> Tensor:
    """Sum of the 3x3 cells around each, nothing beyond the map: (B, 1, h, w) -> (B, 1, h, w)."""
    return F.avg_pool2d(maps, 3, 1, 1, divisor_override=1)


def sum_of_cross(maps: Tensor) -> Tensor:
    """Sum of each cell and the four beside, nothing beyond the map: (B, 1, h, w) -> (B, 1, h, w)."""
    padded = F.pad(maps, (1, 1, 1, 1))
    beside = padded[..., 1:-1, :-2] + padded[..., 1:-1, 2:]
    above = padded[..., :-2, 1:-1] + padded[..., 2:, 1:-1]
    return maps + beside + above
