"""How dense a crowd is over an image: heads per area, smoothed with a Gaussian whose width is known.

From points it is a kernel density; from a map that a network predicts, the map, smoothed alike. Both live on cells of
a quarter or an eighth of the kernel's width, so what they cost depends on the width and not on the image. What a kernel
has beyond the border is reflected: the density sums to the number of heads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from .markers import as_points

_CELLS_PER_WIDTH = 4
_NICE = (1, 2, 5)


@dataclass(frozen=True)
class CrowdDensity:
    """Heads per area over an image.

    Attributes:
        grid: ``(rows, columns)`` float32, heads in a square of ``unit`` pixels' side, at the centres of the cells.
        cell: Height and width of a cell, pixels. The cells cover the image from its upper left corner, perhaps more.
        shape: Height and width of the image, pixels.
        width: Standard deviation of the kernel, pixels.
        unit: Side of the square that heads are counted in, pixels.
    """

    grid: np.ndarray
    cell: tuple[float, float]
    shape: tuple[int, int]
    width: float
    unit: int

    @classmethod
    def of_points(cls, points: np.ndarray, shape: Sequence[int], width: float | None = None) -> CrowdDensity:
        """The kernel density of points.

        Args:
            points: ``(N, 2)`` xy, pixels. Those outside the image, or without a place (NaN, infinite), do not count.
            shape: Height and width of the image, pixels (more entries are ignored).
            width: Standard deviation of the kernel, pixels; None is :func:`kernel_width`.

        Raises:
            ValueError: The width is not positive, or the points are not ``(N, 2)``.
        """
        points, shape = as_points(points), (int(shape[0]), int(shape[1]))
        points = points[((points >= 0) & (points < shape[::-1])).all(axis=1)]
        width = _checked(kernel_width(len(points), shape) if width is None else width)
        rows, columns = (int(np.ceil(side / max(width / _CELLS_PER_WIDTH, 1))) for side in shape)
        cell = (shape[0] / rows, shape[1] / columns)
        heads = np.zeros(rows * columns)
        (i, down), (j, across) = _between(points[:, 1], cell[0], rows), _between(points[:, 0], cell[1], columns)
        for k, below in ((i, 1 - down), (np.minimum(i + 1, rows - 1), down)):
            for m, beside in ((j, 1 - across), (np.minimum(j + 1, columns - 1), across)):
                heads += np.bincount(k * columns + m, below * beside, minlength=rows * columns)
        heads = heads.reshape(rows, columns)
        return cls._smoothed(heads, cell, shape, width)

    @classmethod
    def of_map(cls, map: np.ndarray, shape: Sequence[int], width: float | None = None) -> CrowdDensity:
        """A predicted density, smoothed.

        Args:
            map: ``(h, w)`` heads per cell; NaN and infinite cells count as 0. Placed as by :func:`cells_of`.
            shape: Height and width of the image, pixels (more entries are ignored).
            width: Standard deviation of the kernel, pixels; None is :func:`kernel_width` for the map's sum.

        Raises:
            ValueError: The width is not positive, or the map has no cells.
        """
        map, shape = checked_map(map), (int(shape[0]), int(shape[1]))
        cell = cells_of(map.shape, shape)
        width = _checked(kernel_width(max(float(map.sum(dtype=np.float64)), 0), shape) if width is None else width)
        covered = [cell[axis] * map.shape[axis] for axis in (0, 1)]
        rows, columns = (
            min(map.shape[axis], int(np.ceil(covered[axis] / max(width / (2 * _CELLS_PER_WIDTH), 1))))
            for axis in (0, 1)
        )
        merged = map.size / (rows * columns)
        heads = cv2.resize(map, (columns, rows), interpolation=cv2.INTER_AREA) * merged
        return cls._smoothed(heads, (covered[0] / rows, covered[1] / columns), shape, width)

    @classmethod
    def _smoothed(cls, heads, cell, shape, width) -> CrowdDensity:
        sigma = [max(width / side, 1e-3) for side in cell]
        heads = cv2.GaussianBlur(
            heads.astype(np.float32), (0, 0), sigmaX=sigma[1], sigmaY=sigma[0], borderType=cv2.BORDER_REFLECT
        )
        unit = _nice_below(np.sqrt(shape[0] * shape[1]) / 8)
        unit = max(1, round(unit))
        return cls(heads * (unit**2 / (cell[0] * cell[1])), cell, shape, float(width), unit)

    @property
    def peak(self) -> float:
        """The highest density, 0 where there are no heads."""
        return max(float(self.grid.max()), 0.0)

    def levels(self, number: int = 5, peak: float | None = None) -> list[float]:
        """Round densities, 1, 2 and 5 and their tenfolds, below the peak; none where there are no heads.

        Args:
            number: How many at most; the highest ones are taken.
            peak: Stands for the peak of this density: for pictures that are compared.
        """
        peak = self.peak if peak is None else peak
        if not peak > 1e-6:
            return []
        power = int(np.floor(np.log10(peak)))
        steps = [nice * 10.0**p for p in range(power - number, power + 1) for nice in _NICE]
        return [float(f'{step:.6g}') for step in steps if step < peak][-number:]

    def rows(self, start: int, stop: int) -> np.ndarray:
        """The density at the pixels of some rows of the image, interpolated: ``(stop - start, W)`` float32."""
        above, share = _between(np.arange(start, stop) + 0.5, self.cell[0], len(self.grid))
        left, across = _between(np.arange(self.shape[1]) + 0.5, self.cell[1], self.grid.shape[1])
        grid = self.grid[above[0] : above[-1] + 2]
        grid = np.concatenate([grid, grid[-1:]])
        right = np.minimum(left + 1, grid.shape[1] - 1)
        wide = grid[:, left]
        wide += (grid[:, right] - wide) * across
        above = above - above[0]
        out = wide[above]
        out += (wide[above + 1] - out) * share[:, None]
        return out


def kernel_width(number: float, shape: Sequence[int]) -> float:
    """The usual width of the kernel: narrower the more heads there are.

    Args:
        number: Of heads.
        shape: Height and width of the image, pixels (more entries are ignored).

    Returns:
        Standard deviation, pixels: 1.2 times the heads' distance if they stood evenly, but 3 to 7 % of the image's mean
        side.
    """
    side = float(np.sqrt(shape[0] * shape[1]))
    return max(side * float(np.clip(1.2 / np.sqrt(max(number, 1)), 0.03, 0.07)), 1.0)


def cells_of(size: tuple[int, int], shape: Sequence[int]) -> tuple[float, float]:
    """Height and width in pixels of a map's cells: its stride, if that is a power of two, else a share of the image.

    Args:
        size: Rows and columns of the map.
        shape: Height and width of the image, pixels.
    """
    for stride in (1, 2, 4, 8, 16, 32, 64):
        if (-(-shape[0] // stride), -(-shape[1] // stride)) == tuple(size):
            return float(stride), float(stride)
    return shape[0] / size[0], shape[1] / size[1]


def checked_map(map: np.ndarray) -> np.ndarray:
    """A map as float32, 0 where it is not finite.

    Raises:
        ValueError: It is not ``(h, w)`` with at least one cell.
    """
    map = np.asarray(map, np.float32)
    if map.ndim != 2 or 0 in map.shape:
        raise ValueError(f'a map must be (h, w) with at least one cell, found shape {map.shape}')
    return np.nan_to_num(map, nan=0.0, posinf=0.0, neginf=0.0)


def _checked(width: float) -> float:
    if not 0 < width < np.inf:
        raise ValueError(f'width: expected a positive number of pixels, found {width}')
    return float(width)


def _nice_below(value: float) -> float:
    """The largest of 1, 2, 5 and their tenfolds that is not above a value."""
    power = 10.0 ** np.floor(np.log10(value))
    return max(nice for nice in _NICE if nice <= value / power + 1e-9) * power


def _between(places: np.ndarray, cell: float, number: int) -> tuple[np.ndarray, np.ndarray]:
    """The last cell whose centre is not behind each place, and how far on the way to the next one it is, 0 to 1."""
    place = np.clip(places / cell - 0.5, 0, number - 1)
    before = place.astype(np.int64)
    return before, (place - before).astype(np.float32)
