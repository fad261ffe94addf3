"""Annotated images, as all formats have them in common."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np

from ..crowd_dataset import image_size
from ..readers import as_rows


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


@dataclass
class Collection:
    """Annotated images and the names of their classes; ``notes`` counts what a reader left out or guessed."""

    classes: tuple[str, ...]
    images: list[AnnotatedImage]
    notes: Counter = field(default_factory=Counter)


class ImageBuilder:
    """Gathers the heads of one image while a reader walks through a file.

    Args:
        source: Named in errors: the file, and the image in it.
        classes: Names of the classes; names that are not yet in it are appended.
        ignore: Class name whose boxes are regions to ignore.
    """

    def __init__(self, source: str, classes: list[str], ignore: str = 'ignore') -> None:
        self.source, self.classes, self.ignore = source, classes, ignore
        self.heads: list[tuple] = []
        self.regions: list[Sequence[float]] = []
        self.joined: dict = {}

    def add(self, name: str, point: Sequence | None = None, box: Sequence | None = None, key: object = None) -> None:
        """Add a head; a point and a box with the same ``key`` (not None) are one head.

        Raises:
            ValueError: Something is not a number, or a region to ignore has no box.
        """
        point, box = self.numbers(point, 2), self.numbers(box, 4)
        if box is not None:
            box = [min(box[0], box[2]), min(box[1], box[3]), max(box[0], box[2]), max(box[1], box[3])]
        if name == self.ignore:
            if box is None:
                raise ValueError(f'{self.source}: expected a box for a region of class {name!r}, found a point')
            self.regions.append(box)
            return
        if name not in self.classes:
            self.classes.append(name)
        row = self.joined.get(key) if key is not None else None
        if row is not None and self._fits(self.heads[row], point, box):
            old = self.heads[row]
            self.heads[row] = (old[0], point if old[1] is None else old[1], box if old[2] is None else old[2])
            return
        if key is not None:
            self.joined[key] = len(self.heads)
        self.heads.append((self.classes.index(name), point, box))

    @staticmethod
    def _fits(head: tuple, point: Sequence | None, box: Sequence | None) -> bool:
        return (head[1] is None or point is None) and (head[2] is None or box is None)

    def numbers(self, values: Sequence | None, count: int) -> list[float] | None:
        """``count`` finite floats; None stays None.

        Raises:
            ValueError: Something else; names the source.
        """
        if values is None:
            return None
        try:
            numbers = [float(value) for value in values]
        except (TypeError, ValueError):
            numbers = []
        if len(numbers) != count or not np.isfinite(numbers).all():
            raise ValueError(f'{self.source}: expected {count} numbers, found {values!r}')
        return numbers

    def build(self, img_path: str, size: tuple[int, int] | None = None, **extra) -> AnnotatedImage:
        """The image; a head without point gets the centre of its box."""
        boxes = np.array([[np.nan] * 4 if box is None else box for _, _, box in self.heads]).reshape(-1, 4)
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2
        points = [centre if point is None else point for centre, (_, point, _) in zip(centres, self.heads, strict=True)]
        return AnnotatedImage(
            img_path=img_path,
            points=np.array(points, dtype=np.float64).reshape(-1, 2),
            boxes=boxes,
            labels=np.array([label for label, _, _ in self.heads], dtype=np.int64),
            ignore_boxes=np.array(self.regions, dtype=np.float64).reshape(-1, 4),
            size=size,
            extra=extra,
        )


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


def file_for(image: AnnotatedImage, folder: str | Path, suffix: str) -> Path:
    """The file in ``folder`` that belongs to an image, in a subfolder of it if the image is in one.

    Raises:
        ValueError: The image's path leads out of the folder.
    """
    place = PurePosixPath(image.img_path)
    if place.is_absolute() or '..' in place.parts:
        raise ValueError(f'{image.img_path}: expected a path within the folder of the images')
    file = (Path(folder) / place).with_suffix(suffix)
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


def rows(source: object, value: object, columns: int, what: str) -> np.ndarray:
    """``value`` (None, or a list of rows that may be None) as (N, columns) float64, with NaN for None.

    Raises:
        ValueError: Another shape, or something that is not a number.
    """
    try:
        filled = [[np.nan] * columns if row is None else row for row in value or []]
        return as_rows(str(source), np.array(filled, dtype=np.float64), columns, what)
    except (TypeError, ValueError) as error:
        raise ValueError(f'{source}: expected {what} as rows of {columns} numbers, found {error}') from error
