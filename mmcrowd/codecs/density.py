"""Density maps: the sum of the map is the number of heads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from mmcrowd.registry import CODECS

from .base import BaseCodec, Decoded
from .density_points import place_heads
from .numerics import knn_boxes, mean_spacing

_CHUNK = 512
"""Heads drawn at a time."""


@CODECS.register_module()
class DensityCodec(BaseCodec):
    r"""A Gaussian of volume 1 per head; the count of a region is the sum of its cells.

    Source: Lempitsky and Zisserman, "Learning to count objects in images"; the sigma that follows the distance to the
    nearest heads is that of Zhang et al., "Single-image crowd counting via multi-column convolutional neural network".

    A head is drawn around the pixel that holds it, at full resolution, and the pixels of a cell are summed up. At a
    border a part of the Gaussian is cut off, and ``border`` says what becomes of it:

    * 'crop': the rest is enlarged to volume 1, and heads outside draw nothing. The map sums to the number of heads in
      it, at any stride and in any crop.
    * 'image': the same at the borders of the whole image only. Heads near the border of a crop are drawn in part, so
      the maps of tiles add up to the number of heads in the image, and the map of a crop is the crop of the map.
    * 'lose': it is lost, as in most released generators.

    With ``beta`` sigma is geometry-adaptive: ``beta`` times the mean distance to the ``neighbours`` nearest other
    heads, or to as many as there are. A crop lacks some of them: :class:`mmcrowd.MeasureSpacing` measures in the whole
    image, before the crop.

    Decoding sums in float64. With ``locates`` heads are placed by optimal transport, too: as many points as the map
    counts, each taking the same share of its mass, see :func:`place_heads`.

    Args:
        stride (int): Input pixels per map cell.
        sigma (float): Standard deviation, pixels of the network's input; with ``beta``, that of a head without others.
        beta (float, optional): Sigma per mean distance; None for the fixed sigma. Zhang et al. use 0.3.
        neighbours (int): Heads whose distance counts.
        sigma_range (tuple of 2 float): Least and largest adaptive sigma, pixels.
        truncate (float): Radius in sigmas, rounded to whole pixels, beyond which a Gaussian is zero.
        border (str): 'crop', 'image' or 'lose'.
        clamp (bool): Whether negative cells of a prediction count as 0.
        counts (sequence of str): Names of further counts: a network then predicts a map of this stride for each, too.
        count_padding (bool): Whether padding counts, for networks that count an input as a whole.
        draws (bool): Whether a map is drawn to be learnt; losses that learn from points need none.
        locates (bool): Whether decoding gives points, beside the count.
        min_mass (float): Cells of fewer heads are not looked at when points are placed.
        knn (int): Neighbours that set the box size.
        knn_factor (float): Half box side per mean neighbour distance.
        knn_cap (float): Largest half box side per shorter image side.
    """

    def __init__(
        self,
        stride: int = 8,
        sigma: float = 4.0,
        beta: float | None = None,
        neighbours: int = 3,
        sigma_range: tuple[float, float] = (1.0, 50.0),
        truncate: float = 4.0,
        border: str = 'crop',
        clamp: bool = False,
        counts: Sequence[str] = (),
        count_padding: bool = False,
        draws: bool = True,
        locates: bool = False,
        min_mass: float = 1e-3,
        knn: int = 3,
        knn_factor: float = 0.3,
        knn_cap: float = 0.05,
    ) -> None:
        super().__init__(stride)
        if border not in ('crop', 'image', 'lose'):
            raise ValueError(f"DensityCodec: border must be 'crop', 'image' or 'lose', got {border!r}")
        if not (0 < sigma < math.inf and truncate > 0) or (beta is not None and not 0 < beta < math.inf):
            raise ValueError(
                f'DensityCodec: sigma, beta and truncate must be positive, got {sigma}, {beta} and {truncate}'
            )
        if not 0 < sigma_range[0] <= sigma_range[1] < math.inf or neighbours < 1:
            raise ValueError(
                'DensityCodec: needs 0 < least <= largest sigma_range and neighbours >= 1, got '
                f'{tuple(sigma_range)} and {neighbours}'
            )
        self.sigma, self.beta, self.neighbours, self.sigma_range = sigma, beta, neighbours, tuple(sigma_range)
        self.names = ('density',) if draws else ()
        self.truncate, self.border, self.clamp = truncate, border, clamp
        self.counts, self.count_padding, self.locates, self.min_mass = tuple(counts), count_padding, locates, min_mass
        self.knn, self.knn_factor, self.knn_cap = knn, knn_factor, knn_cap

    @property
    def predicted(self) -> tuple[str, ...]:
        """The density, and the maps of further counts."""
        return ('density', *self.counts)

    @property
    def context(self) -> tuple[str, ...]:
        """What of the sample :meth:`encode` needs."""
        frame = () if self.border == 'crop' else ('frame',)
        return frame if self.beta is None else (*frame, 'spacing')

    @property
    def margin(self) -> int:
        """Pixels around a crop within which outside heads still change the map, their sigma being known."""
        if self.border == 'crop':
            return 0
        return self._radius(self.sigma if self.beta is None else max(self.sigma, self.sigma_range[1])) + 1

    def _radius(self, sigma: float | np.ndarray):
        return np.floor(self.truncate * np.asarray(sigma) + 0.5).astype(int)

    def encode(
        self,
        points: np.ndarray,
        boxes: np.ndarray | None,
        shape: tuple[int, int],
        spacing: np.ndarray | None = None,
        frame: tuple[float, float, float, float] | None = None,
    ) -> dict[str, np.ndarray]:
        """Draw the map of one image.

        Args:
            points (np.ndarray): (N, 2) xy, pixels.
            boxes (np.ndarray, optional): Not used.
            shape (tuple[int, int]): Height and width, pixels.
            spacing (np.ndarray, optional): (N,) mean distance of each head to its nearest ones, pixels, inf where there
                is none; None measures it between ``points``.
            frame (tuple of 4 float, optional): Where the whole image lies, xyxy, pixels; None: ``shape`` is all of it.

        Returns:
            dict[str, np.ndarray]: ``density``: (1, ceil(h / stride), ceil(w / stride)) float32.
        """
        points = np.asarray(points, np.float64).reshape(-1, 2)
        sigma = self._sigmas(points, spacing)
        left, top, right, bottom = (0, 0, shape[1], shape[0]) if frame is None or self.border == 'crop' else frame
        inside = ((points >= (left, top)) & (points < (right, bottom))).all(axis=1)
        points, sigma = points[inside], sigma[inside]
        order = np.argsort(points[:, 1], kind='stable')
        # Pixels over which a Gaussian has volume 1, per axis: those whose centre is in the frame.
        limits = [(math.ceil(a - 0.5), math.ceil(b - 0.5)) for a, b in ((left, right), (top, bottom))]
        density = np.zeros(self.map_shape(shape))
        for start in range(0, len(order), _CHUNK):
            chunk = order[start : start + _CHUNK]
            self._draw(density, np.floor(points[chunk]).astype(int), sigma[chunk], limits, shape)
        return dict(density=density[None].astype(np.float32))

    def _sigmas(self, points: np.ndarray, spacing: np.ndarray | None) -> np.ndarray:
        """(N,) standard deviations, pixels."""
        if self.beta is None:
            return np.full(len(points), self.sigma)
        spacing = mean_spacing(points, self.neighbours) if spacing is None else np.asarray(spacing, np.float64)
        return np.where(np.isfinite(spacing), (self.beta * spacing).clip(*self.sigma_range), self.sigma)

    def _draw(
        self,
        density: np.ndarray,
        pixels: np.ndarray,
        sigma: np.ndarray,
        limits: list[tuple[int, int]],
        shape: tuple[int, int],
    ) -> None:
        """Add heads (N, 2) to a map: a Gaussian is the product of two profiles, so their sum is a matrix product.

        Heads come in the order of their rows, and only the rows of the map that they reach are multiplied.
        """
        radius = self._radius(sigma)
        low, high = (pixels[:, 1] - radius).min(), (pixels[:, 1] + radius).max()
        first, last = max(low // self.stride, 0), min(high // self.stride + 1, len(density))
        if first >= last:
            return
        rows = self._profiles(pixels[:, 1], sigma, radius, limits[1], (first * self.stride, shape[0]), last - first)
        columns = self._profiles(pixels[:, 0], sigma, radius, limits[0], (0, shape[1]), density.shape[1])
        density[first:last] += rows.T @ columns

    def _profiles(
        self,
        centre: np.ndarray,
        sigma: np.ndarray,
        radius: np.ndarray,
        limits: tuple[int, int],
        window: tuple[int, int],
        cells: int,
    ) -> np.ndarray:
        """Gaussians along one axis, summed up in cells.

        Args:
            centre: (N,) pixels that hold the heads.
            sigma: (N,) standard deviations, pixels.
            radius: (N,) pixels beyond which they are zero.
            limits: First pixel of the image and the one behind its last.
            window: First pixel of the first cell, and the one behind the last of the crop.
            cells: Number of cells.

        Returns:
            (N, cells) float64.
        """
        start, stop = window[0], min(window[1], window[0] + cells * self.stride)
        reach = 2 * int(radius.max())
        first, last = start - reach, stop + reach
        if self.border != 'lose':
            # A head in the last, partly covered pixel of a scaled image is drawn around the last full one.
            first, last = max(first, limits[0]), min(last, limits[1])
            centre = centre.clip(limits[0], limits[1] - 1)
        distance = np.abs(np.arange(first, last) - centre[:, None])
        weights = np.where(distance <= radius[:, None], np.exp(-0.5 * (distance / sigma[:, None]) ** 2), 0.0)
        total = weights.sum(axis=1, keepdims=True)
        profile = np.zeros((len(centre), cells * self.stride))
        low, high = max(start, first), min(stop, last)
        profile[:, low - start : high - start] = weights[:, low - first : high - first] / np.maximum(total, 1e-300)
        return profile.reshape(len(centre), cells, self.stride).sum(axis=2)

    def candidates(
        self,
        maps: Tensor,
        shapes: Sequence[tuple[int, int]] | None = None,
        core: tuple[int, int, int, int] | None = None,
    ) -> list[Decoded]:
        """Counts of the cells, and, with ``locates``, the cells as points whose scores are their mass."""
        maps = maps.detach().float()
        maps = maps.clamp(min=0) if self.clamp else maps
        counted = self.core_cells(maps, core) & self.valid_cells(maps, None if self.count_padding else shapes)
        sums = torch.where(counted, maps, 0).double().sum((2, 3))
        found = [Decoded.of_count(each[0], dict(zip(self.counts, each[1:], strict=True))) for each in sums]
        return [self._with_cells(*each) for each in zip(found, maps, counted, strict=True)] if self.locates else found

    def _with_cells(self, found: Decoded, maps: Tensor, counted: Tensor) -> Decoded:
        """Add the cells that hold something to the count of a region."""
        heavy = counted[0] & (maps[0] > self.min_mass)
        row, column = heavy.nonzero(as_tuple=True)
        points = (torch.stack([column, row], dim=1).to(maps) + 0.5) * self.stride
        return replace(found, points=points, scores=maps[0][heavy], boxes=torch.cat([points, points], dim=1))

    def select(self, candidates: Decoded, shape: tuple[int, int]) -> Decoded:
        """Place the heads of the whole image. See :meth:`BaseCodec.select`."""
        if not self.locates:
            return candidates
        cells, mass = candidates.points.cpu().numpy(), candidates.scores.cpu().numpy()
        number = round(float(candidates.count.nan_to_num(0, 0, 0).clamp(min=0)))
        points, scores = place_heads(cells, mass, number, self.stride)
        heads = replace(candidates, points=torch.from_numpy(points).to(candidates.points)).inside(shape)
        boxes = knn_boxes(heads.points.cpu().numpy(), shape, self.knn, self.knn_factor, self.knn_cap)
        return replace(
            heads,
            scores=torch.from_numpy(scores).to(candidates.scores),
            boxes=torch.from_numpy(boxes).to(heads.points),
        )
