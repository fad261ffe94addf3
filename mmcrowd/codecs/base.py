"""The codec contract: points -> maps a network learns, and predicted maps -> points."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

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
        map_max (Tensor): Scalar, the largest value of the map inside the region the points were read from.
        count (Tensor, optional): Scalar, for codecs that count without points.
    """

    points: Tensor
    scores: Tensor
    boxes: Tensor
    map_max: Tensor
    count: Tensor | None = None

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, keep: Tensor) -> Decoded:
        return replace(self, points=self.points[keep], scores=self.scores[keep], boxes=self.boxes[keep])

    def translate(self, x: float, y: float) -> Decoded:
        """Move all points and boxes by ``(x, y)`` pixels."""
        shift = self.points.new_tensor([x, y])
        return replace(self, points=self.points + shift, boxes=self.boxes + shift.repeat(2))

    def inside(self, shape: tuple[int, int]) -> Decoded:
        """Move points on or beyond the edge of the image (height and width, pixels) into its outermost pixels.

        The last cell of a side that the stride does not divide reaches over the edge, and so may its centre.
        """
        sides = self.points.new_tensor(shape[::-1])
        points = torch.where(self.points < sides, self.points, sides - 0.5).clamp(min=0)
        return replace(self, points=points)

    @staticmethod
    def cat(parts: Sequence[Decoded]) -> Decoded:
        """Join the heads of disjoint regions of one image."""
        counts = [p.count for p in parts]
        return Decoded(
            points=torch.cat([p.points for p in parts]),
            scores=torch.cat([p.scores for p in parts]),
            boxes=torch.cat([p.boxes for p in parts]),
            map_max=torch.stack([p.map_max for p in parts]).max(),
            count=None if any(c is None for c in counts) else torch.stack(counts).sum(),
        )


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
    """Names of the maps that :meth:`encode` returns, in channel order."""

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
