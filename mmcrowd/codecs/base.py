"""The codec contract: points -> maps a network learns, and predicted maps -> points."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from .numerics import valid_mask


@dataclass(frozen=True)
class Decoded:
    """Heads read from one predicted map.

    Attributes:
        points (Tensor): (N, 2) xy, pixels of the network's input.
        scores (Tensor): (N,), larger is more certain.
        boxes (Tensor): (N, 4) xyxy, pixels of the network's input.
        map_max (Tensor, optional): Scalar, the largest value of the map inside the region the points were read from,
            for codecs whose rules need it.
        count (Tensor, optional): Scalar float64, the number of heads of the region by a way of its own; None where it
            is the number of points. It belongs to the region, not to the points: a selection of points has none.
        counts (dict[str, Tensor]): Further counts of the region by name, scalars float64, for models that have several.
    """

    points: Tensor
    scores: Tensor
    boxes: Tensor
    map_max: Tensor | None = None
    count: Tensor | None = None
    counts: dict[str, Tensor] = field(default_factory=dict)

    @classmethod
    def of_count(cls, count: Tensor, counts: dict[str, Tensor] | None = None) -> Decoded:
        """The count of a region, a scalar, without points."""
        nothing = count.new_zeros((0, 4), dtype=torch.float32)
        return cls(nothing[:, :2], nothing[:, 0], nothing, count=count.double(), counts=counts or {})

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, keep: Tensor) -> Decoded:
        points, scores, boxes = self.points[keep], self.scores[keep], self.boxes[keep]
        return Decoded(points, scores, boxes, self.map_max)

    def translate(self, x: float, y: float) -> Decoded:
        """Move all points and boxes by ``(x, y)`` pixels."""
        shift = self.points.new_tensor([x, y])
        return replace(self, points=self.points + shift, boxes=self.boxes + shift.repeat(2))

    def scale(self, factor: float) -> Decoded:
        """Multiply all points and boxes by ``factor``, as when the region was read from an enlarged image."""
        return replace(self, points=self.points * factor, boxes=self.boxes * factor)

    def inside(self, shape: tuple[int, int]) -> Decoded:
        """Move points on or beyond the edge of the image (height and width, pixels) into its outermost pixels.

        The last cell of a side that the stride does not divide reaches over the edge, and so may its centre.
        """
        sides = self.points.new_tensor(shape[::-1])
        points = torch.where(self.points < sides, self.points, sides - 0.5).clamp(min=0)
        return replace(self, points=points)

    @staticmethod
    def cat(parts: Sequence[Decoded]) -> Decoded:
        """Join the heads of disjoint regions of one image; their counts add up.

        Raises:
            ValueError: Some regions have a count, or a map maximum, and others have none.
        """
        names = parts[0].counts.keys()
        if any(part.counts.keys() != names for part in parts):
            raise ValueError(f'Decoded.cat: expected the same counts of all regions, {[list(p.counts) for p in parts]}')
        tops, counts = (_all_or_none([getattr(p, name) for p in parts], name) for name in ('map_max', 'count'))
        return Decoded(
            points=torch.cat([p.points for p in parts]),
            scores=torch.cat([p.scores for p in parts]),
            boxes=torch.cat([p.boxes for p in parts]),
            map_max=None if tops is None else tops.max(),
            count=None if counts is None else counts.sum(),
            counts={name: torch.stack([p.counts[name] for p in parts]).sum() for name in names},
        )


def _all_or_none(values: list[Tensor | None], name: str) -> Tensor | None:
    """Scalars of all regions as one tensor, None where no region has one."""
    missing = sum(value is None for value in values)
    if 0 < missing < len(values):
        raise ValueError(f'Decoded.cat: {missing} of {len(values)} regions have no {name}')
    return None if missing else torch.stack(values)


class BaseCodec(metaclass=ABCMeta):
    """One representation of heads, both ways.

    ``encode`` runs in data workers on numpy arrays, ``decode`` on batched tensors on the model's device; neither
    loops over heads in Python. Decoding has two steps so that an image may be predicted in tiles:
    :meth:`candidates` looks at a neighbourhood only, :meth:`select` applies the rules that need the whole image.
    ``decode`` is one after the other.

    Args:
        stride (int): Input pixels per map cell.
    """

    names: tuple[str, ...] = ()
    """Names of the maps that :meth:`encode` returns, in channel order; none where a loss works on the points."""

    locates: bool = True
    """Whether :meth:`decode` gives points; False where it gives a count alone."""

    context: tuple[str, ...] = ()
    """Further arguments of :meth:`encode` that the pipeline knows: 'frame', where the whole image lies, and 'spacing',
    how far apart the heads of the whole image are."""

    def __init__(self, stride: int = 1) -> None:
        if stride < 1 or int(stride) != stride:
            raise ValueError(f'{type(self).__name__}: stride must be a positive integer, got {stride!r}')
        self.stride = int(stride)

    @property
    def predicted(self) -> tuple[str, ...]:
        """Names of the maps that a network predicts, in channel order; here those of :attr:`names`."""
        return self.names

    def map_shape(self, shape: tuple[int, int]) -> tuple[int, int]:
        """Rows and columns of the map of an image of ``shape`` (h, w) pixels."""
        return -(-shape[0] // self.stride), -(-shape[1] // self.stride)

    @property
    @abstractmethod
    def margin(self) -> int:
        """Pixels around a crop within which outside heads still change the map."""

    @abstractmethod
    def encode(self, points: np.ndarray, boxes: np.ndarray, shape: tuple[int, int]) -> dict[str, np.ndarray]:
        """Draw the target maps of one image.

        Args:
            points (np.ndarray): (N, 2) xy, pixels. Points outside the image are allowed: their tail may reach into it.
            boxes (np.ndarray): (N, 4) xyxy, pixels, NaN where unknown.
            shape (tuple[int, int]): Height and width of the image, pixels.

        Returns:
            dict[str, np.ndarray]: Name to (C, ceil(h / stride), ceil(w / stride)) float32.
        """

    @abstractmethod
    def candidates(
        self,
        maps: Tensor,
        shapes: Sequence[tuple[int, int]] | None = None,
        core: tuple[int, int, int, int] | None = None,
    ) -> list[Decoded]:
        """Find everything that may be a head, looking at map neighbourhoods only.

        Args:
            maps (Tensor): (B, C, h, w) predicted maps.
            shapes (sequence of (int, int), optional): Valid height and width of every image in pixels; cells beyond
                are padding and ignored.
            core (tuple of 4 int, optional): (top, left, bottom, right) in pixels, multiples of the stride: report
                only what lies inside. The cells around it still serve as neighbours.

        Returns:
            list[Decoded]: One per image, pixels of the network's input.
        """

    def select(self, candidates: Decoded, shape: tuple[int, int]) -> Decoded:
        """Keep the candidates that are heads, by the rules that need the whole image; here all, inside the image.

        A count stays as it is: it is a sum over cells, and was complete before.

        Args:
            candidates (Decoded): All candidates of one image.
            shape (tuple[int, int]): Height and width of the image, pixels of the network's input.
        """
        return candidates.inside(shape)

    def valid_cells(self, maps: Tensor, shapes: Sequence[tuple[int, int]] | None) -> Tensor:
        """Mark cells of images of ``shapes`` (pixels; None: no padding): (B, 1, h, w) bool."""
        if shapes is None:
            return torch.ones_like(maps[:, :1], dtype=torch.bool)
        return valid_mask(maps, shapes, self.stride)

    def core_cells(self, maps: Tensor, core: tuple[int, int, int, int] | None) -> Tensor:
        """Mark the cells of ``core`` (pixels; None: everything): (h, w) bool."""
        mask = torch.zeros(maps.shape[-2:], dtype=torch.bool, device=maps.device)
        top, left, bottom, right = core or (0, 0, maps.shape[-2] * self.stride, maps.shape[-1] * self.stride)
        mask[top // self.stride : -(-bottom // self.stride), left // self.stride : -(-right // self.stride)] = True
        return mask

    def decode(self, maps: Tensor, shapes: Sequence[tuple[int, int]] | None = None) -> list[Decoded]:
        """Read the heads of every image of a batch. Arguments as in :meth:`candidates`."""
        if shapes is None:
            shapes = [(maps.shape[-2] * self.stride, maps.shape[-1] * self.stride)] * len(maps)
        return [self.select(c, s) for c, s in zip(self.candidates(maps, shapes), shapes, strict=True)]
