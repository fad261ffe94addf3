"""Names of images: finding the file that annotations mean, and finding that two names mean one file."""

import posixpath
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from mmcrowd.utils.files import IMAGE_SUFFIXES, find_images

T = TypeVar('T')
_UPLOAD = re.compile(r'(^|/)[0-9a-f]{8}-(?=[^/]+$)')
"""What Label Studio puts before the name of an uploaded file; all its exports have it, whatever their format."""


def tidy(name: str) -> str:
    """A path with forward slashes and without ``./``, ``//`` and inner ``..``."""
    return posixpath.normpath(name.replace('\\', '/'))


def comparable(name: str) -> str:
    """What two names have in common that are one file to some file system: letter case and Unicode form apart."""
    return unicodedata.normalize('NFC', unicodedata.normalize('NFC', tidy(name)).casefold())


def stem_of(name: str) -> str:
    """A path without its suffix, if that is one of an image: 'a.b' stays, 'a.b.jpg' is 'a.b'."""
    stem, suffix = posixpath.splitext(name)
    return stem if suffix.lower() in IMAGE_SUFFIXES else name


def frame_number(name: str) -> int | None:
    """The number at the end of an image's name without its suffix; None if there is none."""
    digits = re.search(r'[0-9]{1,18}$', stem_of(name))
    return int(digits.group()) if digits else None


def require_unique(names: Iterable[tuple[str, str]], what: str = 'image') -> None:
    """Refuse names that are given twice, or that some file system takes for one.

    Args:
        names: Each name, and where it was found.
        what: What is named.

    Raises:
        ValueError: Two are one; names both.
    """
    seen: dict[str, tuple[str, str]] = {}
    for name, source in names:
        key = comparable(name)
        if key in seen:
            other, first = seen[key]
            spelled = '' if other == name else f', there spelled {other}'
            raise ValueError(f'{source}: expected every {what} once, found {name} again (first in {first}{spelled})')
        seen[key] = name, source


