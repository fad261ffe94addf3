"""Results of many images as a folder of Parquet files, which many processes fill: each file is whole or not there."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mmcrowd.utils.atomic_files import left_over, write_atomic
from mmcrowd.utils.files import printable

if TYPE_CHECKING:
    import pyarrow

Summary = tuple[float | None, str | None]


def write_part(folder: str | Path, rows: Sequence[dict]) -> Path:
    """Write the results of some images as one file.

    Args:
        folder: Where; made if needed.
        rows: A dict of :meth:`mmcrowd.apis.CrowdResult.to_dict` for an image with a result, ``dict(image, error)`` for
            one without.

    Returns:
        The file. Its name depends on the names of the images: the same ones written again replace it.
    """
    import pyarrow
    from pyarrow import parquet

    names = '\0'.join(row['image'] for row in rows)
    path = Path(folder) / f'part-{hashlib.sha256(names.encode()).hexdigest()[:16]}.parquet'
    data = io.BytesIO()
    rows = [dict(zip(('low', 'high'), row.get('interval') or (), strict=False), **row) for row in rows]
    parquet.write_table(pyarrow.Table.from_pylist(rows, schema=_schema()), data, compression='zstd')
    write_atomic(path, data.getvalue())
    return path


def read_parts(folder: str | Path) -> Iterator[dict]:
    """The rows of all files, one file in memory at a time.

    Yields:
        What :func:`write_part` was given, with ``error`` in every row, None where the image has a result: then
        :meth:`mmcrowd.apis.CrowdResult.from_dict` takes the row.

    Raises:
        ValueError: A file is none of :func:`write_part`.
    """
    for path in _parts(folder):
        for row in _read(path).to_pylist(maps_as_pydicts='strict'):
            counts, interval = row.pop('counts'), [row.pop('low'), row.pop('high')]
            if row['points'] is not None and row['count'] == len(row['points']):
                row['count'] = len(row['points'])  # whole, as it was
            row |= dict(counts=counts) if counts else {}
            yield row | (dict(interval=interval) if None not in interval else {})


def read_summary(folder: str | Path) -> dict[str, Summary]:
    """(count, error) of every image in the files, by its name; one of both is None.

    Raises:
        ValueError: A file is none of :func:`write_part`.
    """
    found = {}
    for path in _parts(folder):
        image, count, error = _read(path, ['image', 'count', 'error']).to_pydict().values()
        found |= dict(zip(image, zip(count, error, strict=True), strict=True))
    return found


def drop_errors(folder: str | Path) -> None:
    """Take the rows of images without a result out of all files."""
    from pyarrow import compute, parquet

    for path in _parts(folder):
        table = _read(path)
        kept = table.filter(compute.is_null(table['error']))
        if len(kept) == 0:
            path.unlink()
        elif len(kept) < len(table):
            data = io.BytesIO()
            parquet.write_table(kept, data, compression='zstd')
            write_atomic(path, data.getvalue())


def drop_unfinished(folder: str | Path) -> None:
    """Delete what processes that were killed while they wrote left behind."""
    for path, _ in left_over(folder):
        path.unlink()


def _parts(folder: str | Path) -> list[Path]:
    return sorted(Path(folder).glob('part-*.parquet'))


def _read(path: Path, columns: list[str] | None = None) -> pyarrow.Table:
    import pyarrow
    from pyarrow import parquet

    try:
        return parquet.read_table(path, columns=columns or _schema().names, partitioning=None)
    except (pyarrow.ArrowException, OSError, KeyError) as error:
        raise ValueError(f'{printable(path)}: no results of many images ({error}): move it away') from error


def _schema() -> pyarrow.Schema:
    """As :meth:`mmcrowd.apis.CrowdResult.to_dict`, the interval as two columns, and why there is no result."""
    import pyarrow as pa

    numbers = pa.list_(pa.float64())
    return pa.schema(
        dict(
            image=pa.string(),
            width=pa.int32(),
            height=pa.int32(),
            count=pa.float64(),
            low=pa.int64(),
            high=pa.int64(),
            counts=pa.map_(pa.string(), pa.float64()),
            points=pa.list_(numbers),
            scores=numbers,
            boxes=pa.list_(numbers),
            error=pa.string(),
        )
    )
