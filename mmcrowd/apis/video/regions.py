"""Named zones and lines on a video, and the plane that people stand on: a small JSON or YAML file.

.. code-block:: yaml

    zones: {square: [[40, 60], [600, 60], [600, 470], [40, 470]]}
    lines: {gate: [[300, 60], [300, 470]]}
    ground:
      pixels: [[40, 60], [600, 60], [600, 470], [40, 470]]
      metres: [[0, 20], [12, 20], [9, 0], [3, 0]]
      camera_height: 6.0

All points are xy in pixels of the video's frames, continuous; ``metres`` are places on a flat ground, in any frame.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import yaml

from mmcrowd.utils.files import printable

HEAD_HEIGHT = 1.6
"""Metres from the ground to the centre of a head, where a file does not say."""


@dataclass(frozen=True)
class Ground:
    """A flat ground, known by four points.

    Attributes:
        pixels: ``(4, 2)`` xy, pixels, no three on a line.
        metres: ``(4, 2)`` xy of the same points on the ground, metres.
        camera_height: Metres of the camera above the plane of ``metres``; None where heads lie in that plane.
        head_height: Metres of heads above the plane of ``metres``.
    """

    pixels: np.ndarray
    metres: np.ndarray
    camera_height: float | None = None
    head_height: float = HEAD_HEIGHT

    def to_metres(self, points: np.ndarray) -> np.ndarray:
        """Pixels ``(N, 2)`` to places on the plane of ``metres``, ``(N, 2)``.

        Raises:
            ValueError: A point lies on or above the horizon of the plane.
        """
        turn = cv2.getPerspectiveTransform(self.pixels.astype(np.float32), self.metres.astype(np.float32))
        # The sign of w is that of the four points on the near side of the horizon.
        x, y, w = turn @ np.concatenate([np.asarray(points, np.float64), np.ones((len(points), 1))], axis=1).T
        side = np.sign(turn[2] @ np.append(self.pixels.mean(axis=0), 1))
        if (w * side <= 1e-12).any():
            raise ValueError('reaches the horizon of the ground, beyond which there is no ground')
        return np.stack([x / w, y / w], axis=1)

    def area(self, polygon: np.ndarray) -> float:
        """Square metres on which the people stand whose heads lie in a polygon ``(K, 2)`` of pixels.

        A ray through a head at height h meets the ground behind the feet. On the plane of heads, the same polygon
        covers ``((H - h) / H)^2`` of its area on the ground, H being the camera's height: both cut one pyramid.

        Raises:
            ValueError: The polygon reaches the horizon.
        """
        shrink = 1.0 if self.camera_height is None else 1 - self.head_height / self.camera_height
        return abs(_signed_area(self.to_metres(polygon))) * shrink**2


@dataclass(frozen=True)
class Regions:
    """What is counted apart.

    Attributes:
        zones: Polygons ``(K, 2)`` by name.
        lines: Segments ``(2, 2)`` by name: from the first point to the second.
        areas: Square metres of each zone; empty where no ground is known.
    """

    zones: dict[str, np.ndarray] = field(default_factory=dict)
    lines: dict[str, np.ndarray] = field(default_factory=dict)
    areas: dict[str, float] = field(default_factory=dict)


def read_regions(path: str | Path, size: tuple[int, int] | None = None) -> Regions:
    """Read a file of zones and lines.

    Args:
        path: JSON, where the name ends in ``.json``, else YAML.
        size: Width and height of the video; given, every zone and line must lie in the frame.

    Raises:
        FileNotFoundError: It is not there.
        ValueError: What it says is not as expected; the message names the file and the key.
    """
    path = Path(path)
    try:
        content = _load(path)
        _check_keys('the file', content, ('zones', 'lines', 'ground'))
        zones = {name: _polygon(f'zones.{name}', points, size) for name, points in _named(content, 'zones').items()}
        lines = {name: _segment(f'lines.{name}', points, size) for name, points in _named(content, 'lines').items()}
        if not zones and not lines:
            raise ValueError('expected zones or lines, found neither')
        areas = _areas(content['ground'], zones) if content.get('ground') is not None else {}
    except ValueError as error:
        raise ValueError(f'{printable(path)}: {error}') from error
    return Regions(zones, lines, areas)


class _UniqueLoader(yaml.SafeLoader):
    def construct_mapping(self, node, deep=False):
        return _unique(
            [(self.construct_object(key, True), self.construct_object(value, True)) for key, value in node.value]
        )


_UniqueLoader.add_constructor('tag:yaml.org,2002:map', _UniqueLoader.construct_mapping)


def _load(path: Path) -> dict:
    text = path.read_text(encoding='utf-8')
    try:
        if path.suffix.lower() == '.json':
            return json.loads(text, object_pairs_hook=_unique)
        return yaml.load(text, _UniqueLoader)  # a subclass of the safe one
    except (json.JSONDecodeError, yaml.YAMLError) as error:
        raise ValueError(f'expected JSON or YAML: {" ".join(str(error).split())}') from error


def _unique(pairs: list[tuple]) -> dict:
    found = {}
    for key, value in pairs:
        if isinstance(key, list | dict):
            raise ValueError(f'{_short(key)}: expected a name')
        if key in found:
            raise ValueError(f'{key}: this name stands there twice')
        found[key] = value
    return found


def _check_keys(what: str, content: object, allowed: tuple[str, ...]) -> None:
    if not isinstance(content, dict):
        raise ValueError(f'{what}: expected the keys {", ".join(allowed)}, found {_short(content)}')
    for key in content:
        if key not in allowed:
            raise ValueError(f'{key}: no such key of {what}; expected {", ".join(allowed)}')


def _named(content: dict, key: str) -> dict[str, object]:
    value = content.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError(f'{key}: expected names with points each, found {_short(value)}')
    for name in value:
        if not isinstance(name, str) or not name.strip() or not name.isprintable():
            raise ValueError(f'{key}: expected names that are text, found {name!r}')
    return value


def _points(key: str, value: object, number: str, fits) -> np.ndarray:
    try:
        points = np.array(value, np.float64)
    except (TypeError, ValueError):
        points = np.zeros(0)
    if points.ndim != 2 or points.shape[1] != 2 or not fits(len(points)) or not np.isfinite(points).all():
        raise ValueError(f'{key}: expected {number} points [x, y], found {_short(value)}')
    return points


def _in_frame(key: str, points: np.ndarray, size: tuple[int, int] | None) -> None:
    if size is None:
        return
    outside = points[((points < 0) | (points > size)).any(axis=1)]
    if len(outside):
        at = f'({outside[0][0]:g}, {outside[0][1]:g})'
        raise ValueError(f'{key}: {at} lies outside of the {size[0]} x {size[1]} pixels of the video')


def _polygon(key: str, value: object, size: tuple[int, int] | None) -> np.ndarray:
    points = _points(key, value, 'three or more', lambda n: n >= 3)
    _in_frame(key, points, size)
    if abs(_signed_area(points)) < 1:
        raise ValueError(f'{key}: expected a polygon, found an area below one pixel')
    edges = list(zip(points, np.roll(points, -1, axis=0), strict=True))
    for i, first in enumerate(edges):
        for second in edges[i + 2 : len(edges) - (i == 0)]:
            if crosses(*first, *second):
                raise ValueError(f'{key}: its edges cross each other: give the corners in order around it')
    return points


def _segment(key: str, value: object, size: tuple[int, int] | None) -> np.ndarray:
    points = _points(key, value, 'two', lambda n: n == 2)
    _in_frame(key, points, size)
    if np.linalg.norm(points[1] - points[0]) < 1:
        raise ValueError(f'{key}: expected two different points, found {_short(value)}')
    return points


def _areas(value: object, zones: dict[str, np.ndarray]) -> dict[str, float]:
    _check_keys('ground', value, ('pixels', 'metres', 'camera_height', 'head_height'))
    quads = {}
    for key in ('pixels', 'metres'):
        quads[key] = _points(f'ground.{key}', value.get(key), 'four', lambda n: n == 4)
        corners = [_signed_area(np.delete(quads[key], i, axis=0)) for i in range(4)]
        if min(map(abs, corners)) < 1e-3 * max(map(abs, corners)) or not any(corners):
            raise ValueError(f'ground.{key}: expected four points of which no three lie on a line')
    heights = {}
    for key in ('camera_height', 'head_height'):
        height = value.get(key)
        if height is not None:
            if isinstance(height, bool) or not isinstance(height, int | float) or not 0 <= height < math.inf:
                raise ValueError(f'ground.{key}: expected metres, found {_short(height)}')
            heights[key] = float(height)
    if 'head_height' in heights and 'camera_height' not in heights:
        raise ValueError('ground.head_height: expected camera_height beside it, without which it changes nothing')
    ground = Ground(**quads, **heights)
    if ground.camera_height is not None and ground.camera_height <= ground.head_height:
        raise ValueError(f'ground.camera_height: expected more than the {ground.head_height:g} m of heads')
    areas = {}
    for key, polygon in [
        ('ground.metres', quads['pixels']),
        *((f'zones.{name}', zone) for name, zone in zones.items()),
    ]:
        try:
            areas[key] = ground.area(polygon)
        except ValueError as error:
            hint = ' (are the points of pixels and metres in the same order?)' if key == 'ground.metres' else ''
            raise ValueError(f'{key}: {error}{hint}') from error
    return {name: areas[f'zones.{name}'] for name in zones}


def _signed_area(polygon: np.ndarray) -> float:
    x, y = (polygon - polygon[0]).T
    return 0.5 * float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))


def side(points: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Whether points lie to the right of the way from ``start`` to ``end``, as seen on the screen, or on it.

    All arguments are xy ``(..., 2)`` and broadcast; the answer is bool ``(...)``.
    """
    way, to = end - start, points - start
    return way[..., 0] * to[..., 1] - way[..., 1] * to[..., 0] >= 0


def crosses(start: np.ndarray, end: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Whether the steps ``start`` to ``end``, ``(..., 2)`` each, cross the segment from ``first`` to ``second``.

    Sides are half-open: a way that touches the segment and goes on over it crosses it once, one that turns back, twice
    or never.
    """
    apart = side(start, first, second) != side(end, first, second)
    return apart & (side(first, start, end) != side(second, start, end))


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f'{text[:57]}...'
