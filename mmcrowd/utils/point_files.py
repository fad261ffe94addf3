"""Files of head points: the official text formats, JSON and CSV, read strictly and written for submission.

Text, one image per line, integers, no header::

    ground truth  id num  (x y sigma_s sigma_l level) * num     or  id num  (x y) * num
    predictions   id num  (x y) * num

JSON: ``{"images": [{"id": 17, "points": [[x, y], ...], "scores": [...], "count": 2}, ...]}``, the list alone, or
``{"17": [[x, y], ...]}``; ground truth may carry the lists ``sigma_s``, ``sigma_l``, ``level``. CSV: a header with
``id,x,y`` and any of ``score,sigma_s,sigma_l,level``, one point per row; a row with empty x and y names an image
without points. Coordinates are original pixels, x the column.
"""

import csv
import json
import math
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

ImageId = int | str
_EXTRAS = ('sigma_s', 'sigma_l', 'level')
_LARGEST = 2**31
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
        counts_only: Only counts are wanted: a text line may be ``id count`` alone, the count may have decimals.

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
        reader(result, lenient)
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


def _check_numbers(result: PointFile, i: ImageId, record: PointRecord) -> None:
    """Finite numbers and whole levels; a strict text reader lets nothing else through."""
    numbers = dict(record.extras, points=record.points)
    if record.scores is not None:
        numbers['scores'] = record.scores
    for name, values in numbers.items():
        if not np.isfinite(values).all():
            row = int(np.flatnonzero(~np.isfinite(values.reshape(len(record.points), -1)).all(axis=1))[0])
            _fail(result, record.where, i, f'{name} of point {row} must be finite, found {values[row].tolist()}')
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
        for n, line in enumerate(Path(result.path).read_bytes().split(b'\n'), 1):
            if line := line.strip():
                rows.append((n, *_numbers(result, n, line, lenient, counts_only)))
    columns = _columns(rows) if kind == 'gt' else 2
    for n, i, values in rows:
        where, count = f'line {n}', float(values[0])
        if counts_only and len(values) == 1:
            _add(result, i, PointRecord(np.zeros((0, 2)), count, where))
            continue
        if (len(values) - 1) % columns:
            found = f'found {len(values) - 1} numbers after id and count'
            _fail(result, where, i, f'expected {columns} numbers per point, {found}')
        table = values[1:].reshape(-1, columns).astype(np.float64)
        if len(table) != count:
            _forgive(result, lenient, where, i, f'states {count:g} points but holds {len(table)}')
        extras = dict(zip(_EXTRAS, table[:, 2:].T, strict=False))
        _add(result, i, PointRecord(table[:, :2], count, where, None, extras))


def _numbers(result: PointFile, n: int, line: bytes, lenient: bool, counts_only: bool) -> tuple[ImageId, np.ndarray]:
    """Id and the other numbers of a text line."""
    values = _integers(line)
    if values is None:
        i, values = _slow_numbers(result, n, line.decode('utf-8', 'replace').split(), lenient, counts_only)
    else:
        i, values = int(values[0]), values[1:]
    if not len(values):
        _fail(result, f'line {n}', i, 'expected an id and a count, found the id alone')
    if np.abs(values).max() >= _LARGEST:
        _fail(result, f'line {n}', i, f'a number is out of range: {np.abs(values).max():g}')
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
    """Token by token, for lines with anything but integers: says what is wrong with which."""
    where = f'line {n}'
    try:
        i: ImageId = int(tokens[0])
    except ValueError:
        _fail(result, where, tokens[0], 'expected an integer id')
    values = []
    for position, token in enumerate(tokens[1:], 2):
        try:
            values.append(int(token))
        except ValueError:
            try:
                values.append(float(token))
            except ValueError:
                _fail(result, where, i, f'token {position}: expected an integer, found {token!r}')
            if not np.isfinite(values[-1]):
                _fail(result, where, i, f'token {position}: expected an integer, found {token!r}')
            if not (counts_only and position == 2):
                _forgive(result, lenient, where, i, f'token {position}: expected an integer, found {token!r}')
    return i, np.array(values, np.float64)


def _columns(rows: list) -> int:
    """Numbers per point of a ground-truth text file: what most lines agree on, 5 in doubt."""
    fits = Counter()
    for _, _, values in rows:
        fits.update(k for k in (5, 2) if values[0] > 0 and len(values) - 1 == k * values[0])
    return 2 if fits[2] > fits[5] else 5


def _read_json(result: PointFile, lenient: bool) -> None:
    try:
        data = json.loads(Path(result.path).read_text(encoding='utf-8'))
    except json.JSONDecodeError as error:
        raise PointFileError(f'{result.path}, line {error.lineno}: not JSON, {error.msg}') from error
    if isinstance(data, dict) and 'images' not in data:
        data = [dict(value, id=i) if isinstance(value, dict) else dict(id=i, points=value) for i, value in data.items()]
    entries = data['images'] if isinstance(data, dict) else data
    for n, entry in enumerate(entries):
        where = f'entry {n}'
        if not isinstance(entry, dict) or 'id' not in entry:
            _fail(result, where, '?', 'expected an object with an id')
        i = _parse_id(entry['id'])
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


