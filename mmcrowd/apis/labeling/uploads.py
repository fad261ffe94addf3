"""Presets that somebody drew in another program, sent by the page."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import numpy as np

from mmcrowd.datasets.formats import FORMATS, format_named
from mmcrowd.datasets.formats.records import Record
from mmcrowd.labeling import preset_faults
from mmcrowd.utils.files import printable

from .sources import presets_of
from .store import LabelStore

UPLOADS = tuple(name for name in FORMATS if name not in ('points', 'shanghaitech'))
"""Formats of presets: all that hold boxes."""
MOST_FILES = 20_000


@dataclass
class Imported:
    """What became of an upload.

    Attributes:
        presets: How many were new.
        images: The images that got them.
        known: How many were there already.
        notes: A line about each thing that was left out.
    """

    presets: int = 0
    images: list[str] = field(default_factory=list)
    known: int = 0
    notes: list[str] = field(default_factory=list)


def import_presets(store: LabelStore, content: object) -> Imported:
    """Add the boxes of annotation files to the presets of the images that they name; presets that are there stay.

    Args:
        store: The work.
        content: ``format``, one of :data:`UPLOADS`, and ``files``: each with its ``name``, a path with slashes, and
            its ``data`` in base64. Several files, or one in a folder, are read as a folder.

    Raises:
        ValueError: This is not such a content, the files are not in this format, or hold no box; nothing is changed.
    """
    sent = Record(content, 'upload')
    kind = sent['format'].text()
    if kind not in UPLOADS:
        raise ValueError(f'format must be one of {sorted(UPLOADS)}, found {kind!r}')
    faults: list[str] = []
    with _unpacked(sent) as (root, path):
        try:
            read = format_named(kind).read(path, store.folder, faults=faults)
        except (ValueError, OSError) as error:  # the place of the files here says nothing to who sent them
            raise ValueError(_unplaced(str(error), root)) from None
        notes = [_unplaced(line, root) for line in faults + read.notes.lines(3)]
    made, found = Imported(notes=notes), presets_of(read)
    if not found:
        raise ValueError(f'upload: expected boxes, found none in {len(read.images)} images')
    for name, boxes in found.items():
        try:
            _add(store, name, boxes, made)
        except KeyError:
            made.notes.append(f'{name}: {len(boxes)} presets, and no such image in {store.folder}; left out')
        except (ValueError, OSError) as error:
            made.notes.append(f'{error}; left out')
    made.notes = [printable(note) for note in made.notes]
    return made


def _unplaced(text: str, root: Path) -> str:
    return text.replace(f'{root}/', '').replace(str(root), 'upload')


def _add(store: LabelStore, name: str, boxes: np.ndarray, made: Imported) -> None:
    faults = preset_faults(boxes, store.size(name))
    made.notes += [f'{name}: preset {row} {fault}; left out' for row, fault in faults.items()]
    number = store.add_presets(name, np.delete(boxes, list(faults), axis=0))
    made.known += len(boxes) - len(faults) - number
    if number:
        made.presets += number
        made.images.append(name)


@contextmanager
def _unpacked(sent: Record) -> Iterator[tuple[Path, Path]]:
    """Write the files of an upload to a folder that is removed at the end: the folder, and what is to be read."""
    files = sent.items('files', 'file')
    if not 0 < len(files) <= MOST_FILES:
        raise sent['files'].error(f'1 to {MOST_FILES} files', f'{len(files)}')
    with TemporaryDirectory(prefix='mmcrowd-') as folder:
        root = Path(folder).resolve()
        written = [_write(file, root) for file in files]
        single = len(written) == 1 and written[0].parent == root
        yield root, written[0] if single else root


def _write(file: Record, root: Path) -> Path:
    name, data = file['name'].text(), file['data'].value
    parts = PurePosixPath(name).parts
    if '\\' in name or not name.isprintable() or name.startswith('/') or '..' in parts or len(name.encode()) > 1000:
        raise file['name'].error('a path within the upload')
    try:
        content = base64.b64decode(data, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise file['data'].error('base64') from None
    path = root / name
    if path == root or path.exists():
        raise file['name'].error('every file once')
    if content[:4] == b'PK\x03\x04':
        raise ValueError(f'{name}: a ZIP archive; unpack it and send what is in it')
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path