class ImageNames:
    """The images in a folder, and which of them a name means.

    A name is looked for as it is, with slashes turned, and as the end of a path or a path whose end is that of an image
    here (annotations name images by the folders of another machine); then without regard to letter case and Unicode
    form; then by its stem, for names without suffix or with another one; at last without the prefix that Label Studio
    gives to uploaded files. What more than one image fits is refused.

    Args:
        folder: The folder; None if it is not known: names then stay as they are, with forward slashes.
        faults: Gets a line about each name that fits no image or several, or comes again, instead of an error.
    """

    def __init__(self, folder: str | Path | None = None, faults: list[str] | None = None) -> None:
        self.faults = faults
        self.folder = None if folder is None else Path(folder)
        self.listing: list[str] = []
        if self.folder is not None:
            self.listing = [f.relative_to(self.folder).as_posix() for f in find_images(self.folder)]
        forms = (lambda name: name, comparable, lambda name: comparable(stem_of(name)))
        self._known = [self._by_last_part(form) for form in forms]
        self._numbered: dict[str, dict[int, list[str]]] = {}

    def _by_last_part(self, form) -> dict[str, list[tuple[str, str]]]:
        found = defaultdict(list)
        for path in self.listing:
            found[posixpath.basename(form(path))].append((form(path), path))
        return found

    def find(self, source: str, *names: str) -> str:
        """The path of the image, relative to the folder, that the first of ``names`` to mean one means.

        Where none is found, the first name is returned, tidied: whoever opens the image will miss it.

        Raises:
            ValueError: No name, or several images fit.
        """
        if not names or not all(isinstance(name, str) and name.strip(' ./\\') for name in names):
            raise ValueError(f'{source}: expected the name of an image, found {names[-1] if names else None!r}')
        if any('\0' in name for name in names):
            raise ValueError(f'{source}: expected the name of an image, found a NUL byte in {names[0]!r}')
        doubt = None
        for name in names:
            try:
                found = self.lookup(source, name)
            except ValueError as error:
                found, doubt = None, doubt or error
            if found is not None:
                return found
        if doubt is not None:
            self._fault(doubt)
        return tidy(names[0])

    def _fault(self, error: Exception) -> None:
        if self.faults is None:
            raise error
        self.faults.append(f'{error}; left out')

    def once(self, items: list[T], name_and_source: Callable[[T], tuple[str, str]]) -> list[T]:
        """Refuse images that are named again, see :func:`require_unique`; or, with ``faults``, leave them out."""
        kept: list[T] = []
        if self.faults is None:
            require_unique(map(name_and_source, items))
            return items
        seen: set[str] = set()
        for item in items:
            name, source = name_and_source(item)
            if comparable(name) in seen:
                self.faults.append(f'{source}: {name} again; left out, the first is taken')
            else:
                kept.append(item)
            seen.add(comparable(name))
        return kept

    def find_stem(self, source: str, stem: str) -> str:
        """The image of an annotation file of this name; '<stem>.jpg' if the folder is not known.

        Raises:
            FileNotFoundError: There is none.
            ValueError: Several fit.
        """
        if self.folder is None:
            return f'{stem}.jpg'
        try:
            found = self.lookup(source, stem)
            if found is None:
                raise FileNotFoundError(f'{source}: no image in {self.folder} belongs to this file')
        except (ValueError, FileNotFoundError) as error:
            self._fault(error)
            return f'{stem} (no image)'
        return found

    def lookup(self, source: str, name: str) -> str | None:
        """As :meth:`find`, for one name; None if no image fits."""
        exact, alike, stems = self._known
        tidied = tidy(name)
        tries = ((exact, name), (exact, tidied), (alike, comparable(name)), (stems, comparable(name)))
        for known, wanted in (*tries, (stems, comparable(stem_of(tidied)))):
            fitting = [item for item in known.get(posixpath.basename(wanted), ()) if _one_ends_other(item[0], wanted)]
            best = max((_rank(form, wanted) for form, _ in fitting), default=0)
            paths = [path for form, path in fitting if _rank(form, wanted) == best]
            if len(paths) > 1:
                raise ValueError(f'{source}: {name} may be {paths[0]} or {paths[1]} in {self.folder}: rename one')
            if paths:
                return paths[0]
        bare = _UPLOAD.sub(r'\1', tidied)
        return self.lookup(source, bare) if bare != tidied else None

    def find_numbered(self, source: str, number: int, folder: str = '') -> str:
        """The image of a frame: the only one below ``folder`` whose name, without its suffix, ends in this number.

        Raises:
            ValueError: None or several do.
        """
        found = self.numbered(folder).get(number, [])
        if self.folder is None:
            raise ValueError(f'{source}: frames have numbers and no names: give the folder of the images')
        if len(found) != 1:
            inside = self.folder / folder
            text = f'{found[0]} and {found[1]}' if found else 'none'
            self._fault(
                ValueError(f'{source}: expected one image in {inside} whose name ends in {number}, found {text}')
            )
            return f'{folder}/{number} (no image)'
        return found[0]

    def numbered(self, folder: str = '') -> dict[int, list[str]]:
        """Number at the end of the stem -> images below ``folder``."""
        if folder not in self._numbered:
            self._numbered[folder] = found = defaultdict(list)
            for path in self.listing:
                number = frame_number(path)
                if number is not None and (not folder or path.startswith(f'{folder}/')):
                    found[number].append(path)
        return self._numbered[folder]

    def unlisted(self, used: Iterable[str]) -> list[str]:
        """Images of the folder that are not among ``used``."""
        return sorted(set(self.listing) - set(used))


def _one_ends_other(one: str, other: str) -> bool:
    return one == other or one.endswith('/' + other) or other.endswith('/' + one)


def _rank(form: str, wanted: str) -> int:
    """How well a path fits: itself, then the longest end of the name, then a path that the name is the end of."""
    return len(form) * 2 + 2 if len(form) <= len(wanted) else 1
