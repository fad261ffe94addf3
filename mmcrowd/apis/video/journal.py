"""The table of counts, which is the journal of a run, and the point from which a stopped run goes on."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Iterator
from pathlib import Path

from mmcrowd.utils.files import printable
from mmcrowd.utils.json_files import plain, write_json


class Smoother:
    """Exponential smoothing in time: ``s += (1 - exp(-dt / tau)) (count - s)``, beginning with the first count.

    Args:
        tau: Seconds after which a step has come to 63 %; 0 smooths nothing.
    """

    def __init__(self, tau: float) -> None:
        self.tau = tau
        self.value: float | None = None
        self.time = 0.0

    def update(self, seconds: float, count: float) -> float:
        """Take the count at a time, return the smoothed one."""
        if self.value is None or self.tau <= 0:
            self.value = float(count)
        else:
            self.value += (1 - math.exp(-(seconds - self.time) / self.tau)) * (count - self.value)
        self.time = seconds
        return self.value


class Journal:
    """``counts.csv``: a row per frame that was looked at, on disk before the next; ``state.json``: where to go on.

    A checkpoint says how long the table was and what the next frame depends on. A run that goes on cuts the table to
    that length, so a kill at any moment costs the frames since the last checkpoint and nothing else.

    Args:
        folder: Made if needed.
        columns: Names of the table's columns.
        settings: What the numbers depend on; another run is not gone on with.
        resume: Go on with what the folder holds, if it holds anything.

    Raises:
        ValueError: The run in the folder had other settings, or its files do not belong together.
    """

    def __init__(self, folder: Path, columns: list[str], settings: dict, resume: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.table, self._state = folder / 'counts.csv', folder / 'state.json'
        self.settings = json.loads(json.dumps(plain(settings)))
        self.state = self._read_state(_line(columns)) if resume else None
        if self.state is None:
            self._state.unlink(missing_ok=True)
            self._file = self.table.open('wb', buffering=0)
            self._file.write(_line(columns))
        else:
            self._file = self.table.open('r+b', buffering=0)
            self._file.truncate(self.state['bytes'])
            self._file.seek(0, os.SEEK_END)

    def add(self, cells: list) -> None:
        """Write a row."""
        self._file.write(_line(cells))

    def length(self) -> int:
        """Bytes of the table so far."""
        return self._file.tell()

    def checkpoint(self, bytes: int, **state) -> None:
        """Make the point where the table had so many bytes the one from which a stopped run goes on."""
        self._file.truncate(bytes)
        self._file.seek(bytes)
        os.fsync(self._file.fileno())
        write_json(self._state, dict(settings=self.settings, bytes=bytes, **state))

    def close(self) -> None:
        """Close the table."""
        self._file.close()

    def _read_state(self, header: bytes) -> dict | None:
        name = printable(self._state)
        if not self._state.exists():
            if self.table.exists():
                raise ValueError(f'{name}: not there, so {self.table.name} cannot be gone on with: begin anew')
            return None
        try:
            state = json.loads(self._state.read_text(encoding='utf-8'))
            before, length = state['settings'], int(state['bytes'])
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f'{name}: expected what a stopped run wrote, found {error}: begin anew') from error
        for key in self.settings:
            if before.get(key) != self.settings[key]:
                raise ValueError(
                    f'{name}: the run to go on with had another {key} ({before.get(key)}, now {self.settings[key]}): '
                    'choose another folder, or begin anew without resuming'
                )
        if not self.table.exists() or self.table.stat().st_size < length:
            raise ValueError(f'{printable(self.table)}: shorter than {name} says: begin anew')
        with self.table.open('rb') as file:
            if file.readline() != header:
                raise ValueError(f'{printable(self.table)}: has other columns than those of this version: begin anew')
        return state


def read_table(path: Path) -> Iterator[dict[str, float]]:
    """The rows of a table, one at a time; empty cells are NaN."""
    with path.open(newline='', encoding='utf-8') as file:
        for row in csv.DictReader(file):
            yield {key: float(value) if value else math.nan for key, value in row.items()}


def _line(cells: list) -> bytes:
    text = io.StringIO(newline='')
    csv.writer(text, lineterminator='\n').writerow(cells)
    return text.getvalue().encode()
