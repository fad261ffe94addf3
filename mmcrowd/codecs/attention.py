"""Where heads are dense: the attention map of RAZ-Net."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree
from torch import Tensor

from mmcrowd.registry import CODECS

from .base import BaseCodec, Decoded
from .numerics import squared_distances


@CODECS.register_module()
class AttentionCodec(BaseCodec):
    r"""How near the nearest heads are: 1 where several coincide, 0 where heads are few or far apart.

    Source: Liu, Weng and Mu, "Recurrent Attentive Zooming for Joint Crowd Counting and Precise Localization", section
    3.3. With :math:`d` the mean distance from the centre of the cell to its ``neighbours`` nearest heads, in pixels of
    the network's input (the distances of an enlarged region are larger, and its attention fades):

    .. math:: A = e^{-d^2 / 2 \sigma^2}, \qquad A = 0 \text{ where } A < \text{cutoff}

    The mean is at least the distance to the nearest head and a third (of three) of that to the farthest. So beyond
    the cut-off's radius :math:`R` from every head the map is 0, no head farther than :math:`3 R` matters, and fewer
    than three heads within it give 0: the map of a crop is the crop of the map, and only cells within :math:`R` of a
    head ask the k-d tree.

    The map says where to look and not where heads are: there is nothing to decode.

    Args:
        stride (int): Input pixels per map cell.
        sigma (float): Width of the fall, pixels.
        neighbours (int): Heads that are averaged over.
        cutoff (float): Values below become 0, in (0, 1).
    """

    names = ('attention',)
    locates = False

    def __init__(self, stride: int = 1, sigma: float = 3.0, neighbours: int = 3, cutoff: float = 1e-4) -> None:
        super().__init__(stride)
        if sigma <= 0 or neighbours < 1 or not 0 < cutoff < 1:
            raise ValueError(
                'AttentionCodec: needs sigma > 0, neighbours >= 1 and cutoff in (0, 1), '
                f'got {sigma}, {neighbours} and {cutoff}'
            )
        self.sigma, self.neighbours, self.cutoff = sigma, neighbours, cutoff
        self.radius = sigma * math.sqrt(-2 * math.log(cutoff))

    @property
    def margin(self) -> int:
        """Pixels around a crop within which outside heads still change the map."""
        return math.ceil(self.neighbours * self.radius) + self.stride

    def encode(self, points: np.ndarray, boxes: np.ndarray | None, shape: tuple[int, int]) -> dict[str, np.ndarray]:
        """Draw the map of one image. See :meth:`BaseCodec.encode`.

        Returns:
            dict[str, np.ndarray]: ``attention``: (1, ceil(h / stride), ceil(w / stride)) float32 in [0, 1].
        """
        attention = np.zeros(self.map_shape(shape), np.float32)
        points = np.asarray(points, np.float64).reshape(-1, 2)
        reach = self.neighbours * self.radius
        points = points[((points >= -reach - self.stride) & (points < np.add(shape[::-1], reach + self.stride))).all(1)]
        row, col = self._near_a_head(points, attention.shape).nonzero()
        if len(points) < self.neighbours or len(row) == 0:
            return {'attention': attention[None]}
        centres = (np.stack([col, row], axis=1) + 0.5) * self.stride
        ranks = list(range(1, self.neighbours + 1))
        distances = cKDTree(points).query(centres, ranks, distance_upper_bound=reach * (1 + 1e-9))[0].mean(axis=1)
        values = np.exp(-0.5 * (distances / self.sigma) ** 2)
        attention[row, col] = np.where(values < self.cutoff, 0, values)
        return {'attention': attention[None]}

    def _near_a_head(self, points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
        """Cells of a map of ``shape`` that may lie within the radius of a head, (h, w) bool: more rather than fewer."""
        reach = math.ceil(self.radius / self.stride) + 1
        cells = np.floor(points / self.stride).astype(np.int64)
        cells = cells[((cells >= -reach) & (cells < np.add(shape[::-1], reach))).all(axis=1)]
        far = 2 * reach**2 + 1
        # Between the centres of two cells and between a head and the centre of its own: half a diagonal at most.
        return squared_distances(cells, shape, reach, far) <= (self.radius / self.stride + math.sqrt(0.5)) ** 2

    def candidates(
        self,
        maps: Tensor,
        shapes: Sequence[tuple[int, int]] | None = None,
        core: tuple[int, int, int, int] | None = None,
    ) -> list[Decoded]:
        """Not defined: a map of attention has neither heads nor a count.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError('AttentionCodec: attention says where to look; it has neither heads nor a count')
