"""Maps and crowd densities on images: heat maps, filled contours and their legends.

Images are ``(H, W, 3)`` uint8 RGB. They are painted in strips, so that no second copy of a large one is made. The
colours are those of the map inferno: their lightness rises from the lowest value to the highest, for every reader.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import cv2
import numpy as np

from .captions import Row
from .density import CrowdDensity, cells_of, checked_map
from .markers import checked_image, copy_of

_STRIP = 2**20
"""Pixels that are painted at a time."""
OPACITY = 0.55
"""Of densities on an image."""
_GROUND = 120
"""The gray of an image that swatches of a legend are mixed with, so that they look as the colours on the image do."""
_DARK = 85
"""Of 255: the dark colours of inferno are left out on photographs, where they would look like shadow."""


def draw_map(
    image: np.ndarray, map: np.ndarray, alpha: float = 0.6, max_value: float | None = None, copy: bool = True
) -> np.ndarray:
    """Lay a map over an image in colours; ``alpha=1`` gives the map alone, as a side panel.

    A map of ``(ceil(H / s), ceil(W / s))`` cells, s a power of two, is enlarged by exactly its stride s, so that cells
    and pixels stay aligned; any other map is stretched to the image.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        map: ``(h, w)`` float. Values up to 0 get the lowest colour, NaN as well.
        alpha: Opacity of the highest value. Below 1 lower values are more transparent, so that the image shows.
        max_value: Value of the highest colour; None takes the map's maximum (a map of zeros is all lowest colour).
        copy: Whether to draw on a copy.

    Returns:
        The drawn image.
    """
    out = copy_of(image) if copy else image
    map = checked_map(map)
    level = _fit(_levels(map, float(map.max()) if max_value is None else float(max_value)), image.shape[:2])
    table = _heat_table(min(alpha, 1.0), np.sqrt(np.arange(256) / 255))
    for start, stop in _strips(out):
        if alpha >= 1:
            out[start:stop] = _inferno(level[start:stop])
        else:
            _blend(out[start:stop], level[start:stop], *table)
    return out


def draw_density(
    image: np.ndarray,
    density: CrowdDensity,
    levels: Sequence[float] | None = None,
    peak: float | None = None,
    alpha: float = OPACITY,
    copy: bool = True,
) -> np.ndarray:
    """Lay the density of a crowd over an image, as a heat map.

    The colours are those of :func:`draw_contours`, and go over into each other: from level to level in even steps, so
    that thin crowds are seen beside dense ones.

    Args:
        image: ``(H, W, 3)`` uint8 RGB, of the size that the density has.
        density: Heads per area.
        levels: Increasing densities, in heads per square of ``density.unit``; None takes ``density.levels()``.
        peak: Density of the lightest colour; None takes the peak.
        alpha: Opacity; below the lowest level the colours fade out.
        copy: Whether to draw on a copy.

    Returns:
        The drawn image; without heads, as it was.
    """
    out = copy_of(image) if copy else image
    _check_size(out, density)
    levels = density.levels() if levels is None else list(levels)
    if not levels:
        return out
    top = max(density.peak if peak is None else peak, levels[-1] * 1.0001)
    steps = np.concatenate([[0], (np.arange(len(levels)) + 0.5) / len(levels), [1]])
    evened = replace(density, grid=np.interp(density.grid, [0, *levels, top], steps).astype(np.float32))
    table = _heat_table(alpha, np.clip(np.arange(256) / 255 * 2 * len(levels), 0, 1))
    for start, stop in _strips(out):
        _blend(out[start:stop], _levels(evened.rows(start, stop), 1.0), *table)
    return out


def draw_contours(
    image: np.ndarray,
    density: CrowdDensity,
    levels: Sequence[float] | None = None,
    alpha: float = OPACITY,
    copy: bool = True,
) -> np.ndarray:
    """Draw lines of equal crowd density, and fill the bands between them.

    Below the lowest level the image stays as it is. :func:`legend_rows` says what the colours mean.

    Args:
        image: ``(H, W, 3)`` uint8 RGB, of the size that the density has.
        density: Heads per area.
        levels: Increasing densities, in heads per square of ``density.unit``; None takes ``density.levels()``.
        alpha: Opacity of the bands; 0 draws lines alone.
        copy: Whether to draw on a copy.

    Returns:
        The drawn image; without heads, as it was.
    """
    out = copy_of(image) if copy else image
    _check_size(out, density)
    levels = density.levels() if levels is None else list(levels)
    if not levels:
        return out
    colors = np.concatenate([np.zeros((1, 3), np.uint8), palette(len(levels))])
    fill = _table(colors, np.array([0.0] + [alpha] * len(levels)))
    line = max(1.0, np.sqrt(out.shape[0] * out.shape[1]) / 550)
    reach = int(np.ceil(line / 2)) + 2
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * round(line / 2) + 1,) * 2)
    for start, stop in _strips(out):
        first, last = max(start - reach, 0), min(stop + reach, len(out))
        value, band = density.rows(first, last), np.zeros((last - first, out.shape[1]), np.uint8)
        for level in levels:
            band += value >= level
        inner = slice(start - first, stop - first)
        if alpha > 0 and band.any():
            _blend(out[start:stop], band[inner], *fill)
        edges = cv2.morphologyEx(band, cv2.MORPH_GRADIENT, np.ones((2, 2), np.uint8))
        if edges.any():
            above = np.maximum(cv2.dilate(band, brush)[inner], 1)
            cover = cv2.blur(cv2.dilate(np.where(edges > 0, np.uint8(255), np.uint8(0)), brush), (3, 3))[inner]
            _cover(out[start:stop], _colored(above, _table(colors, np.ones(len(colors)))[0]), cover)
    return out


def legend_rows(density: CrowdDensity, levels: Sequence[float] | None = None) -> list[Row]:
    """Rows of text that say what the colours of :func:`draw_contours` and :func:`draw_density` mean."""
    levels = density.levels() if levels is None else list(levels)
    area = f'heads per {density.unit} x {density.unit} px'
    if not levels:
        return [[(None, f'0 {area}')]]
    colors = np.round(OPACITY * palette(len(levels)) + (1 - OPACITY) * _GROUND).astype(int)
    swatches: Row = [
        (('square', tuple(color)), f'{level:,g}') for color, level in zip(colors.tolist(), levels, strict=True)
    ]
    return [swatches, [(None, area)], [(None, f'kernel width {density.width:.0f} px')]]


def palette(number: int) -> np.ndarray:
    """``(number, 3)`` uint8 RGB of as many densities, evenly from dark to light."""
    steps = _DARK + (np.arange(number) + 0.5) / max(number, 1) * (255 - _DARK)
    return _inferno(steps.round().astype(np.uint8)[None])[0] if number else np.zeros((0, 3), np.uint8)


def to_gray(image: np.ndarray) -> np.ndarray:
    """Take the colours out of an image and soften its contrast, in place: all colour that is laid over it then counts.

    Returns:
        The image, ``(H, W, 3)`` uint8.
    """
    for start, stop in _strips(image):
        gray = cv2.convertScaleAbs(cv2.cvtColor(image[start:stop], cv2.COLOR_RGB2GRAY), alpha=0.8, beta=30)
        image[start:stop] = cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB)
    return image


def _strips(out: np.ndarray) -> Iterator[tuple[int, int]]:
    rows = max(1, _STRIP // out.shape[1])
    for start in range(0, len(out), rows):
        yield start, min(start + rows, len(out))


def _levels(values: np.ndarray, top: float) -> np.ndarray:
    """0 to ``top`` as uint8 levels."""
    return (np.clip(values / top, 0, 1) * 255 + 0.5).astype(np.uint8) if top > 0 else np.zeros(values.shape, np.uint8)


def _heat_table(alpha: float, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The table of :func:`_blend` for 256 levels of a heat map, ``weight`` of each in shares of ``alpha``."""
    colors = _inferno((_DARK + np.arange(256) * ((255 - _DARK) / 255)).astype(np.uint8)[None])[0]
    return _table(colors, alpha * weight)


