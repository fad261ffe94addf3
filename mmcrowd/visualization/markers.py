"""Markers of heads: their size, and stamping thousands of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np

Color = tuple[int, int, int]

EDGE_COLOR: Color = (15, 15, 15)
_SUPERSAMPLING = 8


def auto_radius(points: np.ndarray, shape: Sequence[int]) -> float:
    """Choose a marker radius that suits the image and leaves neighbouring heads apart.

    Args:
        points: ``(N, 2)`` xy, pixels.
        shape: Height and width of the image, pixels (more entries are ignored).

    Returns:
        The radius in pixels: 0.6 % of the image's mean side, less where a quarter of the heads stand closer than
        that, at least 1.3.
    """
    height, width = shape[:2]
    side = float(np.sqrt(height * width))
    radius = max(0.006 * side, 2.0)
    points = as_points(points)
    points = points[np.isfinite(points).all(axis=1)]
    if len(points) > 1:
        cell = max(side / 32, 8.0)
        columns = int(width // cell) + 1
        rows = int(height // cell) + 1
        j = np.clip(points[:, 0] // cell, 0, columns - 1).astype(np.int64)
        i = np.clip(points[:, 1] // cell, 0, rows - 1).astype(np.int64)
        index = i * columns + j
        crowding = np.bincount(index, minlength=rows * columns)[index]
        spacing = cell / np.sqrt(np.percentile(crowding, 75))
        radius = min(radius, 0.28 * spacing)
    return max(radius, 1.3)


def stamp(out: np.ndarray, points: np.ndarray, colors: np.ndarray, marker: str, radius: float) -> None:
    """Stamp a marker at every point, in place.

    The loop runs over the pixels of the stamp, not over the heads: 20,000 heads cost a fraction of a second. All edges
    come before all fills, so that no edge covers a neighbour's fill.

    Args:
        out: ``(H, W, 3)`` uint8, modified.
        points: ``(N, 2)`` xy, pixels.
        colors: ``(3,)`` or ``(N, 3)`` float.
        marker: 'dot', 'cross' or 'ring'.
        radius: Pixels.
    """
    edge, fill = _stamp_masks(marker, round(float(radius), 2))
    points = points[np.isfinite(points).all(axis=1)]
    reach = edge.shape[0] // 2
    height, width = out.shape[:2]
    # Only the markers that touch the image; this bounds the coordinates before they become integers.
    near = ((points >= -reach - 1) & (points < np.array([width, height]) + reach + 1)).all(axis=1)
    if colors.ndim == 2:
        colors = colors[near]
    j, i = np.floor(points[near]).astype(np.int64).T
    for mask, ink in ((edge, np.asarray(EDGE_COLOR, np.float32)), (fill, colors)):
        for di, dj in np.argwhere(mask > 0.02) - reach:
            rows, columns = i + di, j + dj
            inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
            rows, columns = rows[inside], columns[inside]
            above, cover = ink[inside] if ink.ndim == 2 else ink, mask[di + reach, dj + reach]
            if cover < 1:
                below = out[rows, columns].astype(np.float32)
                above = below + (above - below) * cover + 0.5
            out[rows, columns] = above


@lru_cache(maxsize=64)
def _stamp_masks(marker: str, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Anti-aliased coverage of a marker: its dark edge and its fill, both ``(2R + 1, 2R + 1)`` float32 in [0, 1]."""
    edge = float(np.clip(0.3 * radius, 0.6, 2.0))
    line = max(0.42 * radius, 0.9)
    reach = int(np.ceil(1.3 * radius + edge + 0.5))
    size = (2 * reach + 1) * _SUPERSAMPLING
    middle = size // 2

    def shape(grow: float) -> np.ndarray:
        mask = np.zeros((size, size), np.uint8)
        arm = round(1.05 * radius * _SUPERSAMPLING)
        width = max(1, round((line + 2 * grow) * _SUPERSAMPLING))
        if marker == 'dot':
            cv2.circle(mask, (middle, middle), round((radius + grow) * _SUPERSAMPLING), 255, -1)
        elif marker == 'ring':
            cv2.circle(mask, (middle, middle), round((1.3 * radius - line / 2) * _SUPERSAMPLING), 255, width)
        elif marker == 'cross':
            for sign in (-1, 1):
                cv2.line(mask, (middle - arm, middle - sign * arm), (middle + arm, middle + sign * arm), 255, width)
        else:
            raise ValueError(f"marker must be 'dot', 'cross' or 'ring', found {marker!r}")
        small = cv2.resize(mask, (2 * reach + 1, 2 * reach + 1), interpolation=cv2.INTER_AREA)
        return small.astype(np.float32) / 255

    return shape(edge), shape(0.0)


def as_points(points: np.ndarray) -> np.ndarray:
    """Points as an ``(N, 2)`` float64 array; anything empty becomes ``(0, 2)``."""
    points = np.asarray(points, np.float64)
    if points.size and (points.ndim != 2 or points.shape[1] != 2):
        raise ValueError(f'points must be (N, 2) xy, found shape {points.shape}')
    return points.reshape(-1, 2)
