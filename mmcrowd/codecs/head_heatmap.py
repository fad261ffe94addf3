"""Gaussian head heat maps with box sizes and offsets, and the peaks of such maps (Mask Focal Loss, CenterNet)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mmcrowd.registry import CODECS

from .base import BaseCodec, Decoded
from .numerics import head_sigma, local_maxima


@CODECS.register_module()
class HeadHeatmapCodec(BaseCodec):
    r"""Heat map with one truncated Gaussian per head, size and offset at its peak.

    Source: Zhong et al., "Mask Focal Loss: A unifying framework for dense crowd counting with canonical object
    detection networks", eq. 10; offsets and peaks as in Zhou et al., "Objects as Points". A box of :math:`w \times h`
    map cells makes a Gaussian around the cell of the head's point, so that its peak is exactly 1, with

    .. math:: \sigma = D (1 + \eta e^{-D}) / \epsilon, \qquad D = 2 \min(w, h) + 1

    It is cut off at the cells that the box touches: the mask of the loss is where the heat is positive. The paper
    adds the Gaussians of overlapping heads and yet demands values up to 1; here the larger one counts.

    The boxes of a whole crowd are drawn at once. As a map depends on boxes, not on the image's border, the map of a
    crop, made from all boxes that reach into it, is the crop of the image's map.

    Args:
        stride (int): Input pixels per map cell.
        eps (float): Divisor of the Gaussian's width.
        eta (float): Strength of the widening of small heads, 0 for none. The paper does not give it; it matters for
            boxes of less than about 2 cells only.
        size (str): 'full' for :math:`D = 2 \min(w, h) + 1` as printed (the box ends at about 1.5 sigma); 'half' for
            :math:`D = \min(w, h) + 1`, which takes the "radius" of the paper as half the side (about 3 sigma).
        combine (str): Where Gaussians overlap, 'max' takes the largest, 'sum' the sum, at most 1.
        score_thr (float): A peak below is no head.
        kernel (int): Side of the neighbourhood in which a peak is the maximum, cells.
    """

    names = ('heat', 'width', 'height', 'dx', 'dy')

    margin = 512
    """Pixels around a crop within which outside heads still change the map. A box reaches as far as it is large: this
    covers heads of 1,024 pixels."""

    def __init__(
        self,
        stride: int = 4,
        eps: float = 6.0,
        eta: float = 1.0,
        size: str = 'full',
        combine: str = 'max',
        score_thr: float = 0.3,
        kernel: int = 3,
    ) -> None:
        super().__init__(stride)
        if eps <= 0 or eta < 0:
            raise ValueError(f'HeadHeatmapCodec: needs eps > 0 and eta >= 0, got {eps} and {eta}')
        if size not in ('full', 'half'):
            raise ValueError(f"HeadHeatmapCodec: size must be 'full' or 'half', got {size!r}")
        if combine not in ('max', 'sum'):
            raise ValueError(f"HeadHeatmapCodec: combine must be 'max' or 'sum', got {combine!r}")
        if kernel < 1 or kernel % 2 == 0:
            raise ValueError(f'HeadHeatmapCodec: kernel must be odd, got {kernel}')
        self.eps, self.eta, self.size, self.combine = eps, eta, size, combine
        self.score_thr, self.kernel = score_thr, kernel

    def sigma(self, width: np.ndarray, height: np.ndarray) -> np.ndarray:
        """Standard deviation in cells of the Gaussian of boxes of (N,) ``width`` and ``height`` cells (eq. 10)."""
        return head_sigma(np.minimum(width, height), self.eps, self.eta, self.size)

    def encode(self, points: np.ndarray, boxes: np.ndarray | None, shape: tuple[int, int]) -> dict[str, np.ndarray]:
        """Draw the maps of one image.

        Args:
            points (np.ndarray): (N, 2) xy, pixels. Heads outside the image draw what of their box reaches into it.
            boxes (np.ndarray): (N, 4) xyxy, pixels.
            shape (tuple[int, int]): Height and width, pixels.

        Returns:
            dict[str, np.ndarray]: Five (1, ceil(h / stride), ceil(w / stride)) float32 maps. ``heat`` in [0, 1]; at the
            cells of the heads ``width`` and ``height`` of the box in cells, and ``dx`` and ``dy``, the place of the
            point inside its cell in [0, 1); elsewhere 0. Of several heads in a cell, the last one counts.

        Raises:
            ValueError: A head has no box, or one inside the image has a box without area.
        """
        rows, cols = self.map_shape(shape)
        points = np.asarray(points, dtype=np.float64).reshape(-1, 2)
        centres = np.floor(points).astype(np.int64) // self.stride
        inside = ((centres >= 0) & (centres < (cols, rows))).all(axis=1)
        boxes = self._checked_boxes(points, boxes, inside)
        sizes = (boxes[:, 2:] - boxes[:, :2]) / self.stride
        heat = self._draw_gaussians(centres, boxes, sizes, (rows, cols))
        maps = np.zeros((5, rows, cols), np.float32)
        # The peak of a head lies inside its mask even where the annotated box does not hold its point.
        at = centres[inside, 1], centres[inside, 0]
        heat[at] = 1
        maps[0] = heat
        maps[1:, at[0], at[1]] = np.concatenate([sizes, points / self.stride - centres], axis=1)[inside].T
        return {name: value[None] for name, value in zip(self.names, maps, strict=True)}

    def _checked_boxes(self, points: np.ndarray, boxes: np.ndarray | None, inside: np.ndarray) -> np.ndarray:
        """The boxes as (N, 4) float64, all known, those of heads ``inside`` (N,) the image with an area."""
        boxes = np.full((len(points), 4), np.nan) if boxes is None else boxes
        boxes = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
        unknown = ~np.isfinite(boxes).all(axis=1)
        if unknown.any():
            raise ValueError(
                f'HeadHeatmapCodec draws heads as large as their boxes, but {unknown.sum()} of {len(boxes)} heads have '
                'no box: annotate them, or give these heads pseudo boxes with '
                'EncodeTargets(pseudo_size=...), the side of a head in pixels; FIDTCodec needs no boxes'
            )
        empty = inside & (boxes[:, 2:] <= boxes[:, :2]).any(axis=1)
        if empty.any():
            first = np.flatnonzero(empty)[0]
            raise ValueError(
                f'HeadHeatmapCodec: {empty.sum()} of {len(boxes)} heads have a box without area, the first at '
                f'{points[first].tolist()} with box {boxes[first].tolist()}; expected x1 < x2 and y1 < y2: correct '
                'these annotations or drop the heads'
            )
        return boxes

    def _draw_gaussians(
        self, centres: np.ndarray, boxes: np.ndarray, sizes: np.ndarray, shape: tuple[int, int]
    ) -> np.ndarray:
        """Draw all heads, their boxes (N, 4) pixels, into one (h, w) map.

        A Gaussian is the product of one along its rows and one along its columns. The windows are cut into rows; step
        k draws the k-th cell of all rows that have one, so the work of the loop is that of its widest window.
        """
        low = np.maximum(np.floor(boxes[:, :2]).astype(np.int64) // self.stride, 0)
        high = np.minimum(-(-np.ceil(boxes[:, 2:]).astype(np.int64) // self.stride), shape[::-1])
        drawn = np.flatnonzero((high > low).all(axis=1) & (sizes > 0).all(axis=1))
        drawn = drawn[np.argsort(low[drawn, 0] - high[drawn, 0])]  # wide ones first: step k draws the first rows only
        low, extent, centres = low[drawn], (high - low)[drawn], centres[drawn]
        factor = -0.5 / self.sigma(*sizes[drawn].T) ** 2
        starts, across, _ = _along_windows(low[:, 0], extent[:, 0], centres[:, 0], factor)
        _, down, row = _along_windows(low[:, 1], extent[:, 1], centres[:, 1], factor)
        cell = row * shape[1] + np.repeat(low[:, 0], extent[:, 1])
        column = np.repeat(starts, extent[:, 1])

        canvas = np.zeros(shape[0] * shape[1], np.float32)
        combine = np.maximum if self.combine == 'max' else np.add
        widest = extent[0, 0] if len(extent) else 0
        wider = np.searchsorted(-extent[:, 0], -np.arange(widest))  # windows of more than k cells
        for k, count in enumerate(np.cumsum(extent[:, 1])[wider - 1]):
            combine.at(canvas[k:], cell[:count], down[:count] * across[k:][column[:count]])
        return np.minimum(canvas, 1).reshape(shape)

    def candidates(
        self,
        maps: Tensor,
        shapes: Sequence[tuple[int, int]] | None = None,
        core: tuple[int, int, int, int] | None = None,
    ) -> list[Decoded]:
        """Peaks of the heat map of at least ``score_thr``, all of them; one cell of a plateau.

        Args:
            maps (Tensor): (B, 5, h, w): heat as probabilities, sizes and offsets in cells.
            shapes (sequence of (int, int), optional): See :meth:`BaseCodec.candidates`.
            core (tuple of 4 int, optional): See :meth:`BaseCodec.candidates`.

        Returns:
            list[Decoded]: Points are cell + offset (an offset beyond its cell ends at the cell's border), boxes are
            centred on them.
        """
        maps = maps.detach().float()
        heat = maps[:, :1].masked_fill(~self.valid_cells(maps, shapes), -torch.inf)
        core_cells = self.core_cells(maps, core)
        peaks = local_maxima(heat, self.kernel, dedup_ties=True) & (heat >= self.score_thr) & (heat > 0) & core_cells
        image, _, row, col = peaks.nonzero(as_tuple=True)
        values = maps[image, 1:, row, col]
        points = (torch.stack([col, row], dim=1) + values[:, 2:].clamp(0, 1)) * self.stride
        half = values[:, :2].clamp(min=0) * (self.stride / 2)
        boxes = torch.cat([points - half, points + half], dim=1)
        numbers = torch.bincount(image, minlength=len(maps)).tolist()
        parts = (t.split(numbers) for t in (points, heat[peaks], boxes))
        return [Decoded(*each) for each in zip(*parts, strict=True)]


def _along_windows(
    low: np.ndarray, extent: np.ndarray, centre: np.ndarray, factor: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gaussians along one axis, one after the other.

    Args:
        low (np.ndarray): (N,) first cell of each window.
        extent (np.ndarray): (N,) cells of each window.
        centre (np.ndarray): (N,) cell of each peak.
        factor (np.ndarray): (N,) -1 / (2 sigma^2), per squared cell.

    Returns:
        tuple[np.ndarray, np.ndarray, np.ndarray]: (N,) where each window starts, and of its cells (sum of ``extent``,)
        the float32 values and the positions on the axis.
    """
    ends = np.cumsum(extent)
    starts = ends - extent
    cell = np.arange(extent.sum()) + np.repeat(low - starts, extent)
    distance = cell - np.repeat(centre, extent)
    return starts, np.exp(np.repeat(factor, extent) * (distance * distance)).astype(np.float32), cell
