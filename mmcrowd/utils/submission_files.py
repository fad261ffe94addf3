"""Submission files of NWPU-Crowd, checked before they are written, and lists of ids."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from .point_files import ImageId, PointFileError


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
    for line, (i, points) in enumerate(images.items(), 1):
        points = np.floor(np.asarray(points, np.float64).reshape(-1, 2))
        if not np.isfinite(points).all():
            raise PointFileError(f'{path}, line {line}, id {i}: coordinates must be finite')
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
    for line, i in enumerate(ids, 1):
        points = np.asarray(images[i], np.float64).reshape(-1, 2)
        height, width = sizes[i]
        outside = ~((points >= 0) & (points < [width, height])).all(axis=1)
        if outside.any():
            row = int(np.flatnonzero(outside)[0])
            raise PointFileError(
                f'{path}, line {line}, id {i}: {int(outside.sum())} points outside the image of {width} x {height} '
                f'pixels, first {points[row].tolist()} (point {row})'
            )
    write_point_text(path, {i: images[i] for i in ids})


def write_counting_submission(path: str | Path, counts: Mapping[ImageId, float], ids: Iterable[ImageId]) -> None:
    """Write an NWPU-Crowd counting submission, ``id count`` per line, after checking it; arguments as above."""
    ids = _check_ids(path, counts, ids)
    for line, i in enumerate(ids, 1):
        if not np.isfinite(counts[i]) or counts[i] < 0:
            raise PointFileError(f'{path}, line {line}, id {i}: expected a count of 0 or more, found {counts[i]}')
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
