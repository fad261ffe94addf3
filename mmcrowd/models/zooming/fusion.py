"""One count from a density and from points (RAZ-Net)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmcrowd.registry import MODELS

_LARGEST = 60_000.0
"""A threshold beyond all counts of a cell; float16 holds it."""


@MODELS.register_module()
class TwoStreamFusion(nn.Module):
    r"""Count of an image from its density where heads are dense, from density and points where they are not.

    Source: Liu, Weng and Mu, "Recurrent Attentive Zooming for Joint Crowd Counting and Precise Localization", eq. 4.
    In every cell of a grid over the image, with the counts :math:`d` by density and :math:`l` by points,

    .. math:: c = d \text{ if } (d + l) / 2 \ge \theta, \text{ else } (d + l) / 2

    The thresholds are fitted to training images by :meth:`fit`, for a depth of zooming: points differ by depth.

    Buffers: ``theta`` (rows * columns,) float32, finite; ``depth`` that they were fitted for; ``fitted``.

    Args:
        grid: Rows and columns.
        mode: 'fusion' as above; 'average' for the mean everywhere; 'density' or 'points' for one alone. Only 'fusion'
            needs thresholds.
    """

    def __init__(self, grid: tuple[int, int] = (4, 4), mode: str = 'fusion') -> None:
        super().__init__()
        if mode not in ('fusion', 'average', 'density', 'points'):
            raise ValueError(f"TwoStreamFusion: mode must be 'fusion', 'average', 'density' or 'points', got {mode!r}")
        self.grid, self.mode = tuple(grid), mode
        self.register_buffer('theta', torch.zeros(grid[0] * grid[1]))
        self.register_buffer('depth', torch.tensor(0))
        self.register_buffer('fitted', torch.tensor(False))

    def forward(self, density: Tensor, located: Tensor, depth: int) -> Tensor:
        """Count images.

        Args:
            density: (..., rows, columns) heads of each cell by density.
            located: (..., rows, columns) heads of each cell by points.
            depth: Times the image was zoomed into to find the points.

        Returns:
            (...,) float64.

        Raises:
            RuntimeError: The thresholds are needed and were never fitted, or for another depth.
        """
        density, located = (counts.double().flatten(-2) for counts in (density, located))
        mean = (density + located) / 2
        if self.mode == 'fusion':
            self._check(depth)
            counts = torch.where(mean >= self.theta, density, mean)
        else:
            counts = {'average': mean, 'density': density, 'points': located}[self.mode]
        return counts.sum(-1)

    def _check(self, depth: int) -> None:
        if not self.fitted:
            raise RuntimeError(
                'TwoStreamFusion: its thresholds were never fitted: fit them to the training images, or set '
                "mode='average', 'density' or 'points'"
            )
        if depth != self.depth:
            raise RuntimeError(
                f'TwoStreamFusion: its thresholds were fitted for depth {self.depth.item()}, but the points are of '
                f'depth {depth}: fit them anew, or zoom as deep'
            )

    def fit(self, density: Tensor, located: Tensor, true: Tensor, depth: int) -> None:
        """Fit the thresholds to the counts of N images, (N, rows, columns) each, as :func:`fit_thresholds` does."""
        density, located, true = (counts.flatten(-2) for counts in (density, located, true))
        self.theta.copy_(fit_thresholds(density, located, true))
        self.depth.fill_(depth)
        self.fitted.fill_(True)


def fit_thresholds(density: Tensor, located: Tensor, true: Tensor) -> Tensor:
    """The threshold of each cell that makes the sum of its absolute errors least, exactly.

    Sorted by the mean of both counts, a threshold takes the mean below it and the density from it on, so the errors of
    all thresholds come from two running sums. Images of equal means cannot be told apart. Of equally good thresholds
    the lowest is taken. A threshold lies halfway between two means; where all images lie on one side, at -60,000 or
    60,000.

    Args:
        density: (N, cells) heads by density, N at least 1.
        located: (N, cells) heads by points.
        true: (N, cells) heads.

    Returns:
        (cells,) float64.
    """
    density, true = density.double(), true.double()
    mean, order = ((density + located.double()) / 2).sort(dim=0)
    density, true = density.gather(0, order), true.gather(0, order)
    nothing = mean.new_zeros((1, mean.shape[1]))
    below = torch.cat([nothing, (mean - true).abs().cumsum(0)])
    above = torch.cat([nothing, (density - true).abs().cumsum(0)])
    errors = below + above[-1:] - above
    errors[1:-1][mean[1:] == mean[:-1]] = torch.inf
    thresholds = torch.cat([nothing - _LARGEST, (mean[1:] + mean[:-1]) / 2, nothing + _LARGEST])
    best = errors.argmin(dim=0, keepdim=True)
    return thresholds.gather(0, best)[0]


def grid_of_points(points: Tensor, shape: tuple[int, int], grid: tuple[int, int]) -> Tensor:
    """Points (N, 2) xy in the cells of a grid over an image of ``shape`` (h, w) pixels: (rows, columns) float64.

    Points on or beyond the border belong to the cell there.
    """
    sides, cells = points.new_tensor(shape[::-1]), torch.tensor(grid[::-1], device=points.device)
    index = torch.minimum((points / sides * cells).floor().long().clamp(min=0), cells - 1)
    counts = torch.bincount(index[:, 1] * grid[1] + index[:, 0], minlength=grid[0] * grid[1])
    return counts.double().reshape(grid)


def grid_of_density(density: Tensor, shape: tuple[int, int], stride: int, grid: tuple[int, int]) -> Tensor:
    """A density in the cells of a grid over an image: what lies on a border is divided by area, the sum stays.

    Args:
        density: (h, w) heads per cell of ``stride`` pixels; the last ones may reach over the edge of the image.
        shape: Height and width of the image, pixels.
        stride: Pixels per cell.
        grid: Rows and columns.

    Returns:
        (rows, columns) float64.
    """
    rows, cols = (
        _shares(cells, pixels, stride, parts, density.device)
        for cells, pixels, parts in zip(density.shape, shape, grid, strict=True)
    )
    return rows @ density.double() @ cols.T


def _shares(cells: int, pixels: int, stride: int, parts: int, device: torch.device) -> Tensor:
    """Which share of each cell of an axis lies in each part of it: (parts, cells) float64, columns sum to 1."""
    starts = torch.arange(cells, dtype=torch.float64, device=device) * stride
    borders = torch.arange(parts + 1, dtype=torch.float64, device=device)[:, None] * pixels / parts
    ends = (starts + stride).clamp(max=pixels)
    return (torch.minimum(ends, borders[1:]) - torch.maximum(starts, borders[:-1])).clamp(min=0) / (ends - starts)
