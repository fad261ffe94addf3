"""Lines of YOLO's text files: what their columns are, and the names of the classes beside them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ..readers import numbered_lines, read_text, read_yaml, short
from .records import Record
from .shapes import around, head_keypoint

_MOST_CLASSES = 10_000
"""Class numbers from here on are no classes, where nothing says how many there are."""


@dataclass
class Row:
    """A line: where it is, its text, the number of its class, and the values after it."""

    source: str
    text: str
    label: int
    values: np.ndarray

    def error(self, expected: str) -> ValueError:
        """What to raise."""
        return ValueError(f'{self.source}: expected {expected}, found {short(self.text)}')


def read_rows(file: Path, classes: int = 0) -> list[Row]:
    """Lines of a file.

    Args:
        file: The file.
        classes: How many there are; 0 if that is not known.

    Raises:
        ValueError: A line is no class with numbers; says which.
    """
    rows = []
    for number, line in numbered_lines(file):
        parts = line.split()
        row = Row(f'{file}, line {number}', line, -1, np.zeros(0))
        try:
            row.values, row.label = np.array(parts[1:], dtype=np.float64), int(parts[0])
        except ValueError:
            raise row.error('class cx cy w h [...] as numbers') from None
        limit = classes or _MOST_CLASSES
        if not 0 <= row.label < limit:
            raise row.error(f'class cx cy w h [...] and a class below {limit}')
        if not np.isfinite(row.values).all():
            raise row.error('class cx cy w h [...] as finite numbers')
        rows.append(row)
    return rows


def columns_of(rows: Sequence[Row], keypoints: Sequence[int] | None = None) -> dict[int, Callable]:
    """What the values of a line are, by their number.

    Args:
        rows: All lines.
        keypoints: Number of keypoints, and of values for each, if that is known.

    Returns:
        Number of values -> function from a row to its point or None, and its box, in parts of the image.

    Raises:
        ValueError: There is nothing that fits the lines of a length; names the first of them.
    """
    lengths: dict[int, list[Row]] = {}
    for row in rows:
        lengths.setdefault(len(row.values), []).append(row)
    found: dict[int, Callable] = {}
    for length in sorted(lengths, reverse=True):
        alike = lengths[length]
        outlines = any(function is _outline for function in found.values())
        function = _columns(np.stack([row.values for row in alike]), keypoints, outlines)
        if function is None:
            raise alike[0].error('class cx cy w h, with a confidence, a track or keypoints after it, or an outline')
        found[length] = function
    return found


def _columns(values: np.ndarray, keypoints: Sequence[int] | None, outlines: bool) -> Callable | None:
    """The function for rows (N, length) of one length; None if nothing fits."""
    length, rest = values.shape[1], values[:, 4:]
    if length < 4:
        return None
    if length == 4:
        return _box
    if keypoints is not None and length == 4 + keypoints[0] * keypoints[1]:
        return partial(_pose, each=keypoints[1])
    whole, parts = (rest == np.floor(rest)) & (rest >= 0), (rest >= 0) & (rest <= 1)
    if length == 5:
        return _box if parts.all() or whole.all() else None
    if (length - 4) % 3 == 0 and np.isin(rest[:, 2::3], (0, 1, 2)).all():
        return partial(_pose, each=3)
    if length == 6 and not outlines:
        if parts[:, 0].all() and whole[:, 1].all():
            return _box  # a confidence, and the number of a track
        return partial(_pose, each=2) if parts.all() else None
    return _outline if length % 2 == 0 and ((values > -0.5) & (values < 1.5)).all() else None


def _box(row: Row) -> tuple[None, np.ndarray]:
    centre, sides = row.values[:2], row.values[2:4]
    if (np.abs(centre) > 2).any() or (sides > 2).any() or (sides < 0).any():
        raise row.error('parts of the image size (0 to 1)')
    return None, np.concatenate([centre - sides / 2, centre + sides / 2])


def _pose(row: Row, each: int) -> tuple[Sequence[float] | None, np.ndarray]:
    values = row.values[4:].reshape(-1, each)
    labelled = values[:, 2] > 0 if each == 3 else values.any(axis=1)
    points = [point if known else None for point, known in zip(values[:, :2].tolist(), labelled, strict=True)]
    point = head_keypoint((), points)
    if point is not None and max(map(abs, point)) > 2:
        raise row.error('a keypoint in parts of the image size (0 to 1)')
    return point, _box(row)[1]


def _outline(row: Row) -> tuple[None, list[float]]:
    return None, around(row.values.reshape(-1, 2).tolist())


def class_names(folder: Path) -> tuple[list[str], list[int] | None]:
    """Names of the classes, and the shape of the keypoints, as files in a folder or up to two above say.

    Returns:
        The names, empty if there are none; number of keypoints and of values for each, if that is said.

    Raises:
        ValueError: A file is not what it should be, or names a class twice.
    """
    for place in (folder, *list(folder.resolve().parents)[:2]):
        for name in ('classes.txt', 'obj.names'):
            if (place / name).is_file():
                return _unique(place / name, read_text(place / name).rstrip().splitlines()), None
        for name in ('data.yaml', 'data.yml', 'dataset.yaml'):
            if (place / name).is_file():
                return _from_yaml(place / name)
    return [], None


def _from_yaml(file: Path) -> tuple[list[str], list[int] | None]:
    content = Record(read_yaml(file), str(file))
    names, shape = content['names'], content.get('kpt_shape')
    if isinstance(names.value, dict):
        keys = sorted(names.value, key=str)
        if set(keys) != set(range(len(keys))):
            raise names.error('names of the classes 0, 1, 2, ...')
        names = Record([names.value[number] for number in range(len(keys))], content, 'names')
    each = None
    if shape is not None:
        each = [int(number) for number in shape.numbers(2)]
        if each[0] < 1 or each[1] not in (2, 3):
            raise shape.error('the number of keypoints, and 2 or 3 values for each')
    return _unique(file, [name.text() for name in names.each('name')]), each


def _unique(file: Path, names: list[str]) -> list[str]:
    names = [name.strip() for name in names]
    if not all(names):
        raise ValueError(f'{file}: expected the name of a class in every line, found line {names.index("") + 1} empty')
    if len(set(names)) < len(names):
        raise ValueError(f'{file}: expected every class once, found {max(names, key=names.count)!r} again')
    return names
