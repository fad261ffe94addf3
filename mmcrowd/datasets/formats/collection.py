"""Annotated images, as all formats have them in common."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np

from mmcrowd.utils.pictures import image_size

from ..naming import stem_of

IGNORE = 'ignore'
"""Label of boxes that are regions to ignore."""


@dataclass
class AnnotatedImage:
    """One image with its heads, in pixels of the upright image, counted from 0.

    Attributes:
        img_path: Path relative to the folder of the images, with forward slashes.
        points: (N, 2) float64 xy.
        boxes: (N, 4) float64 xyxy, NaN where there is none.
        labels: (N,) int64 indices of classes.
        ignore_boxes: (M, 4) float64 xyxy, regions where nothing is annotated.
        size: (width, height), if the annotations say it.
        extra: Other JSON values.
    """

    img_path: str
    points: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    ignore_boxes: np.ndarray = field(default_factory=lambda: np.zeros((0, 4)))
    size: tuple[int, int] | None = None
    extra: dict = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.points)


class Notes(Counter[str]):
    """What a reader left out or guessed: note -> how often; ``where`` says how often in which image or file."""

    def __init__(self) -> None:
        super().__init__()
        self.where: dict[str, Counter[str]] = {}

    def add(self, note: str, place: str, number: int = 1) -> None:
        """Count ``number`` more of a note."""
        if number:
            self[note] += number
            self.where.setdefault(note, Counter())[place] += number

    def lines(self, places: int = 20) -> list[str]:
        """A line for each note, with the first ``places`` images or files."""
        made = []
        for note, number in self.items():
            where = list(self.where.get(note, {}).items())
            named = ', '.join(f'{place} {count}' for place, count in where[:places])
            more = f' and {len(where) - places} more' if len(where) > places else ''
            made.append(f'{number} {note}' + (f': {named}{more}' if named else ''))
        return made


@dataclass
class Collection:
    """Annotated images and the names of their classes.

    Attributes:
        notes: What a reader left out or guessed.
        unread: Images that have an entry, of which nothing could be read: not annotated, or shapes of other types.
        unlisted: Images of the folder that have no entry.
    """

    classes: tuple[str, ...]
    images: list[AnnotatedImage]
    notes: Notes = field(default_factory=Notes)
    unread: list[str] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)


def has_box(image: AnnotatedImage) -> np.ndarray:
    """(N,) bool: the head has a box."""
    return ~np.isnan(image.boxes).any(axis=1)


def point_is_centre(image: AnnotatedImage) -> np.ndarray:
    """(N,) bool: the head's point is the centre of its box, to a thousandth of a pixel."""
    centres = (image.boxes[:, :2] + image.boxes[:, 2:]) / 2
    return (np.abs(centres - image.points) < 1e-3).all(axis=1)


def require_boxes(images: Iterable[AnnotatedImage], name: str) -> None:
    """Refuse heads without box.

    Raises:
        ValueError: There are some; says what can be done.
    """
    for image in images:
        missing = int((~has_box(image)).sum())
        if missing:
            raise ValueError(
                f'{image.img_path}: {missing} of {len(image)} heads have a point and no box, but {name} holds boxes: '
                'the size of a head cannot be told from its point. Annotate boxes, or write a format that holds points'
            )


def require_centres(images: Iterable[AnnotatedImage], name: str, lossy: bool) -> None:
    """Refuse points that a format of boxes alone would move.

    Raises:
        ValueError: There are some, and ``lossy`` is False.
    """
    for image in images if not lossy else ():
        moved = int((~point_is_centre(image)).sum())
        if moved:
            raise ValueError(
                f'{image.img_path}: {moved} of {len(image)} points are not at the centre of their box, and {name} '
                'holds boxes alone: the points would move. Write another format, or allow the loss'
            )


def require_points(images: Iterable[AnnotatedImage], what: str, lossy: bool) -> None:
    """Refuse what files of points alone do not hold.

    Raises:
        ValueError: There are boxes, regions or several classes, and ``lossy`` is False.
    """
    for image in images if not lossy else ():
        if has_box(image).any() or len(image.ignore_boxes) or image.labels.any():
            raise ValueError(
                f'{image.img_path}: {what} points of one class alone; boxes, regions to ignore and other classes would '
                'be lost. Allow the loss, or write another format'
            )


def require_xml_names(collection: Collection) -> None:
    """Refuse names with characters that XML cannot hold: control characters, bytes that are not UTF-8.

    Raises:
        ValueError: There is one; names it.
    """
    for name in (*collection.classes, *(image.img_path for image in collection.images)):
        if re.search('[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]', name):
            raise ValueError(
                f'{name!r}: expected a name that XML can hold, found a control character or another encoding'
            )


def require_lines(collection: Collection, what: str) -> None:
    """Refuse names that do not fit into one line of text in UTF-8.

    Raises:
        ValueError: There is one; names it.
    """
    for name in (*collection.classes, *(image.img_path for image in collection.images)):
        if (
            len(name.splitlines()) > 1
            or '\0' in name
            or (not name.isprintable() and re.search('[\ud800-\udfff]', name))
        ):
            raise ValueError(f'{name!r}: expected a name of one line in UTF-8 for {what}')


def size_of(image: AnnotatedImage, folder: str | Path | None, name: str) -> tuple[int, int]:
    """(width, height) of the image, from its file if the annotations do not say it.

    Raises:
        ValueError: Neither says it.
    """
    if image.size is not None:
        return image.size
    if folder is None:
        raise ValueError(f'{image.img_path}: {name} needs the size of every image: give the folder of the images')
    return image_size(Path(folder) / image.img_path)


def require_joinable(images: Iterable[AnnotatedImage], name: str, lossy: bool) -> None:
    """Refuse points outside their box, where point and box are two shapes of a group: they would be read as two heads.

    Raises:
        ValueError: There are some, and ``lossy`` is False.
    """
    for image in images if not lossy else ():
        low, high = image.boxes[:, :2], image.boxes[:, 2:]
        apart = int((has_box(image) & ((image.points < low) | (image.points > high)).any(axis=1)).sum())
        if apart:
            raise ValueError(
                f'{image.img_path}: {apart} of {len(image)} points are outside their box, and {name} has point and box '
                'apart, which only a box around its point joins: they would become two heads. Write another format, or '
                'allow that'
            )


def file_for(image: AnnotatedImage, folder: str | Path, suffix: str, prefix: str = '') -> Path:
    """The file in ``folder`` that belongs to an image, in a subfolder of it if the image is in one."""
    place = PurePosixPath(stem_of(image.img_path))
    file = Path(folder) / place.with_name(f'{prefix}{place.name}{suffix}')
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


def write_json(path: str | Path, content: dict, rows: str | None = None) -> None:
    """Write JSON that every reader takes; of the list that ``rows`` names, an item per line, five times as fast.

    Raises:
        ValueError: A number in it is not finite.
    """
    path = Path(path)
    try:
        text = json.dumps(content, indent=1, allow_nan=False) if rows is None else _by_rows(content, rows)
    except ValueError as error:
        raise ValueError(f'{path}: cannot be written, a number in it is not finite: {error}') from error
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + '\n')


def _by_rows(content: dict, rows: str) -> str:
    def dump(value: object) -> str:
        return json.dumps(value, allow_nan=False)

    values = {
        key: '[\n' + ',\n'.join(map(dump, item)) + '\n]' if key == rows else dump(item) for key, item in content.items()
    }
    return '{' + ',\n'.join(f'{dump(key)}: {value}' for key, value in values.items()) + '}'
