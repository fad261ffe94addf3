"""Points of one map, the count of another: what a network of both says of an image, as one answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from torch import Tensor

from mmcrowd.registry import CODECS

from .base import BaseCodec, Decoded


@CODECS.register_module()
class CountedPointsCodec(BaseCodec):
    r"""A codec of points and one of a density beside each other: channels of the former first.

    A threshold on peaks has to be chosen, and the best one differs from image to image; a density is taught the count
    itself, and knows of no single head. With a ``threshold`` the count :math:`n` is the mean of both in logarithms,

    .. math:: n = \sqrt{d\, p}

    of the density's sum :math:`d` and the number :math:`p` of peaks above the threshold, so what one of them does not
    see at all is not there; without, it is :math:`d`. The heads are the :math:`n` surest candidates, if there are as
    many: points and count are one answer. Decoded counts have ``density`` and ``peaks`` beside :math:`n`.

    Args:
        points (dict): Codec that locates and has no count. Its own rule says what may be a head at all.
        density (dict): Codec of the count, of the same stride.
        threshold (float, optional): Score from which a peak counts by itself.

    Raises:
        ValueError: Other codecs than these, or strides that differ.
    """

    def __init__(self, points: dict, density: dict, threshold: float | None = None) -> None:
        self.points, self.density = CODECS.build(points), CODECS.build(density)
        super().__init__(self.points.stride)
        if not self.points.locates or self.density.locates:
            raise ValueError(
                f'CountedPointsCodec: expected points that locate and a density that does not, got '
                f'{type(self.points).__name__} and {type(self.density).__name__}'
            )
        if self.density.stride != self.stride:
            raise ValueError(
                f'CountedPointsCodec: expected one stride, got {self.stride} of the points and {self.density.stride} '
                'of the density'
            )
        self.threshold = threshold

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the maps that are drawn: those of the points, then those of the density."""
        return self.points.names + self.density.names

    @property
    def predicted(self) -> tuple[str, ...]:
        """Names of the maps that a network predicts: those of the points, then those of the density."""
        return self.points.predicted + self.density.predicted

    @property
    def context(self) -> tuple[str, ...]:
        """What of the sample :meth:`encode` needs."""
        return tuple(dict.fromkeys(self.points.context + self.density.context))

    @property
    def margin(self) -> int:
        """Pixels around a crop within which outside heads still change a map."""
        return max(self.points.margin, self.density.margin)

    def split(self, maps: Tensor, names: str = 'predicted') -> tuple[Tensor, Tensor]:
        """Maps (B, C, h, w) -> those of the points and of the density; ``names``: 'predicted' or 'names', drawn."""
        return maps.tensor_split([len(getattr(self.points, names))], dim=1)

    def encode(
        self, points: np.ndarray, boxes: np.ndarray | None, shape: tuple[int, int], **context
    ) -> dict[str, np.ndarray]:
        """Draw the maps of both codecs. See :meth:`BaseCodec.encode`."""
        return {
            name: drawn
            for codec in (self.points, self.density)
            for name, drawn in codec.encode(
                points, boxes, shape, **{key: value for key, value in context.items() if key in codec.context}
            ).items()
            if name in codec.names
        }

    def candidates(
        self,
        maps: Tensor,
        shapes: Sequence[tuple[int, int]] | None = None,
        core: tuple[int, int, int, int] | None = None,
    ) -> list[Decoded]:
        """Candidates of the points with the density's count. See :meth:`BaseCodec.candidates`."""
        points, density = self.split(maps)
        found = zip(
            self.points.candidates(points, shapes, core), self.density.candidates(density, shapes, core), strict=True
        )
        return [replace(heads, count=counted.count, counts=counted.counts) for heads, counted in found]

    def select(self, candidates: Decoded, shape: tuple[int, int]) -> Decoded:
        """Keep the surest candidates, as many as are counted, and of them what passes the points' own rule."""
        counts = dict(candidates.counts, density=candidates.count)
        count = candidates.count
        if self.threshold is not None:
            counts['peaks'] = (candidates.scores >= self.threshold).sum().double()
            count = (count.clamp(min=0) * counts['peaks']).sqrt()
        number = round(float(count.nan_to_num(0, 0, 0).clamp(min=0)))
        surest = candidates.scores.argsort(descending=True, stable=True)[:number]
        return replace(self.points.select(candidates[surest.sort().values], shape), count=count, counts=counts)
