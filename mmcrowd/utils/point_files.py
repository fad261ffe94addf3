"""Files of head points: the official text formats, JSON and CSV, read strictly.

Text, one image per line, integers, no header::

    ground truth  id num  (x y sigma_s sigma_l level) * num     or  id num  (x y) * num
    predictions   id num  (x y) * num

JSON: ``{"images": [{"id": 17, "points": [[x, y], ...], "scores": [...], "count": 2}, ...]}``, the list alone, or
``{"17": [[x, y], ...]}``; ground truth may carry the lists ``sigma_s``, ``sigma_l``, ``level``. CSV: a header with
``id,x,y`` and any of ``score,sigma_s,sigma_l,level,count``, one point per row; a row with empty x and y names an image
without points. Coordinates are original pixels, x the column.
"""

import codecs
import csv
import json
import math
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

ImageId = int | str
_EXTRAS = ('sigma_s', 'sigma_l', 'level')
_LARGEST = 2**31
_INTEGER = re.compile(r'[+-]?[0-9]+')
_STRAY_MINUS = re.compile(rb'-(?!\d)|(?<!\s)-')


class PointFileError(ValueError):
    """A point file that cannot be used as it is; the message names file, line or entry, and id."""


@dataclass
class PointRecord:
    """Points of one image.

    Attributes:
        points: (N, 2) float64 xy, original pixels.
        count: Number of heads the file states, N unless a lenient reader forgave a difference.
        where: Place in the file, for messages.
        scores: (N,) or None.
        extras: (N,) arrays ``sigma_s``, ``sigma_l`` (pixels) and ``level`` as far as the file has them.
    """

    points: np.ndarray
    count: float
    where: str
    scores: np.ndarray | None = None
    extras: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass
class PointFile:
    """Images of a point file by id, and what a lenient reader forgave."""

    path: str
    images: dict[ImageId, PointRecord]
    forgiven: list[str] = field(default_factory=list)

    def stacked(self, ids: Iterable[ImageId], name: str) -> np.ndarray:
        """An extra, or ``scores``, of some images in one array.

        Raises:
            PointFileError: If an image with points has no such values.
        """
        parts = [np.zeros(0)]
        for i in ids:
            record = self.images[i]
            values = record.scores if name == 'scores' else record.extras.get(name)
            if values is None and len(record.points):
                raise PointFileError(
                    f'{self.path}, {record.where}, id {i}: expected {name} for every point, found none'
                )
            parts.append(np.zeros(0) if values is None else values)
        return np.concatenate(parts)


def read_point_file(path: str | Path, kind: str, lenient: bool = False, counts_only: bool = False) -> PointFile:
    """Read a point file; the format follows the suffix (``.json``, ``.csv``, anything else is text).

    Args:
        path: The file.
        kind: ``gt`` or ``pred``.
        lenient: Forgive, and list in ``forgiven``: a stated number of points that differs from the points (the points
            are those present, the count is the one stated), negative sigmas (such heads are never reached), and
            coordinates with decimals in text files.
        counts_only: Only counts are wanted: an image may have a count and no points, the count may have decimals.

    Raises:
        PointFileError: Naming file, line and id.
    """
    if kind not in ('gt', 'pred'):
        raise ValueError(f"kind: expected 'gt' or 'pred', found {kind!r}")
    reader = {'.json': _read_json, '.csv': _read_csv}.get(Path(path).suffix.lower())
    result = PointFile(str(path), {})
    if reader is None:
        _read_text(result, kind, lenient, counts_only)
    else:
        try:
            reader(result, lenient, counts_only)
        except (UnicodeDecodeError, csv.Error) as error:
            raise PointFileError(f'{path}: not readable as text, {error}') from error
    if reader is not None or lenient or not _in_range(result.images.values()):
        for i, record in result.images.items():
            if reader is not None or lenient:
                _check_numbers(result, i, record)
            _check_record(result, i, record, lenient)
    return result


