"""Markers of heads: their size, and stamping thousands of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
from scipy.spatial import cKDTree

Color = tuple[int, int, int]

EDGE_COLOR: Color = (15, 15, 15)
MARKERS = ('dot', 'ring', 'cross', 'square')
_SUPERSAMPLING = 8
_LARGEST_STAMP = dict(dot=4.0, ring=9.0, cross=9.0, square=4.0)
"""Radius in pixels from which on OpenCV draws a marker faster than numpy stamps it, and as well: it rounds lines."""
_NEIGHBOURS = 4
_STEP = float(np.log(1.25))


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


def head_radii(points: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Choose a marker radius for every head: heads that are far away, and so close to each other, get smaller ones.

    Args:
        points: ``(N, 2)`` xy, pixels.
        shape: Height and width of the image, pixels (more entries are ignored).

    Returns:
        ``(N,)`` pixels: 0.22 times the mean distance to the four nearest other heads, at most 0.5 % of the image's mean
        side (2.5 px in small images), at least 1.3 px, in steps of a quarter.
    """
    points = as_points(points)
    placed = np.isfinite(points).all(axis=1)
    largest = max(0.005 * float(np.sqrt(shape[0] * shape[1])), 2.5)
    radii, number = np.full(len(points), largest), int(placed.sum())
    if number > 1:
        found, _ = cKDTree(points[placed]).query(points[placed], min(_NEIGHBOURS + 1, number))
        radii[placed] = 0.22 * found[:, 1:].mean(axis=1)
    steps = np.round(np.log(np.maximum(radii, 1e-3) / largest) / _STEP)
    return np.clip(largest * np.exp(_STEP * steps), 1.3, largest)


def stamp(out: np.ndarray, points: np.ndarray, colors: np.ndarray, marker: str, radius: float | np.ndarray) -> None:
    """Stamp a marker at every point, in place.

    All edges come before all fills, so that no edge covers a neighbour's fill. Small markers are put pixel of the stamp
    by pixel of the stamp, for all heads of a size at once; large ones head by head, as outlines.

    Args:
        out: ``(H, W, 3)`` uint8, modified.
        points: ``(N, 2)`` xy, pixels.
        colors: ``(3,)`` or ``(N, 3)`` float.
        marker: 'dot', 'ring', 'cross' or 'square'.
        radius: Pixels; ``(N,)`` of few sizes, or one for all.
    """
    if marker not in MARKERS:
        raise ValueError(f'marker must be one of {", ".join(map(repr, MARKERS))}, found {marker!r}')
    radii = np.broadcast_to(np.asarray(radius, np.float64).round(2), len(points))
    colors = np.broadcast_to(np.asarray(colors, np.float32), (len(points), 3))
    # Only the markers that touch the image; this bounds the coordinates before they become integers.
    reach = _reach(radii)[:, None] + 1
    with np.errstate(invalid='ignore'):
        near = ((points >= -reach) & (points < np.array(out.shape[1::-1]) + reach)).all(axis=1)
    points, colors, radii = np.floor(points[near]).astype(np.int64), colors[near], radii[near]
    for is_edge in (True, False):
        for size in np.unique(radii):
            which = radii == size
            ink = np.broadcast_to(np.float32(EDGE_COLOR), (which.sum(), 3)) if is_edge else colors[which]
            draw = _outlines if size > _LARGEST_STAMP[marker] else _stamps
            draw(out, points[which], ink, marker, float(size), is_edge)


def _stamps(out, points, ink, marker, radius, is_edge) -> None:
    """All markers of a small size at once: a loop over the pixels of the stamp."""
    mask = _stamp_masks(marker, radius)[0 if is_edge else 1]
    reach = len(mask) // 2
    height, width = out.shape[:2]
    j, i = points.T
    for di, dj in np.argwhere(mask > 0.02) - reach:
        rows, columns = i + di, j + dj
        inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        rows, columns = rows[inside], columns[inside]
        above, cover = ink[inside], mask[di + reach, dj + reach]
        if cover < 1:
            below = out[rows, columns].astype(np.float32)
            above = below + (above - below) * cover + 0.5
        out[rows, columns] = above


