"""Grid average mean absolute error (Guerrero-Gomez-Olmedo et al., "Extremely overlapping vehicle counting", 2015)."""

import numpy as np

from .candidates import as_points


def point_cells(points: np.ndarray, size: tuple[int, int], level: int = 3, roi: np.ndarray | None = None) -> np.ndarray:
    """Points per cell of a 2^level x 2^level grid over the image.

    A point outside the image counts in the nearest border cell, so the cells add up to all points.

    Args:
        points: (N, 2) xy, original pixels.
        size: (height, width) of the image, pixels.
        level: L, 0 for one cell.
        roi: (height, width) bool region of interest; points whose pixel lies outside it do not count. None for all.

    Returns:
        (2^L, 2^L) float64.
    """
    points = as_points(points)
    height, width = _check_size(size, roi)
    if roi is not None and len(points):
        column, row = np.floor(points).astype(np.int64).T
        points = points[roi[np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)].astype(bool)]
    n = 2**level
    column, row = np.clip(np.floor(points * n / np.array([width, height])), 0, n - 1).astype(np.int64).T
    return np.bincount(row * n + column, minlength=n * n).reshape(n, n).astype(np.float64)


def density_cells(
    density: np.ndarray,
    size: tuple[int, int],
    level: int = 3,
    roi: np.ndarray | None = None,
    extent: tuple[float, float] | None = None,
) -> np.ndarray:
    """Sum of a density map in each cell; a map element belongs to the cell of its centre.

    Args:
        density: (h, w) heads per element, at any stride over the image.
        size: (height, width) of the image, pixels.
        level: L.
        roi: (height, width) bool region of interest, sampled at the element centres.
        extent: Height and width that the map covers, pixels: more than the image where the stride does not divide its
            sides. An element centred beyond the image belongs to its border. None: those of the image.

    Returns:
        (2^L, 2^L) float64.
    """
    density = np.asarray(density, np.float64)
    if density.ndim != 2:
        raise ValueError(f'density: expected an (h, w) map, found shape {density.shape}')
    height, width = _check_size(size, roi)
    y, x = (
        ((np.arange(elements) + 0.5) * covered / elements).clip(0, pixels - 0.5)
        for elements, covered, pixels in zip(density.shape, extent or (height, width), (height, width), strict=True)
    )
    if roi is not None:
        density = density * roi[np.ix_(y.astype(int), x.astype(int))]
    n = 2**level
    cells = np.zeros((n, n))
    np.add.at(cells, ((y * n / height).astype(int)[:, None], (x * n / width).astype(int)[None]), density)
    return cells


def game(pred_cells: np.ndarray, gt_cells: np.ndarray) -> dict[str, float]:
    """GAME at every level up to that of the cells: the absolute errors of the cells summed, averaged over images.

    GAME(0) is the MAE.

    Args:
        pred_cells: (I, 2^L, 2^L) predicted counts per cell.
        gt_cells: (I, 2^L, 2^L) annotated counts per cell.

    Returns:
        ``game0`` to ``gameL``.
    """
    return {
        name: float(errors.mean()) if len(errors) else float('nan')
        for name, errors in game_errors(pred_cells, gt_cells).items()
    }


def game_errors(pred_cells: np.ndarray, gt_cells: np.ndarray) -> dict[str, np.ndarray]:
    """The (I,) errors that :func:`game` averages, by the same names."""
    difference = np.asarray(pred_cells, np.float64) - np.asarray(gt_cells, np.float64)
    if difference.ndim != 3 or difference.shape[1] != difference.shape[2]:
        raise ValueError(f'cells: expected (I, 2^L, 2^L), found shape {difference.shape}')
    errors = {}
    level = difference.shape[1].bit_length() - 1
    for current in range(level, -1, -1):
        errors[f'game{current}'] = np.abs(difference).sum(axis=(1, 2))
        if current:
            n = 2 ** (current - 1)
            difference = difference.reshape(-1, n, 2, n, 2).sum(axis=(2, 4))
    return dict(reversed(errors.items()))


def _check_size(size: tuple[int, int], roi: np.ndarray | None) -> tuple[int, int]:
    height, width = int(size[0]), int(size[1])
    if height < 1 or width < 1:
        raise ValueError(f'size: expected (height, width) of at least one pixel, found {tuple(size)}')
    if roi is not None and roi.shape != (height, width):
        raise ValueError(f'roi: expected the shape of the image {(height, width)}, found {roi.shape}')
    return height, width