def _fail(result: PointFile, where: str, i: object, message: str) -> None:
    raise PointFileError(f'{result.path}, {where}, id {i}: {message}')


def _forgive(result: PointFile, lenient: bool, where: str, i: object, message: str) -> None:
    """Note what is forgiven, or raise."""
    if not lenient:
        _fail(result, where, i, message)
    result.forgiven.append(f'{result.path}, {where}, id {i}: {message}')


def _add(result: PointFile, i: ImageId, record: PointRecord) -> None:
    if i in result.images:
        _fail(result, record.where, i, f'duplicated id, already on {result.images[i].where}')
    result.images[i] = record


def _in_range(records: Iterable[PointRecord]) -> bool:
    """Whether :func:`_check_record` has nothing to say about any image of a text file."""
    if not all(0 <= record.count < math.inf for record in records):
        return False
    for name in _EXTRAS:
        values = np.concatenate([np.zeros(0), *(r.extras[name] for r in records if name in r.extras)])
        if values.min(initial=0) < 0 or (name == 'level' and values.max(initial=0) > 5):
            return False
    return True


def _check_numbers(result: PointFile, i: ImageId, record: PointRecord) -> None:
    """Finite numbers and whole levels; a strict text reader lets nothing else through."""
    numbers = dict(record.extras, points=record.points)
    if record.scores is not None:
        numbers['scores'] = record.scores
    for name, values in numbers.items():
        if not np.isfinite(values).all():
            row = int(np.flatnonzero(~np.isfinite(values.reshape(len(record.points), -1)).all(axis=1))[0])
            _fail(result, record.where, i, f'{name} of point {row} must be finite, found {values[row].tolist()}')
        if np.abs(values).max(initial=0) >= _LARGEST:
            _fail(result, record.where, i, f'{name}: a number is out of range: {np.abs(values).max():g}')
    level = record.extras.get('level')
    if level is not None and (level % 1 != 0).any():
        bad = int(np.flatnonzero(level % 1)[0])
        _fail(result, record.where, i, f'expected a whole level, found {level[bad]:g} of point {bad}')


def _check_record(result: PointFile, i: ImageId, record: PointRecord, lenient: bool) -> None:
    if not math.isfinite(record.count) or record.count < 0:
        _fail(result, record.where, i, f'expected a count of 0 or more, found {record.count:g}')
    for name in ('sigma_s', 'sigma_l'):
        if name in record.extras and record.extras[name].min(initial=0) < 0:
            bad = np.flatnonzero(record.extras[name] < 0)
            message = f'negative {name} of {len(bad)} points, first {record.extras[name][bad[0]]:g} of point {bad[0]}'
            _forgive(result, lenient, record.where, i, message)
    level = record.extras.get('level')
    if level is not None and len(level) and not 0 <= level.min() <= level.max() <= 5:
        bad = int(np.flatnonzero((level < 0) | (level > 5))[0])
        _fail(result, record.where, i, f'expected a level of 0 to 5, found {level[bad]:g} of point {bad}')


