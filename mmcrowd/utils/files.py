"""Which files are pictures, which are nobody's data, and how a file's name is written down."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

IMAGE_SUFFIXES = (
    *('.avif', '.bmp', '.gif', '.heic', '.heif', '.jfif', '.jpe', '.jpeg', '.jpg', '.pgm', '.png', '.pnm', '.ppm'),
    *('.tif', '.tiff', '.webp'),
)
"""Endings of pictures, in lower case: the one list of the package. Two kinds need what may not be installed, which the
reader then says: HEIC the package pillow-heif, AVIF a Pillow of 11.3 or newer."""

_HIDDEN_NAMES = frozenset(('thumbs.db', 'ehthumbs.db', 'desktop.ini', '__macosx', '$recycle.bin'))


def is_hidden(path: str | Path) -> bool:
    """Whether a relative path leads to, or through, what file managers leave behind: never data.

    These are names that begin with a dot (``._a.jpg`` and ``.DS_Store`` of macOS), ``Thumbs.db``, ``desktop.ini``,
    ``__MACOSX``. Give paths relative to the folder that is looked at: its own place may well be below a hidden folder.
    """
    return any(
        (part.startswith('.') and part not in ('.', '..')) or part.lower() in _HIDDEN_NAMES for part in Path(path).parts
    )


def is_image_name(name: str | Path) -> bool:
    """Whether a file of this name is a picture by its ending, and not hidden itself; the file is not looked at."""
    name = Path(name).name
    return Path(name).suffix.lower() in IMAGE_SUFFIXES and not is_hidden(name)


def find_images(folder: str | Path) -> list[Path]:
    """All picture files in a folder and the folders in it, sorted; hidden files and folders are passed over.

    Links to folders are not followed, so a link that leads to itself ends nowhere.
    """
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not is_hidden(name)]
        found += [path for path in (Path(place, name) for name in names if is_image_name(name)) if path.is_file()]
    return sorted(found)


def printable(name: str | Path) -> str:
    r"""A file's name as text that every writer takes: one line, valid UTF-8.

    Bytes that are not UTF-8, control characters and line breaks are written as escapes (``caf\xe9.jpg``, ``a\n.jpg``);
    any other name is returned as it is.
    """
    text = str(name)
    return text if text.isascii() and text.isprintable() else ''.join(map(_printable_character, text))


def _printable_character(c: str) -> str:
    if '\udc80' <= c <= '\udcff':  # how Python holds a byte that is not UTF-8
        return f'\\x{ord(c) - 0xDC00:02x}'
    special = unicodedata.category(c) in ('Cc', 'Cs', 'Zl', 'Zp')
    return c.encode('unicode_escape').decode() if special else c


def csv_cell(text: str | Path) -> str:
    """A file's name as the cell of a table that people open with a spreadsheet: printable, and never a formula.

    A name that begins with ``=``, ``+``, ``-`` or ``@`` gets an apostrophe before it.
    """
    text = printable(text)
    return f"'{text}" if text.startswith(('=', '+', '-', '@')) else text


def picture_names(paths: Iterable[str | Path], suffix: str = '.jpg') -> dict[str, str]:
    """Name the pictures that show what was found in images: no two of them are one file, on any disk.

    A picture has the name of its image without ending; where several images would share that (also but for upper and
    lower case, or the form of accents), the whole name, then the folders before it, at last a number. Characters that
    are no part of a name everywhere are replaced by ``_``.

    Args:
        paths: Of the images; the same path has one name.
        suffix: Ending of the pictures.

    Returns:
        Path -> file name, in the order of ``paths``.
    """
    waiting = list(dict.fromkeys(map(str, paths)))
    names, taken = dict.fromkeys(waiting, ''), set()
    for depth, whole in ((1, False), (1, True), (2, False), (2, True), (3, False)):
        stems = {path: _picture_stem(path, depth, whole) for path in waiting}
        keys = {path: _one_file(stem) for path, stem in stems.items()}
        sharing = Counter(keys.values())
        for path in waiting:
            if sharing[keys[path]] == 1 and keys[path] not in taken:
                taken.add(keys[path])
                names[path] = stems[path] + suffix
        waiting = [path for path in waiting if not names[path]]
    numbers: Counter = Counter()
    for path in waiting:
        stem = _picture_stem(path, 1, False)
        while True:
            numbers[stem] += 1
            name = f'{stem}_{numbers[stem]}'
            if _one_file(name) not in taken:
                break
        taken.add(_one_file(name))
        names[path] = name + suffix
    return names


def _picture_stem(path: str, depth: int, whole: bool) -> str:
    *folders, name = Path(path).parts[-depth:] or ('image',)
    stem = '_'.join([*folders, name if whole else Path(name).stem])
    stem = ''.join('_' if c in '/\\:*?"<>|' else c for c in printable(stem))
    return stem.encode()[:200].decode(errors='ignore').rstrip('. ') or 'image'


def _one_file(name: str) -> str:
    """The same for names that are one file where letter case and the form of accents make no difference."""
    return unicodedata.normalize('NFC', name).casefold()
