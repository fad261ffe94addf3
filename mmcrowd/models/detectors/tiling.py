"""Images too large for one pass, in tiles."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, islice

import torch
import torch.nn.functional as F
from mmdet.models.detectors import SingleStageDetector
from torch import Tensor

from .agreement import check_agreement


def tile_windows(size: int, core: int, halo: int) -> Iterator[tuple[int, int, int, int]]:
    """Cut one axis into disjoint cores with context on both sides.

    Args:
        size (int): Length of the axis, pixels.
        core (int): Length of a core, pixels.
        halo (int): Context on each side, pixels.

    Yields:
        tuple[int, int, int, int]: Window start and stop, core start and stop, pixels of the axis.
    """
    for start in range(0, size, core):
        stop = min(start + core, size)
        yield max(start - halo, 0), min(stop + halo, size), start, stop


def shifted_windows(size: int, tile: int) -> list[tuple[int, int]]:
    """Cut one axis into windows of full length: the last one is shifted back inside and overlaps the one before.

    Args:
        size (int): Length of the axis, pixels.
        tile (int): Length of a window, pixels; a shorter axis is one window.

    Returns:
        list[tuple[int, int]]: Start and stop of every window.
    """
    return [(max(min(size - tile, start), 0), min(size, start + tile)) for start in range(0, size, tile)]


@dataclass(frozen=True)
class Tile:
    """A piece of an image, ready for the network.

    Attributes:
        inputs (Tensor): (1, 3, h, w) normalised, zero beyond the image.
        origin (tuple[int, int]): x and y of its corner, pixels of the image.
        valid (tuple[int, int]): Height and width of what is image.
        core (tuple[int, int, int, int]): Top, left, bottom, right inside the tile: what is kept of its prediction.
    """

    inputs: Tensor
    origin: tuple[int, int]
    valid: tuple[int, int]
    core: tuple[int, int, int, int]

    def paste(self, maps: Tensor, canvas: Tensor, stride: int) -> None:
        """Copy the core of the maps (..., h, w) to its place in those of the image; a cell is ``stride`` pixels."""
        (x, y), (top, left, bottom, right) = self.origin, [side // stride for side in self.core]
        row, column = y // stride + top, x // stride + left
        part = canvas[..., row : row + bottom - top, column : column + right - left]
        part.copy_(maps[..., top:, left:][..., : part.shape[-2], : part.shape[-1]])


class TiledDetector(SingleStageDetector):
    """A detector that predicts small images whole and large ones in tiles.

    Options, in ``test_cfg``:

    * ``mode``: 'auto' (tiles when the image has more than ``max_pixels`` pixels), 'whole' or 'tile'.
    * ``tile`` (int or (int, int)): Side of a tile with its halo, or height and width, pixels. Memory is bounded by it.
    * ``grid`` ((int, int)): Rows and columns of cores that an image is cut into, in place of ``tile``: ``(2, 2)`` with
      ``halo=0`` are the quadrants that CANNet's released code evaluates. Memory then grows with the image.
    * ``halo`` (int): Context around a tile's core, pixels.
    * ``max_pixels`` (int): Largest image that 'auto' predicts whole.
    * ``tile_batch`` (int): Most neighbouring tiles of one size that the network is given at once, 1 unless said
      otherwise: it keeps a GPU busy, and takes that many times the memory of a tile.
    * ``full_tiles`` (bool): Pad the last tiles to the full size, for networks that take no other; without halo.

    Its parts must agree, see :func:`check_agreement`.

    Args:
        *args: Those of ``SingleStageDetector``.
        **kwargs: Those of ``SingleStageDetector``.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        check_agreement(self)

    def option(self, name: str, default):
        """An option of ``test_cfg``."""
        return (self.test_cfg or {}).get(name, default)

    def uses_tiles(self, shape: tuple[int, int]) -> bool:
        """Whether an image of ``shape`` (h, w) pixels is predicted in tiles."""
        mode = self.option('mode', 'auto')
        if mode not in ('auto', 'whole', 'tile'):
            raise ValueError(f"{type(self).__name__}: test_cfg.mode must be 'auto', 'whole' or 'tile', got {mode!r}")
        return mode == 'tile' or (mode == 'auto' and shape[0] * shape[1] > self.option('max_pixels', 2**22))

    def tile_sides(self, shape: tuple[int, int], divisor: int, halo: int) -> tuple[int, int]:
        """Height and width of a tile with its halo, pixels, of an image of ``shape`` (h, w)."""
        grid, tile = self.option('grid', None), self.option('tile', 2048)
        if grid is not None:
            rows, columns = (-(-side // (parts * divisor)) for side, parts in zip(shape, grid, strict=True))
            return rows * divisor + 2 * halo, columns * divisor + 2 * halo
        return (tile, tile) if isinstance(tile, int) else tuple(tile)

    def tiles(self, image: Tensor, shape: tuple[int, int], stride: int = 1) -> Iterator[Tile]:
        """Tiles whose cores cover an image once; all of it as one tile where the options say so.

        Args:
            image (Tensor): (3, H, W), normalised or raw uint8.
            shape (tuple[int, int]): Valid height and width, pixels.
            stride (int): Tiles and cores begin at multiples of it, and of what the preprocessor pads to.

        Raises:
            ValueError: A tile is no larger than its halo.
        """
        divisor = self._divisor(stride)
        halo = -(-self.option('halo', 288) // divisor) * divisor
        sides = self.tile_sides(shape, divisor, halo)
        cores = [(side - 2 * halo) // divisor * divisor for side in sides]
        if not self.uses_tiles(shape):
            cores, halo = [-(-max(shape) // divisor) * divisor] * 2, 0
        full = self.option('full_tiles', False)
        if full and (halo or tuple(cores) != sides):
            raise ValueError(
                f"{type(self).__name__}: full_tiles needs mode='tile', halo=0 and a tile of multiples of {divisor} "
                f'pixels, got halo {self.option("halo", 288)} and tile {sides}'
            )
        if min(cores) <= 0:
            raise ValueError(
                f'{type(self).__name__}: tile {self.option("tile", 2048)} leaves no core inside a halo of {halo}'
            )
        steps = cores if full else (divisor, divisor)
        height, width = (-(-side // step) * step for side, step in zip(shape, steps, strict=True))
        for y0, y1, top, bottom in tile_windows(height, cores[0], halo):
            for x0, x1, left, right in tile_windows(width, cores[1], halo):
                yield Tile(
                    inputs=self._cut(image, y0, y1, x0, x1),
                    origin=(x0, y0),
                    valid=(min(shape[0], y1) - y0, min(shape[1], x1) - x0),
                    core=(top - y0, left - x0, bottom - y0, right - x0),
                )

    def batches(self, tiles: Iterable[Tile]) -> Iterator[list[Tile]]:
        """Up to ``tile_batch`` tiles at a time, neighbours of one size with the same core, in their order."""
        for _, alike in groupby(tiles, key=lambda tile: (tile.inputs.shape, tile.core)):
            while batch := list(islice(alike, self.option('tile_batch', 1))):
                yield batch

    def average_maps(self, image: Tensor, shape: tuple[int, int], stride: int) -> Tensor:
        """Average what overlapping tiles without halo predict, as IIM's released code does.

        Args:
            image (Tensor): (3, H, W), normalised or raw uint8.
            shape (tuple[int, int]): Valid height and width, pixels.
            stride (int): Stride of the maps.

        Returns:
            Tensor: (C, h, w) float32: the only thing of the image's size that is held.
        """
        divisor = self._divisor(stride)
        height, width = (-(-side // divisor) * divisor for side in shape)
        rows, cols = (
            shifted_windows(side, -(-tile // divisor) * divisor)
            for side, tile in zip((height, width), self.tile_sides(shape, divisor, 0), strict=True)
        )
        canvas = None
        for y0, y1 in rows:
            for x0, x1 in cols:
                maps = self.predict_maps(self._cut(image, y0, y1, x0, x1))[0]
                if canvas is None:
                    canvas = maps.new_zeros((len(maps), height // stride, width // stride), dtype=torch.float32)
                canvas[:, y0 // stride : y1 // stride, x0 // stride : x1 // stride] += maps
        # How many tiles hold a cell is the product of how many hold its row and its column.
        for axis, windows, side in ((1, rows, height), (2, cols, width)):
            times = canvas.new_zeros(side // stride)
            for start, stop in windows:
                times[start // stride : stop // stride] += 1
            canvas /= times[:, None] if axis == 1 else times
        return canvas

    @abstractmethod
    def predict_maps(self, inputs: Tensor) -> Tensor:
        """Normalised images (B, 3, H, W) -> predicted maps (B, C, h, w)."""

    def _divisor(self, stride: int) -> int:
        return max(self.data_preprocessor.pad_size_divisor, stride)

    def _cut(self, image: Tensor, y0: int, y1: int, x0: int, x1: int) -> Tensor:
        """One normalised tile (1, 3, y1 - y0, x1 - x0), zero beyond the image."""
        tile = image[:, y0:y1, x0:x1]
        if tile.dtype == torch.uint8:
            tile = self.data_preprocessor.prepare(tile)
        return F.pad(tile, (0, x1 - x0 - tile.shape[-1], 0, y1 - y0 - tile.shape[-2]))[None]
