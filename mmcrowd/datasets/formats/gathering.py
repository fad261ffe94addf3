"""Gathering heads image by image, as all readers do it."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..naming import ImageNames
from .collection import IGNORE, AnnotatedImage, Collection, Notes
from .records import FARTHEST


class Gatherer:
    """Gathers images while a reader walks through files.

    Args:
        path: What is read.
        images: Names of the images.
        classes: Names of the classes that the files list; others are appended as they are met.
    """

    def __init__(self, path: str | Path, images: ImageNames, classes: Iterable[str] = ()) -> None:
        self.path, self.names, self.notes = path, images, Notes()
        self.classes = [name for name in dict.fromkeys(classes) if name != IGNORE]
        self.builders: list[ImageBuilder] = []
        self.unread: list[str] = []

    def image(self, source: str, name: str, size: tuple[int, int] | None = None) -> 'ImageBuilder':
        """A builder of one more image; ``source`` says where it is described, ``name`` is its path."""
        self.builders.append(ImageBuilder(self, source, name, size))
        return self.builders[-1]

    def leave_out(self, name: str, note: str) -> None:
        """Leave an image out."""
        self.unread.append(name)
        self.notes.add(note, name)

    def collection(self) -> Collection:
        """All images but those all of whose shapes were left out; these are counted.

        Raises:
            ValueError: An image is there twice, or none is left.
        """
        made = []
        for builder in self.names.once(self.builders, lambda builder: (builder.name, builder.source)):
            if builder.left_out and not builder.heads and not builder.regions:
                self.leave_out(builder.name, 'images of which no shape could be read, left out')
            else:
                made.append(builder.build())
        if not made:
            reasons = '; '.join(self.notes.lines(3))
            raise ValueError(
                f'{self.path}: expected annotated images, found none' + (f' ({reasons})' if reasons else '')
            )
        return Collection(tuple(self.classes or ['head']), made, self.notes, self.unread)


class ImageBuilder:
    """Gathers the heads of one image.

    Args:
        gatherer: Of all images; has the classes and the notes.
        source: Named in errors: where the image is described.
        name: Its path.
        size: (width, height), if it is known.
    """

    def __init__(self, gatherer: Gatherer, source: str, name: str, size: tuple[int, int] | None) -> None:
        self.gatherer, self.source, self.name, self.size = gatherer, source, name, size
        self.heads: list[_Head] = []
        self.regions: list[Sequence[float]] = []
        self.left_out = 0

    def add(
        self,
        label: str,
        point: Sequence[float] | None = None,
        box: Sequence[float] | None = None,
        group: object = None,
        source: str | None = None,
    ) -> None:
        """Add a head, or a region to ignore if that is its label.

        Args:
            label: Name of its class.
            point: Pixels xy.
            box: Pixels xyxy. One without area counts as missing; without a point as well, nothing is left of the head.
            group: Of a point and a box with the same group (not None) and label, of which the point is in the box, one
                head is made.
            source: Named in errors.

        Raises:
            ValueError: Coordinates that are no finite pixels, a box turned around, or a region without a box.
        """
        source = source or self.source
        point, box = _pixels(source, point, 'point'), _pixels(source, box, 'box')
        if box is not None:
            if box[2] < box[0] or box[3] < box[1]:
                raise ValueError(f'{source}: expected a box from its left upper to its right lower corner, found {box}')
            if box[2] == box[0] or box[3] == box[1]:
                box = None
                if point is None or label == IGNORE:
                    return self.leave_out('boxes without area')
        if label == IGNORE:
            if box is None:
                raise ValueError(f'{source}: expected a box for a region of class {label!r}, found a point')
            self.regions.append(box)
            return None
        if label not in self.gatherer.classes:
            self.gatherer.classes.append(label)
        self.heads.append(_Head(self.gatherer.classes.index(label), point, box, group))
        return None

    def note(self, note: str) -> None:
        """Count what was guessed."""
        self.gatherer.notes.add(note, self.name)

    def leave_out(self, what: str) -> None:
        """Count something that was not read."""
        self.left_out += 1
        self.note(f'{what}, left out')

    def build(self) -> AnnotatedImage:
        """The image; a head without point gets the centre of its box."""
        heads = _joined(self.heads)
        boxes = np.array([[np.nan] * 4 if head.box is None else head.box for head in heads]).reshape(-1, 4)
        points = [head.centre if head.point is None else head.point for head in heads]
        return AnnotatedImage(
            img_path=self.name,
            points=np.array(points, dtype=np.float64).reshape(-1, 2),
            boxes=boxes,
            labels=np.array([head.label for head in heads], dtype=np.int64),
            ignore_boxes=np.array(self.regions, dtype=np.float64).reshape(-1, 4),
            size=self.size,
        )


@dataclass
class _Head:
    label: int
    point: Sequence[float] | None
    box: Sequence[float] | None
    group: object = None

    @property
    def centre(self) -> tuple[float, float]:
        return (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2

    def holds(self, point: Sequence[float]) -> bool:
        """Whether the point is in the box, to a thousandth of a pixel: programs round."""
        x1, y1, x2, y2 = self.box
        return x1 - 1e-3 <= point[0] <= x2 + 1e-3 and y1 - 1e-3 <= point[1] <= y2 + 1e-3


def _joined(heads: list[_Head]) -> list[_Head]:
    """Join each lone point with the box of its group and label that holds it, the nearest pairs first."""
    groups: dict[tuple, tuple[list[int], list[int]]] = {}
    for row, head in enumerate(heads):
        if head.group is not None and (head.point is None or head.box is None):
            groups.setdefault((head.group, head.label), ([], []))[head.point is None].append(row)
    gone = set()
    heads = list(heads)
    for lone, boxed in groups.values():
        fitting = [(p, b) for p in lone for b in boxed if heads[b].holds(heads[p].point)]
        pairs = sorted((math.dist(heads[p].point, heads[b].centre), p, b) for p, b in fitting)
        taken: set[int] = set()
        for _, p, b in pairs:
            if not taken & {p, b}:
                taken |= {p, b}
                heads[min(p, b)] = _Head(heads[p].label, heads[p].point, heads[b].box)
                gone.add(max(p, b))
    return [head for row, head in enumerate(heads) if row not in gone]


def _pixels(source: str, values: Sequence[float] | None, what: str) -> list[float] | None:
    if values is None:
        return None
    values = [float(value) for value in values]
    if not all(abs(value) <= FARTHEST for value in values):
        raise ValueError(f'{source}: expected a {what} of finite pixels, found {values}')
    return values