def _read_text(result: PointFile, kind: str, lenient: bool, counts_only: bool) -> None:
    rows = []
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        for n, line in enumerate(Path(result.path).read_bytes().removeprefix(codecs.BOM_UTF8).split(b'\n'), 1):
            if line := line.strip():
                rows.append((n, *_numbers(result, n, line, lenient, counts_only)))
    columns = _columns(rows) if kind == 'gt' else 2
    num = sum(len(values) // columns for _, _, values in rows)
    points, extras = np.empty((num, 2)), np.empty((columns - 2, num))
    first = 0
    for n, i, values in rows:
        where, count = f'line {n}', float(values[0])
        if (len(values) - 1) % columns:
            found = f'found {len(values) - 1} numbers after id and count'
            _fail(result, where, i, f'expected {columns} numbers per point, {found}')
        table = values[1:].reshape(-1, columns)
        if len(table) != count and not (counts_only and len(values) == 1):
            _forgive(result, lenient, where, i, f'states {count:g} points but holds {len(table)}')
        own = slice(first, first + len(table))
        points[own], extras[:, own] = table[:, :2], table[:, 2:].T
        _add(result, i, PointRecord(points[own], count, where, None, dict(zip(_EXTRAS, extras[:, own], strict=False))))
        first = own.stop


def _numbers(result: PointFile, n: int, line: bytes, lenient: bool, counts_only: bool) -> tuple[ImageId, np.ndarray]:
    """Id and the other numbers of a text line."""
    values = _integers(line)
    if values is not None and -_LARGEST < values.min() <= values.max() < _LARGEST:
        i, values = int(values[0]), values[1:]
    else:
        i, values = _slow_numbers(result, n, line.decode('utf-8', 'replace').split(), lenient, counts_only)
        if np.abs(values).max(initial=0) >= _LARGEST:
            _fail(result, f'line {n}', i, f'a number is out of range: {np.abs(values).max():g}')
    if not len(values):
        _fail(result, f'line {n}', i, 'expected an id and a count, found the id alone')
    return i, values


def _integers(line: bytes) -> np.ndarray | None:
    """All numbers of a line of integers, None if there is anything else in it."""
    if line.translate(None, b'0123456789 \t-') or (b'-' in line and _STRAY_MINUS.search(line)):
        return None
    try:
        return np.fromstring(line, dtype=np.int64, sep=' ')
    except (DeprecationWarning, ValueError):
        return None


def _slow_numbers(result: PointFile, n: int, tokens: list[str], lenient: bool, counts_only: bool):
    """Token by token, for lines with anything but small integers: says what is wrong with which."""
    where = f'line {n}'
    if not _INTEGER.fullmatch(tokens[0]):
        _fail(result, where, tokens[0], 'expected an integer id')
    i, values = int(tokens[0]), []
    for position, token in enumerate(tokens[1:], 2):
        try:
            values.append(float(token))
        except ValueError:
            values.append(math.nan)
        if not _INTEGER.fullmatch(token):
            message = f'token {position}: expected an integer, found {token!r}'
            if not math.isfinite(values[-1]):
                _fail(result, where, i, message)
            if not (counts_only and position == 2):
                _forgive(result, lenient, where, i, message)
    return i, np.array(values, np.float64)


def _columns(rows: list) -> int:
    """Numbers per point of a ground-truth text file: what most lines agree on, 5 in doubt."""
    shape = [(values[0], len(values) - 1) for _, _, values in rows if values[0] > 0]
    five, two = (sum(length == k * count for count, length in shape) for k in (5, 2))
    return 2 if two > five else 5


def _read_json(result: PointFile, lenient: bool, counts_only: bool) -> None:
    def unique(pairs: list[tuple[str, object]]) -> dict:
        known: dict[str, object] = {}
        for n, (name, value) in enumerate(pairs):
            if name in known:
                _fail(result, f'entry {n} of an object', name, 'duplicated id or key')
            known[name] = value
        return known

    try:
        data = json.loads(Path(result.path).read_text(encoding='utf-8-sig'), object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise PointFileError(f'{result.path}, line {error.lineno}: not JSON, {error.msg}') from error
    if isinstance(data, dict):
        data = data.get('images', data)
    if isinstance(data, dict):
        data = [dict(value, id=i) if isinstance(value, dict) else dict(id=i, points=value) for i, value in data.items()]
    if not isinstance(data, list):
        raise PointFileError(f'{result.path}: expected a list of images or an object, found {type(data).__name__}')
    for n, entry in enumerate(data):
        if not isinstance(entry, dict) or 'id' not in entry:
            _fail(result, f'entry {n}', '?', 'expected an object with an id')
        _read_entry(result, f'entry {n}', entry, lenient, counts_only)


def _read_entry(result: PointFile, where: str, entry: dict, lenient: bool, counts_only: bool) -> None:
    """One image of a JSON file."""
    i = _parse_id(entry['id'])
    if 'points' not in entry and not ('count' in entry and (counts_only or entry['count'] == 0)):
        _fail(result, where, i, f'expected points, found {sorted(entry)}')
    points = _array(result, where, i, 'points', entry.get('points', []))
    if points.size and (points.ndim != 2 or points.shape[1] != 2):
        _fail(result, where, i, f'points: expected pairs [x, y], found shape {points.shape}')
    points = points.reshape(-1, 2)
    named = {k: _array(result, where, i, k, entry[k]) for k in ('scores', *_EXTRAS) if entry.get(k) is not None}
    for name, values in named.items():
        if values.shape != (len(points),):
            _fail(result, where, i, f'{name}: expected {len(points)} numbers, found shape {values.shape}')
    count = _array(result, where, i, 'count', entry.get('count', len(points)))
    if count.ndim:
        _fail(result, where, i, f'count: expected a number, found shape {count.shape}')
    if 'points' in entry and float(count) != len(points):
        _forgive(result, lenient, where, i, f'states {float(count):g} points but holds {len(points)}')
    _add(result, i, PointRecord(points, float(count), where, named.pop('scores', None), named))


def _array(result: PointFile, where: str, i: ImageId, name: str, values: object) -> np.ndarray:
    try:
        return np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise PointFileError(f'{result.path}, {where}, id {i}: {name} are not numbers: {error}') from error


def _parse_id(value: object) -> ImageId:
    try:
        return int(str(value))
    except ValueError:
        return str(value)


def _read_csv(result: PointFile, lenient: bool, counts_only: bool) -> None:
    rows: dict[ImageId, list[list[float]]] = {}
    where: dict[ImageId, str] = {}
    counts: dict[ImageId, float] = {}
    with open(result.path, newline='', encoding='utf-8-sig') as file:
        reader = csv.DictReader(file)
        header = reader.fieldnames = [name.strip() for name in reader.fieldnames or []]
        named = [name for name in ('x', 'y', 'score', *_EXTRAS) if name in header]
        has_points = {'x', 'y'} <= set(header)
        enough = 'id' in header and (has_points or (counts_only and 'count' in header))
        if not enough or len(set(header)) < len(header):
            wanted = 'id,x,y or id,count' if counts_only else 'id,x,y'
            raise PointFileError(f'{result.path}, line 1: expected a header with {wanted}, found {header}')
        for row in reader:
            i, line = _parse_id((row['id'] or '').strip()), f'line {reader.line_num}'
            if i == '' or None in row:
                _fail(result, line, i, f'expected an id and {len(header) - 1} more values, found {row}')
            points = rows.setdefault(i, [])
            holds_point = any((row[name] or '').strip() for name in named)
            if i in where and not holds_point:
                _fail(result, line, i, f'duplicated id, already on {where[i]}')
            where.setdefault(i, line)
            if holds_point:
                points.append([_number(result, line, i, name, row[name]) for name in named])
            if 'count' in header and ((row['count'] or '').strip() or not has_points):
                count = _number(result, line, i, 'count', row['count'])
                if counts.setdefault(i, count) != count:
                    _fail(result, line, i, f'states {count:g} points, another line {counts[i]:g}')
    for i, values in rows.items():
        table = np.array(values, np.float64).reshape(len(values), len(named))
        column = {name: table[:, k] for k, name in enumerate(named)}
        points = np.stack([column['x'], column['y']], axis=1) if has_points else np.zeros((0, 2))
        count = counts.get(i, len(points))
        if count != len(points) and not (counts_only and not len(points)):
            _forgive(result, lenient, where[i], i, f'states {count:g} points but holds {len(points)}')
        extras = {name: column[name] for name in _EXTRAS if name in column}
        _add(result, i, PointRecord(points, float(count), where[i], column.get('score'), extras))


def _number(result: PointFile, where: str, i: ImageId, name: str, text: str | None) -> float:
    try:
        return float(text)
    except (TypeError, ValueError):
        return _fail(result, where, i, f'{name}: expected a number, found {text!r}')
