"""Focal inverse distance transform maps and their decoding (FIDTM)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mmcrowd.registry import CODECS

from .base import BaseCodec, Decoded
from .numerics import knn_boxes, local_maxima, squared_distances


@CODECS.register_module()
class FIDTCodec(BaseCodec):
    r"""Focal inverse distance transform map and local-maxima detection.

    Source: Liang et al., "Focal Inverse Distance Transform Maps for Crowd Localization". Encoding (eq. 3), with
    :math:`P` the distance in pixels to the nearest head's cell:

    .. math:: I = \frac{1}{P^{\alpha P + \beta} + C}, \qquad I = 0 \text{ where } I < \text{cutoff}

    ``alpha=0, beta=1`` gives the plain inverse distance transform. Because of the cut-off a map depends only on
    heads within :attr:`margin` pixels, so the map of a crop, made from the heads in and around it, is the crop of
    the image's map. Heads that share a cell keep its peak.

    Decoding is LMDS: a cell is a head when it is the maximum of its ``kernel`` neighbourhood and reaches
    ``threshold`` times the map's maximum, unless that maximum stays below ``min_peak`` (an image without heads).

    Args:
        stride (int): Input pixels per map cell. Distances stay in pixels, so the shape of a peak does not depend on it.
        alpha (float): Slope of the exponent, per pixel.
        beta (float): Offset of the exponent.
        c (float): Additive constant C.
        cutoff (float): Values below become 0, in (0, 1).
        rounding (str): Cell of a head: 'floor' (the cell that holds it) or 'round' (nearest integer).
        kernel (int): LMDS neighbourhood side, cells.
        threshold (float): LMDS threshold T_a, relative to the map's maximum (absolute with ``relative=False``).
        relative (bool): Whether ``threshold`` is relative to the map's maximum.
        min_peak (float): LMDS T_f: a map whose maximum is below holds no head.
        min_score (float): A peak below is no head, whatever the maximum. A relative threshold alone lets the background
            of pictures with few or no heads through; choose this on validation images.
        pre_avg_pool (int): Side of an average pool applied before the peak search, 0 for none. The threshold still
            uses the raw maximum.
        dedup_ties (bool): Keep one cell of a plateau of equal maxima.
        knn (int): Neighbours that set the box size.
        knn_factor (float): Half box side per mean neighbour distance.
        knn_cap (float): Largest half box side per shorter image side.
    """

    names = ('fidt',)

    def __init__(
        self,
        stride: int = 1,
        alpha: float = 0.02,
        beta: float = 0.75,
        c: float = 1.0,
        cutoff: float = 0.01,
        rounding: str = 'floor',
        kernel: int = 3,
        threshold: float = 100 / 255,
        relative: bool = True,
        min_peak: float = 0.1,
        min_score: float = 0.0,
        pre_avg_pool: int = 0,
        dedup_ties: bool = False,
        knn: int = 3,
        knn_factor: float = 0.3,
        knn_cap: float = 0.05,
    ) -> None:
        super().__init__(stride)
        if not 0 < cutoff < 1:
            raise ValueError(f'FIDTCodec: cutoff must lie in (0, 1), got {cutoff}')
        if rounding not in ('floor', 'round'):
            raise ValueError(f"FIDTCodec: rounding must be 'floor' or 'round', got {rounding!r}")
        if kernel % 2 == 0 or (pre_avg_pool and pre_avg_pool % 2 == 0):
            raise ValueError(f'FIDTCodec: kernel and pre_avg_pool must be odd, got {kernel} and {pre_avg_pool}')
        if alpha < 0 or beta <= 0 or c <= 0:
            raise ValueError(f'FIDTCodec: needs alpha >= 0, beta > 0, c > 0, got {alpha}, {beta}, {c}')
        self.alpha, self.beta, self.c, self.cutoff, self.rounding = alpha, beta, c, cutoff, rounding
        self.kernel, self.threshold, self.relative = kernel, threshold, relative
        self.min_peak, self.min_score = min_peak, min_score
        self.pre_avg_pool, self.dedup_ties = pre_avg_pool, dedup_ties
        self.knn, self.knn_factor, self.knn_cap = knn, knn_factor, knn_cap
        self.radius = self._cutoff_radius()
        # All distances between cells are stride * sqrt(integer): one table holds every value a map can have.
        squares = np.arange(math.floor((self.radius / self.stride) ** 2) + 2, dtype=np.float64)
        table = self.response(self.stride * np.sqrt(squares))
        table[table < cutoff] = 0
        table[-1] = 0
        self._table = table.astype(np.float32)

    def response(self, distance: np.ndarray) -> np.ndarray:
        """Map value at ``distance`` pixels from the nearest head, before the cut-off (eq. 3)."""
        distance = np.asarray(distance, dtype=np.float64)
        return 1 / (distance ** (self.alpha * distance + self.beta) + self.c)

    def _cutoff_radius(self) -> float:
        """Distance in pixels at which the response falls to the cut-off."""
        if self.c >= 1 / self.cutoff:
            raise ValueError(f'FIDTCodec: cutoff {self.cutoff} leaves nothing of a peak of height 1 / c = {1 / self.c}')
        low, high = 1.0, 2.0
        while self.response(high) >= self.cutoff:
            low, high = high, 2 * high
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if self.response(middle) >= self.cutoff else (low, middle)
        return high

    @property
    def margin(self) -> int:
        """Pixels around a crop within which outside heads still change the map."""
        return math.ceil(self.radius) + self.stride

    def encode(self, points: np.ndarray, boxes: np.ndarray | None, shape: tuple[int, int]) -> dict[str, np.ndarray]:
        """Draw the map of one image.

        Args:
            points (np.ndarray): (N, 2) xy, pixels; those beyond the image but within :attr:`margin` still count.
            boxes (np.ndarray, optional): Not used.
            shape (tuple[int, int]): Height and width, pixels.

        Returns:
            dict[str, np.ndarray]: ``fidt``: (1, ceil(h / stride), ceil(w / stride)) float32 in [0, 1 / c].
        """
        height, width = self.map_shape(shape)
        reach = math.floor(self.radius / self.stride)
        cells = np.asarray(points, dtype=np.float64).reshape(-1, 2) / self.stride
        cells = np.floor(cells) if self.rounding == 'floor' else np.rint(cells)
        inside = ((cells >= -reach) & (cells < (width + reach, height + reach))).all(axis=1)
        far = len(self._table) - 1
        squares = squared_distances(cells[inside].astype(np.int64), (height, width), reach, far)
        return {'fidt': self._table.take(squares, mode='clip')[None]}

    def candidates(
        self,
        maps: Tensor,
        shapes: Sequence[tuple[int, int]] | None = None,
        core: tuple[int, int, int, int] | None = None,
    ) -> list[Decoded]:
        """Local maxima that could pass the threshold. See :meth:`BaseCodec.candidates`."""
        maps = maps.detach().float()
        valid, core_cells = self.valid_cells(maps, shapes), self.core_cells(maps, core)
        raw = maps.masked_fill(~valid, -torch.inf)
        search = raw
        if self.pre_avg_pool:
            side = self.pre_avg_pool
            search = F.avg_pool2d(maps * valid, side, 1, side // 2).masked_fill(~valid, -torch.inf)
        floor = max(self.threshold * self.min_peak if self.relative else self.threshold, self.min_score)
        peaks = local_maxima(search, self.kernel, self.dedup_ties) & (search >= floor) & (search > 0) & core_cells
        image, _, row, col = peaks.nonzero(as_tuple=True)
        scores = search[peaks]
        points = (torch.stack([col, row], dim=1).to(scores) + 0.5) * self.stride
        sizes = torch.bincount(image, minlength=len(maps)).tolist()
        tops = raw.masked_fill(~core_cells, -torch.inf).flatten(1).amax(dim=1)
        return [
            Decoded(p, s, torch.cat([p, p], dim=1), m)
            for p, s, m in zip(points.split(sizes), scores.split(sizes), tops, strict=True)
        ]

    def select(self, candidates: Decoded, shape: tuple[int, int]) -> Decoded:
        """Apply the LMDS thresholds and add boxes. See :meth:`BaseCodec.select`."""
        top = candidates.map_max
        threshold = self.threshold * top if self.relative else self.threshold
        heads = candidates[(candidates.scores >= threshold) & (top >= self.min_peak)].inside(shape)
        boxes = knn_boxes(heads.points.cpu().numpy(), shape, self.knn, self.knn_factor, self.knn_cap)
        return replace(heads, boxes=torch.from_numpy(boxes).to(heads.points))