def _table(colors: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What up to 256 kinds of pixels add to an image, and what they leave of it: two ``(256, 1, 3)`` uint8 tables."""
    add, leave = np.zeros((256, 1, 3), np.uint8), np.full((256, 1, 3), 255, np.uint8)
    share = np.round(weight * 255)
    add[: len(colors), 0] = np.round(colors * (share / 255)[:, None])
    leave[: len(colors), 0] = 255 - share[:, None]
    return add, leave


def _colored(kind: np.ndarray, table: np.ndarray) -> np.ndarray:
    return cv2.applyColorMap(np.ascontiguousarray(kind), table)


def _blend(out: np.ndarray, kind: np.ndarray, add: np.ndarray, leave: np.ndarray) -> None:
    """Put colours over an image as the kind of each pixel, ``(h, w)`` uint8, says, in place."""
    kept = cv2.multiply(out, _colored(kind, leave), scale=1 / 255)
    out[:] = cv2.add(kept, _colored(kind, add))


def _cover(out: np.ndarray, colors: np.ndarray, cover: np.ndarray) -> None:
    """Put ``(h, w, 3)`` colours over an image where ``cover``, ``(h, w)`` uint8, says, in place."""
    cover = cv2.merge([cover] * 3)
    kept = cv2.multiply(out, 255 - cover, scale=1 / 255)
    out[:] = cv2.add(kept, cv2.multiply(colors, cover, scale=1 / 255))


def _fit(level: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Enlarge a map to an image's shape by its exact stride if it has one, else stretch it."""
    (height, width), (rows, columns) = shape, level.shape
    stride = int(cells_of(level.shape, shape)[0])
    if (-(-height // max(stride, 1)), -(-width // max(stride, 1))) == (rows, columns):
        grown = cv2.resize(level, (columns * stride, rows * stride), interpolation=cv2.INTER_NEAREST)
        return grown[:height, :width]
    shrinking = rows > height or columns > width
    return cv2.resize(level, (width, height), interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR)


def _inferno(level: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(cv2.applyColorMap(np.ascontiguousarray(level), cv2.COLORMAP_INFERNO)[..., ::-1])


def _check_size(image: np.ndarray, density: CrowdDensity) -> None:
    checked_image(image)
    if image.shape[:2] != density.shape:
        height, width = density.shape
        raise ValueError(f'expected an image of {width} x {height} px, found {image.shape[1]} x {image.shape[0]}')