def _read_csv(result: PointFile, lenient: bool) -> None:
    rows: dict[ImageId, list[list[float]]] = {}
    where: dict[ImageId, str] = {}
    counts: dict[ImageId, float] = {}
    with open(result.path, newline='', encoding='utf-8-sig') as file:
        reader = csv.DictReader(file)
        header = [name.strip() for name in reader.fieldnames or []]
        reader.fieldnames = header
        named = [name for name in ('x', 'y', 'score', *_EXTRAS) if name in header]
        if 'id' not in header or not ({'x', 'y'} <= set(header) or 'count' in header):
            raise PointFileError(f'{result.path}, line 1: expected a header with id,x,y or id,count, found {header}')
        for row in reader:
            i, line = _parse_id((row['id'] or '').strip()), f'line {reader.line_num}'
            if 'count' in header:
                if i in counts:
                    _fail(result, line, i, f'duplicated id, already on {where[i]}')
                counts[i] = _number(result, line, i, 'count', row['count'])
            where.setdefault(i, line)
            points = rows.setdefault(i, [])
            if named and any((row[name] or '').strip() for name in named):
                points.append([_number(result, line, i, name, row[name]) for name in named])
    for i, values in rows.items():
        table = np.array(values, np.float64).reshape(len(values), len(named))
        column = {name: table[:, k] for k, name in enumerate(named)}
        points = np.stack([column['x'], column['y']], axis=1) if 'x' in column else np.zeros((0, 2))
        extras = {name: column[name] for name in _EXTRAS if name in column}
        _add(result, i, PointRecord(points, counts.get(i, len(points)), where[i], column.get('score'), extras))


def _number(result: PointFile, where: str, i: ImageId, name: str, text: str | None) -> float:
    try:
        return float(text)
    except (TypeError, ValueError):
        return _fail(result, where, i, f'{name}: expected a number, found {text!r}')


def read_ids(path: str | Path) -> list[int]:
    """Integer ids of a text file, the first number of each line, as in the lists of NWPU-Crowd."""
    ids = []
    for n, line in enumerate(Path(path).read_text().splitlines(), 1):
        if line.strip():
            try:
                ids.append(int(line.split()[0]))
            except ValueError as error:
                raise PointFileError(f'{path}, line {n}: expected an integer id, found {line.split()[0]!r}') from error
    return ids


def write_point_text(path: str | Path, images: Mapping[ImageId, np.ndarray]) -> None:
    """Write predictions in the official text format, coordinates rounded down.

    Args:
        path: File to write.
        images: (N, 2) xy in original pixels by integer id.
    """
    lines = []
    for i, points in images.items():
        points = np.floor(np.asarray(points, np.float64).reshape(-1, 2))
        if not np.isfinite(points).all():
            raise PointFileError(f'{path}, id {i}: coordinates must be finite')
        lines.append(' '.join(map(str, [int(i), len(points), *points.astype(np.int64).ravel().tolist()])))
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text('\n'.join(lines) + '\n')


def write_localization_submission(
    path: str | Path,
    images: Mapping[ImageId, np.ndarray],
    sizes: Mapping[ImageId, tuple[int, int]],
    ids: Iterable[ImageId],
) -> None:
    """Write an NWPU-Crowd localization submission after checking it.

    Args:
        path: File to write.
        images: (N, 2) xy in original pixels by id.
        sizes: (height, width) of the original image by id.
        ids: The ids that the submission must hold, in this order.

    Raises:
        PointFileError: If an id is missing or unknown, or a point lies outside its image.
    """
    ids = _check_ids(path, images, ids)
    for i in ids:
        points = np.asarray(images[i], np.float64).reshape(-1, 2)
        height, width = sizes[i]
        outside = ~((points >= 0) & (points < [width, height])).all(axis=1)
        if outside.any():
            row = int(np.flatnonzero(outside)[0])
            raise PointFileError(
                f'{path}, id {i}: {int(outside.sum())} points outside the image of {width} x {height} pixels, '
                f'first {points[row].tolist()} (point {row})'
            )
    write_point_text(path, {i: images[i] for i in ids})


def write_counting_submission(path: str | Path, counts: Mapping[ImageId, float], ids: Iterable[ImageId]) -> None:
    """Write an NWPU-Crowd counting submission, ``id count`` per line, after checking it; arguments as above."""
    ids = _check_ids(path, counts, ids)
    for i in ids:
        if not np.isfinite(counts[i]) or counts[i] < 0:
            raise PointFileError(f'{path}, id {i}: expected a count of 0 or more, found {counts[i]}')
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(''.join(f'{i} {float(counts[i]):.6g}\n' for i in ids))


def _check_ids(path: str | Path, given: Mapping, ids: Iterable[ImageId]) -> list[ImageId]:
    ids = list(ids)
    missing, unknown = [i for i in ids if i not in given], sorted(set(given) - set(ids), key=str)
    if missing or unknown:
        raise PointFileError(
            f'{path}: {len(missing)} ids missing (first {missing[:5]}), {len(unknown)} unknown (first {unknown[:5]})'
        )
    return ids