def _outlines(out, points, ink, marker, radius, is_edge) -> None:
    """Markers of a large size, one after the other."""
    # OpenCV's smoothed shapes are half a pixel larger on all sides.
    edge = (_edge(radius) if is_edge else 0.0) - 0.5
    line = max(1, round(_line(radius) + 2 * edge))
    grown, ring, arm = (round(part * 16) for part in (radius + edge, 1.3 * radius - _line(radius) / 2, 1.05 * radius))
    options = dict(lineType=cv2.LINE_AA, shift=4)
    for (x, y), color in zip((points * 16).tolist(), ink.tolist(), strict=True):
        if marker == 'dot':
            cv2.circle(out, (x, y), grown, color, -1, **options)
        elif marker == 'ring':
            cv2.circle(out, (x, y), ring, color, line, **options)
        elif marker == 'square':
            (left, top), side = (x // 16 - grown // 16, y // 16 - grown // 16), 2 * (grown // 16) + 1
            cv2.rectangle(out, (left, top, side, side), color, -1)
        else:
            cv2.line(out, (x - arm, y - arm), (x + arm, y + arm), color, line, **options)
            cv2.line(out, (x - arm, y + arm), (x + arm, y - arm), color, line, **options)


def _edge(radius: float | np.ndarray) -> float | np.ndarray:
    """Width of a marker's dark edge, pixels."""
    return np.clip(0.25 * radius, 0.6, 2.0)


def _line(radius: float) -> float:
    """Width of the lines of rings and crosses, pixels."""
    return max(0.5 * radius, 1.2)


def _reach(radius: float | np.ndarray) -> np.ndarray:
    """How far a marker and its edge go, whole pixels."""
    return np.ceil(1.3 * radius + _edge(radius) + 0.5).astype(int)


@lru_cache(maxsize=64)
def _stamp_masks(marker: str, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Anti-aliased coverage of a marker: its dark edge and its fill, both ``(2R + 1, 2R + 1)`` float32 in [0, 1]."""
    edge, line, reach = float(_edge(radius)), _line(radius), int(_reach(radius))
    size = (2 * reach + 1) * _SUPERSAMPLING
    middle, unit = size // 2, _SUPERSAMPLING

    def shape(grow: float) -> np.ndarray:
        mask = np.zeros((size, size), np.uint8)
        arm, side = round(1.05 * radius * unit), round((radius + grow) * unit)
        width = round((line + 2 * grow) * unit)
        if marker == 'dot':
            cv2.circle(mask, (middle, middle), side, 255, -1)
        elif marker == 'ring':
            cv2.circle(mask, (middle, middle), round((1.3 * radius - line / 2) * unit), 255, width)
        elif marker == 'square':
            cv2.rectangle(mask, (middle - side, middle - side), (middle + side, middle + side), 255, -1)
        else:
            for sign in (-1, 1):
                cv2.line(mask, (middle - arm, middle - sign * arm), (middle + arm, middle + sign * arm), 255, width)
        small = cv2.resize(mask, (2 * reach + 1, 2 * reach + 1), interpolation=cv2.INTER_AREA)
        small = small.astype(np.float32) / 255
        small = (small + small[::-1]) / 2  # OpenCV's lines are a little askew
        return (small + small[:, ::-1]) / 2

    return shape(edge), shape(0.0)


def as_points(points: np.ndarray) -> np.ndarray:
    """Points as an ``(N, 2)`` float64 array; anything empty becomes ``(0, 2)``."""
    points = np.asarray(points, np.float64)
    if points.size and (points.ndim != 2 or points.shape[1] != 2):
        raise ValueError(f'points must be (N, 2) xy, found shape {points.shape}')
    return points.reshape(-1, 2)


def checked_image(image: np.ndarray) -> np.ndarray:
    """The image, if it is one.

    Raises:
        ValueError: It is not ``(H, W, 3)`` uint8.
    """
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        found = f'{image.dtype} array of shape {image.shape}' if isinstance(image, np.ndarray) else type(image).__name__
        raise ValueError(f'an image must be an (H, W, 3) uint8 array, found {found}')
    return image


def copy_of(image: np.ndarray) -> np.ndarray:
    """A copy of an image, to draw on. Raises as :func:`checked_image`."""
    return np.array(checked_image(image), order='C')
