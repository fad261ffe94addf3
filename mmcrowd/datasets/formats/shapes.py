"""The upright boxes around shapes: what a format without such shapes takes for them."""

import math
from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from .records import Record

HEAD_NAMES = ('head', 'nose')
"""Keypoints of a body that are taken for its head, the best first."""


def around(points: Sequence[Sequence[float]]) -> list[float]:
    """The box xyxy around points xy."""
    xs, ys = zip(*points, strict=True)
    return [min(xs), min(ys), max(xs), max(ys)]


def turned(centre: Sequence[float], width: float, height: float, degrees: float) -> list[float]:
    """The box around a rectangle that is turned about its centre."""
    cos, sin = abs(math.cos(math.radians(degrees))), abs(math.sin(math.radians(degrees)))
    half = (width * cos + height * sin) / 2, (width * sin + height * cos) / 2
    return [centre[0] - half[0], centre[1] - half[1], centre[0] + half[0], centre[1] + half[1]]


def ellipse(centre: Sequence[float], rx: float, ry: float, degrees: float = 0.0) -> list[float]:
    """The box around an ellipse with radii rx and ry that is turned about its centre."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    half = math.hypot(rx * cos, ry * sin), math.hypot(rx * sin, ry * cos)
    return [centre[0] - half[0], centre[1] - half[1], centre[0] + half[0], centre[1] + half[1]]


def head_keypoint(names: Sequence[str], points: Sequence[Sequence[float] | None]) -> Sequence[float] | None:
    """The keypoint of a body that is its head: the one called so, or the only one there is a name for.

    Args:
        names: Of the keypoints; may be empty.
        points: (x, y) of each, None if it is not labelled.

    Returns:
        The point; None if it is not labelled or not known: a labelled ankle is not a head.
    """
    if len(points) == 1:
        return points[0]
    if not names:
        if len(points) == 17:  # a person of COCO, whose first keypoint is the nose
            return points[0]
        labelled = [point for point in points if point is not None]
        return labelled[0] if len(labelled) == 1 else None
    named = dict(zip((name.casefold() for name in names), points, strict=False))
    return next((named[name] for name in HEAD_NAMES if named.get(name) is not None), None)


def around_mask(mask: Record) -> list[float] | None:
    """The box around a mask in COCO's run lengths: ``size`` (height, width) and ``counts``, a list or a text.

    Returns:
        The box; None if nothing is set.

    Raises:
        ValueError: It is no such mask.
    """
    height, width = map(int, mask['size'].numbers(2))
    counts = mask['counts']
    runs = _unpacked(counts) if isinstance(counts.value, str) else [int(n) for n in counts.numbers()]
    if min(runs, default=0) < 0 or sum(runs) != height * width or height <= 0:
        raise counts.error(f'lengths of runs that make up {height} x {width} pixels')
    ends = list(accumulate(runs))
    spans = np.array([(start, end - 1) for start, end in zip(ends[::2], ends[1::2], strict=False) if end > start])
    if not len(spans):
        return None
    columns, tops = spans // height, spans % height
    whole = (columns[:, 0] != columns[:, 1]).any()  # a run over the end of a column reaches the bottom and the top
    rows = (0, height - 1) if whole else (tops.min(), tops.max())
    return [float(columns.min()), float(rows[0]), float(columns.max() + 1), float(rows[1] + 1)]


def _unpacked(counts: Record) -> list[int]:
    """Run lengths from their packed form: 5 bits a character, each length after the third less the one two before."""
    runs, value, shift = [], 0, 0
    for character in counts.value:
        code = ord(character) - 48
        if not 0 <= code < 64 or shift > 60:
            raise counts.error('packed lengths of runs')
        value |= (code & 31) << shift
        shift += 5
        if not code & 32:
            value -= (1 << shift) if code & 16 else 0
            runs.append(value + (runs[-2] if len(runs) > 2 else 0))
            value, shift = 0, 0
    return runs
