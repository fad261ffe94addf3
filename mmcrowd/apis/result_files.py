"""Results of many images, written as they come: what is written stays, however the run ends."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from mmcrowd.utils.files import csv_cell
from mmcrowd.utils.json_files import plain

from .result import CrowdResult

COLUMNS = ('image', 'width', 'height', 'count', 'low', 'high')
_NEEDED = ('image', 'width', 'height', 'count', 'points', 'scores', 'boxes')


class ResultFiles:
    """``predictions.json`` and ``counts.csv`` of a folder, both complete and valid after every image.

    The JSON file is a list with all heads of every image, an image per line. The table has a row ``image, width,
    height, count, low, high`` per image: the last two are the ends of the count's interval, empty where there is none.
    A name that a spreadsheet would take for a formula has an apostrophe before it.

    Args:
        folder: Where the files are; made if needed.
        rows: What they begin with: dicts of :meth:`mmcrowd.apis.CrowdResult.to_dict`. What was in files of these names
            before is replaced.

    Raises:
        OSError: They cannot be written.
    """

    def __init__(self, folder: str | Path, rows: Iterable[dict] = ()) -> None:
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.predictions, self.counts = folder / 'predictions.json', folder / 'counts.csv'
        rows = list(rows)
        self._list = _Growing(self.predictions, b'[' + b',\n '.join(map(_json, rows)), b']\n')
        self._table = _Growing(self.counts, _csv(*COLUMNS) + b''.join(map(_count, rows)))
        self._empty = not rows

    def add(self, result: CrowdResult) -> None:
        """Write the result of one more image.

        Raises:
            OSError: It cannot be written, as on a full disk; the files then end with the result before.
        """
        row = result.to_dict()
        self._list.add((b'' if self._empty else b',\n ') + _json(row))
        self._table.add(_count(row))
        self._empty = False


def save_results(results: Sequence[CrowdResult], out_dir: str | Path) -> tuple[Path, Path]:
    """Write many results into one folder.

    Args:
        results: One per image.
        out_dir: Gets ``predictions.json`` (a list with all heads of every image) and ``counts.csv`` (one row
            ``image, width, height, count, low, high`` per image, so that images without heads are seen too).

    Returns:
        The two paths.
    """
    files = ResultFiles(out_dir)
    for result in results:
        files.add(result)
    return files.predictions, files.counts


def read_rows(folder: str | Path) -> list[dict]:
    """What :class:`ResultFiles` has written, without the row that a kill may have cut off; nothing if there is no file.

    Raises:
        ValueError: The file is another one.
    """
    path = Path(folder) / 'predictions.json'
    if not path.is_file():
        return []
    lines, rows = path.read_bytes().splitlines(), []
    for number, line in enumerate(lines, 1):
        line = line.strip().removeprefix(b'[').rstrip(b',]')
        if not line:
            continue
        try:
            row = json.loads(line)
            if missing := [key for key in _NEEDED if key not in row]:
                raise ValueError(f'no {", ".join(missing)}')
            rows.append({key: value for key, value in row.items() if key in (*_NEEDED, 'counts', 'interval')})
        except (ValueError, TypeError) as error:
            if number < len(lines):
                raise ValueError(f'{path}, line {number}: expected the result of an image, found: {error}') from error
    return rows


class _Growing:
    """A file that is begun anew and then grows piece by piece, each time with ``end`` behind the last piece."""

    def __init__(self, path: Path, start: bytes, end: bytes = b'') -> None:
        self.path, self.end = path, end
        new = path.with_name(f'.{path.name}.new')
        new.write_bytes(start + end)
        os.replace(new, path)
        self._file, self._length = path.open('r+b', buffering=0), len(start)

    def add(self, piece: bytes) -> None:
        try:
            self._write(piece + self.end)
        except OSError as error:
            self._file.truncate(self._length)
            self._write(self.end)
            raise OSError(error.errno, error.strerror, str(self.path)) from error
        self._length += len(piece)

    def _write(self, content: bytes) -> None:
        self._file.seek(self._length)
        rest = memoryview(content)
        while rest:
            rest = rest[self._file.write(rest) :]


def _json(row: dict) -> bytes:
    try:
        return json.dumps(row, allow_nan=False).encode()
    except ValueError:  # a model that gives scores of NaN
        return json.dumps(plain(row)).encode()


def _count(row: dict) -> bytes:
    name = '' if row['image'] is None else csv_cell(row['image'])
    return _csv(name, row['width'], row['height'], row['count'], *(row.get('interval') or ('', '')))


def _csv(*cells: object) -> bytes:
    text = io.StringIO(newline='')
    csv.writer(text).writerow(cells)
    return text.getvalue().encode()
