"""Numerics that codecs share: local maxima of batched maps, nearest-neighbour distances and boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from scipy.spatial import cKDTree
from torch import Tensor

Array = TypeVar('Array', np.ndarray, Tensor)


def valid_mask(maps: Tensor, shapes: Sequence[tuple[int, int]], stride: int) -> Tensor:
    """Mark the cells that hold image, not padding.

    Args:
        maps (Tensor): (B, C, h, w).
        shapes (sequence of (int, int)): Height and width of every image, pixels.
        stride (int): Pixels per cell.

    Returns:
        Tensor: (B, 1, h, w) bool.
    """
    limits = torch.tensor([[-(-h // stride), -(-w // stride)] for h, w in shapes], device=maps.device)
    rows = torch.arange(maps.shape[-2], device=maps.device)
    cols = torch.arange(maps.shape[-1], device=maps.device)
    return ((rows < limits[:, :1])[:, :, None] & (cols < limits[:, 1:])[:, None, :])[:, None]


def local_maxima(maps: Tensor, kernel: int = 3, dedup_ties: bool = False) -> Tensor:
    """Mark cells that equal the maximum of their ``kernel`` x ``kernel`` neighbourhood.

    Args:
        maps (Tensor): (B, 1, h, w); cells of ``-inf`` never win.
        kernel (int): Odd side of the neighbourhood, cells.
        dedup_ties (bool): Of several equal cells within one neighbourhood keep the first in row-major order only.

    Returns:
        Tensor: (B, 1, h, w) bool.
    """
    peaks = (F.max_pool2d(maps, kernel, 1, kernel // 2) == maps) & torch.isfinite(maps)
    if dedup_ties:
        cells = maps.shape[-2] * maps.shape[-1]
        order = torch.arange(cells, 0, -1, device=maps.device, dtype=torch.float64).view(1, 1, *maps.shape[-2:])
        order = torch.where(peaks, order, 0.0)
        peaks = peaks & (F.max_pool2d(order, kernel, 1, kernel // 2) == order)
    return peaks


def squared_distances(cells: np.ndarray, shape: tuple[int, int], reach: int, far: int) -> np.ndarray:
    """Squared distance from every cell of a map to the nearest of some cells.

    Exact, and for small ``reach`` several times faster than a general distance transform: along the rows each of
    ``cells`` writes the squares of its neighbourhood, nearer ones last, then the columns take minima of shifted rows.

    Args:
        cells (np.ndarray): (N, 2) integer column and row, all within ``reach`` of the map.
        shape (tuple[int, int]): Rows and columns of the map.
        reach (int): Largest distance along an axis that is looked at, cells.
        far (int): Written where no cell is within ``reach`` along both axes; at least ``reach ** 2``.

    Returns:
        np.ndarray: (h, w) int16 or int32.
    """
    height, width = shape
    # A border of twice the reach: cells lie in its inner half, and what they write in its outer.
    wide = np.full((height + 2 * reach, width + 4 * reach), far, np.int16 if 2 * far < 2**15 else np.int32)
    flat, centre = wide.reshape(-1), (cells[:, 1] + reach) * wide.shape[1] + cells[:, 0] + 2 * reach
    for step in range(reach, -1, -1):
        flat[centre - step] = flat[centre + step] = step * step
    rows = np.ascontiguousarray(wide[:, 2 * reach : 2 * reach + width])
    best = rows[reach : reach + height].copy()
    near = np.empty_like(best)
    for step in range(1, reach + 1):
        np.minimum(rows[reach - step :][:height], rows[reach + step :][:height], out=near)
        near += step * step
        np.minimum(best, near, out=best)
    return best


def neighbour_distances(points: np.ndarray, k: int) -> np.ndarray:
    """Distances to the ``k`` nearest other heads.

    Args:
        points (np.ndarray): (N, 2) xy.
        k (int): Number of neighbours.

    Returns:
        np.ndarray: (N, k) float64 ascending, inf where an image has fewer heads.
    """
    points = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    if len(points) == 0:
        return np.zeros((0, k))
    return cKDTree(points).query(points, k=k + 1)[0].reshape(len(points), -1)[:, 1:]


def mean_spacing(points: np.ndarray, k: int) -> np.ndarray:
    """Mean distance of heads (N, 2) to the ``k`` nearest others, or to as many as there are: (N,), inf for a lone."""
    distances = neighbour_distances(points, k)
    known = np.isfinite(distances)
    total = np.where(known, distances, 0).sum(axis=1)
    return np.where(known.any(axis=1), total / known.sum(axis=1).clip(min=1), np.inf)


def sum_pool(maps: Tensor, factor: int) -> Tensor:
    """Sum blocks of ``factor`` x ``factor`` cells, the last ones smaller: (B, C, h, w) -> (B, C, ceil(h / f), ...)."""
    return F.avg_pool2d(maps, factor, ceil_mode=True, divisor_override=1)


def cell_counts(maps: Tensor, shape: tuple[int, int], stride: int, grid: tuple[int, int]) -> Tensor:
    """Count by a density in the cells of a grid over the image.

    What stands in a cell of the map is spread evenly over the part of it that is image, so the grid adds up to the map.

    Args:
        maps (Tensor): (..., h, w) density; cells beyond the image do not count.
        shape (tuple[int, int]): Height and width of the image, pixels.
        stride (int): Pixels per cell of the map.
        grid (tuple[int, int]): Rows and columns.

    Returns:
        Tensor: (..., rows, columns) float64.
    """
    shares = []
    for side, number in zip(shape, grid, strict=True):
        edges = torch.arange(-(-side // stride) + 1, dtype=torch.float64).mul(stride).clamp(max=side)
        borders = torch.linspace(0, side, number + 1, dtype=torch.float64)
        low = torch.maximum(edges[:-1], borders[:-1, None])
        high = torch.minimum(edges[1:], borders[1:, None])
        shares.append(((high - low).clamp(min=0) / (edges[1:] - edges[:-1])).to(maps.device))
    rows, columns = shares
    return rows @ maps[..., : rows.shape[1], : columns.shape[1]].double() @ columns.T


def knn_boxes(
    points: np.ndarray, shape: tuple[int, int], k: int = 3, factor: float = 0.3, cap: float = 0.05
) -> np.ndarray:
    """Square boxes whose half side grows with the distance to the nearest heads.

    FIDTM eq. 4 in the form its released code uses: half side = ``factor`` x mean distance to the ``k`` nearest
    other heads, at most ``cap`` x the shorter image side. A missing neighbour counts as infinitely far, so a lone
    head gets the cap.

    Args:
        points (np.ndarray): (N, 2) xy, pixels.
        shape (tuple[int, int]): Height and width of the image, pixels.
        k (int): Neighbours to average.
        factor (float): Half side per mean distance.
        cap (float): Largest half side per shorter image side.

    Returns:
        np.ndarray: (N, 4) xyxy float32, pixels.
    """
    half = np.minimum(factor * neighbour_distances(points, k).mean(axis=1), cap * min(shape))[:, None]
    points = np.asarray(points).reshape(-1, 2)
    return np.concatenate([points - half, points + half], axis=1).astype(np.float32)


def head_sigma(side: Array, eps: float = 6.0, eta: float = 1.0, size: str = 'full') -> Array:
    r"""Standard deviation of the Gaussian of a head (Mask Focal Loss, eq. 10).

    .. math:: \sigma = D (1 + \eta e^{-D}) / \epsilon, \qquad D = 2 \min(w, h) + 1

    Args:
        side (np.ndarray or Tensor): (N,) shorter side of the box, cells.
        eps (float): Divisor of the diameter.
        eta (float): Weight of the small-object factor; the paper does not give it, 0 turns it off.
        size (str): 'full' for D as printed; 'half' for D = min(w, h) + 1, half the side as the radius.

    Returns:
        np.ndarray or Tensor: (N,) cells.
    """
    diameter = (2.0 if size == 'full' else 1.0) * side + 1
    exp = torch.exp if isinstance(diameter, Tensor) else np.exp
    return diameter * (1 + eta * exp(-diameter)) / eps


def covered_cells(regions: np.ndarray, stride: int) -> list[tuple[slice, slice]]:
    """Rows and columns of the cells whose centres lie in rectangles (R, 4) xyxy, pixels."""
    cells = np.ceil(np.asarray(regions).reshape(-1, 4) / stride - 0.5).clip(min=0).astype(np.int64)
    return [(slice(y1, y2), slice(x1, x2)) for x1, y1, x2, y2 in cells.tolist()]


def sound_boxes(boxes: Array) -> Array:
    """Whether boxes (N, 4) xyxy are finite and have an area: (N,) bool."""
    isfinite = torch.isfinite if isinstance(boxes, Tensor) else np.isfinite
    return isfinite(boxes).all(1) & (boxes[:, 2:] > boxes[:, :2]).all(1)


def fill_boxes(points: np.ndarray, boxes: np.ndarray, side: float) -> np.ndarray:
    """Give heads whose box (N, 4) is not known a square of ``side`` pixels around their point (N, 2)."""
    squares = np.concatenate([points - side / 2, points + side / 2], axis=1)
    return np.where(np.isnan(boxes).any(axis=1, keepdims=True), squares, boxes)
