"""Which files are pictures, which are nobody's data, and how a file's name is written down."""

from __future__ import annotations

import functools
import os
import unicodedata
from pathlib import Path

IMAGE_SUFFIXES = (
    *('.bmp', '.gif', '.jfif', '.jpe', '.jpeg', '.jpg', '.pgm', '.png', '.pnm', '.ppm', '.tif', '.tiff', '.webp'),
)
"""Endings of the pictures that are always read, in lower case. The one list of the package."""

_OPTIONAL_SUFFIXES = {'.avif': 'AVIF', '.heic': 'HEIF', '.heif': 'HEIF'}
_HIDDEN_NAMES = frozenset(('thumbs.db', 'ehthumbs.db', 'desktop.ini', '__macosx', '$recycle.bin'))


@functools.cache
def image_suffixes() -> tuple[str, ...]:
    """:data:`IMAGE_SUFFIXES`, and AVIF and HEIC where the installed Pillow or the plug-in pillow-heif reads them."""
    from .pictures import readable_formats

    return IMAGE_SUFFIXES + tuple(suffix for suffix, name in _OPTIONAL_SUFFIXES.items() if name in readable_formats())


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
    return Path(name).suffix.lower() in image_suffixes() and not is_hidden(name)


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
    return ''.join(map(_printable_character, str(name)))


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
