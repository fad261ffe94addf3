"""Files that are either the old one or the new one, whole, and never half of one."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


def write_atomic(path: str | Path, data: bytes) -> None:
    """Write a file so that a kill or a power cut at any moment leaves the old content or the new one.

    The bytes go to ``.<name>.tmp`` beside it, and to the disk, before the file gets its name; then the folder, which
    holds the name, is written to the disk as well. Only a process that dies in between leaves the temporary file.

    Args:
        path: The file; its folder is made.
        data: All of its content.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f'.{path.name}.tmp')
    try:
        with open(temporary, 'wb') as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def left_over(folder: str | Path) -> Iterator[tuple[Path, str]]:
    """Temporary files in a folder, each with the name of the file it was to become."""
    for path in sorted(Path(folder).glob('.*.tmp')):
        yield path, path.name[1 : -len('.tmp')]


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # not every system and file system can
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
