"""Regions of interest and perspective maps of data sets that have them."""

from pathlib import Path

import cv2
import numpy as np

from .readers import mat_value, read_mat


def inside_polygon(points: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """Which points lie in a polygon (even-odd rule).

    Args:
        points: (N, 2) xy.
        polygon: (K, 2) xy of its corners in order; it is closed by itself.

    Returns:
        (N,) bool.
    """
    x, y = np.asarray(points, dtype=np.float64)[:, None, :].transpose(2, 0, 1)
    start = np.asarray(polygon, dtype=np.float64)
    (x1, y1), (x2, y2) = start.T, np.roll(start, -1, axis=0).T
    spans = (y1 <= y) != (y2 <= y)
    with np.errstate(divide='ignore', invalid='ignore'):
        crossing = x1 + (y - y1) / (y2 - y1) * (x2 - x1)
    return ((x < crossing) & spans).sum(axis=1) % 2 == 1


def inside_mask(points: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Which points (N, 2) xy lie on true pixels of ``mask`` (H, W): (N,) bool, False outside the mask."""
    column, row = np.floor(np.asarray(points).reshape(-1, 2)).astype(np.int64).T
    inside = (column >= 0) & (row >= 0) & (column < mask.shape[1]) & (row < mask.shape[0])
    inside[inside] = mask[row[inside], column[inside]]
    return inside


def polygon_mask(polygon: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """(H, W) bool of the pixels in a polygon (K, 2) xy, for an image of ``shape`` (height, width)."""
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.round(np.asarray(polygon) * 256).astype(np.int32)], 1, shift=8)
    return mask.astype(bool)


def read_mask(path: str | Path) -> np.ndarray:
    """(H, W) bool region of interest: ``BW`` (TRANCOS) or ``roi.mask`` (Mall) of a MATLAB file.

    Raises:
        ValueError: The file has neither.
    """
    content = read_mat(path)
    names = ('roi', 'mask') if 'roi' in content else ('BW',)
    mask = mat_value(path, content, *names)
    if mask.ndim != 2:
        raise ValueError(f'{path}: expected an (H, W) mask in {".".join(names)}, found shape {mask.shape}')
    return mask.astype(bool)


def read_perspective(path: str | Path) -> np.ndarray:
    """(H, W) float32 perspective map (pixels per metre at each pixel): ``pMap`` or ``pMapN`` of a MATLAB file.

    Raises:
        ValueError: The file has neither.
    """
    content = read_mat(path)
    return mat_value(path, content, 'pMap' if 'pMap' in content else 'pMapN').astype(np.float32)
