"""What a model found in one image, and how to write it down."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmcrowd.utils.files import printable
from mmcrowd.utils.pictures import read_image, swap_channels
from mmcrowd.visualization import CrowdDensity, Drawable, check_styles, draw_beside_truth, draw_crowd

if TYPE_CHECKING:
    import supervision


@dataclass(frozen=True)
class CrowdResult:
    """The heads of one image, in original-image pixels.

    Attributes:
        points: ``(N, 2)`` float32 xy.
        scores: ``(N,)`` float32, larger is more certain.
        boxes: ``(N, 4)`` float32 xyxy, NaN where the model gives none.
        count: Number of heads. Models that count in a way of their own give a fraction here.
        image_path: The image file; None for an array. Of a frame, the video or ``camera 0``.
        size: Width and height of the image.
        maps: The predicted maps by name, ``(C, h, w)`` float32 each, if they were asked for or are all that a model
            without points gives.
        has_points: False for a model that counts without points: then no points says nothing.
        counts: Further counts of the model by name.
        frame: Number of the frame in its video, from 0; None for an image.
        seconds: When the frame is shown, seconds from the start; None for an image.
        interval: Lowest and highest number of heads that the count allows for, both inclusive; None where the weights
            have no intervals (:class:`mmcrowd.apis.CountIntervals`, which says for which images they hold).
    """

    points: np.ndarray
    scores: np.ndarray
    boxes: np.ndarray
    count: float
    image_path: str | None
    size: tuple[int, int]
    maps: dict[str, np.ndarray] | None = None
    has_points: bool = True
    counts: dict[str, float] = field(default_factory=dict)
    frame: int | None = None
    seconds: float | None = None
    interval: tuple[float, float] | None = None

    def __repr__(self) -> str:
        where = self.image_path or f'{self.size[0]} x {self.size[1]} px array'
        points = self.points.shape if self.has_points else None
        frame = '' if self.frame is None else f', frame={self.frame}'
        sure = '' if self.interval is None else f', interval={self.interval}'
        return f'CrowdResult(count={self.count:g}{sure}, points={points}, image={where!r}{frame})'

    def to_dict(self) -> dict:
        """Plain numbers and lists, as :meth:`save` writes them: unknown boxes are None, counts have two decimals.

        Of a model that counts without points, the lists of heads are None. ``frame`` and ``seconds`` are those of a
        frame and there for frames only, ``interval`` is there where the weights have intervals.
        """
        data = dict(
            image=None if self.image_path is None else printable(self.image_path),
            width=self.size[0],
            height=self.size[1],
            **self._summary(),
        )
        if self.frame is not None:
            data |= dict(frame=self.frame, seconds=round(self.seconds, 3))
        if self.counts:
            data['counts'] = {name: _rounded(count) for name, count in self.counts.items()}
        if not self.has_points:
            return dict(data, points=None, scores=None, boxes=None)
        boxes = [row if np.isfinite(row).all() else None for row in np.asarray(self.boxes, np.float64).round(2)]
        return dict(
            data,
            points=np.asarray(self.points, np.float64).round(2).tolist(),
            scores=np.asarray(self.scores, np.float64).round(4).tolist(),
            boxes=[None if row is None else row.tolist() for row in boxes],
        )

    @classmethod
    def from_dict(cls, data: dict) -> CrowdResult:
        """The result that :meth:`to_dict` wrote down."""
        boxes = [[np.nan] * 4 if box is None else box for box in data['boxes'] or []]
        return cls(
            points=np.asarray(data['points'] or [], np.float32).reshape(-1, 2),
            scores=np.asarray(data['scores'] or [], np.float32).reshape(-1),
            boxes=np.asarray(boxes, np.float32).reshape(-1, 4),
            count=data['count'],
            image_path=data['image'],
            size=(data['width'], data['height']),
            has_points=data['points'] is not None,
            counts=data.get('counts', {}),
            frame=data.get('frame'),
            seconds=data.get('seconds'),
            interval=None if data.get('interval') is None else tuple(data['interval']),
        )

    def to_json(self) -> str:
        """:meth:`to_dict` as JSON: everything but maps."""
        return json.dumps(self.to_dict())

    def to_csv(self) -> str:
        """A table with a line ``x, y, score, x1, y1, x2, y2`` per head, original pixels; an unknown box is left empty.

        Raises:
            ValueError: The model counts without points.
        """
        self._need_points('no rows for a table')
        data, text = self.to_dict(), io.StringIO(newline='')
        writer = csv.writer(text)
        writer.writerow(['x', 'y', 'score', 'x1', 'y1', 'x2', 'y2'])
        for point, score, box in zip(data['points'], data['scores'], data['boxes'], strict=True):
            writer.writerow([*point, score, *(box or [''] * 4)])
        return text.getvalue()

    def to_coco(self, file_name: str | None = None, image_id: int = 1, first_id: int = 1) -> dict:
        """The heads as COCO annotations: a dict of ``images`` (this one), ``annotations`` and ``categories``.

        A head is an object of the category ``head`` with one keypoint, its point ``[x, y, 2]``, and with ``score``, as
        in files of COCO results. ``bbox`` ``[x, y, width, height]`` and ``area`` are there where the model gives a box,
        and nowhere else. The image has ``count`` too and, where the weights have intervals, ``interval``.
        :mod:`mmcrowd.datasets.formats` reads it under the name ``coco``, without scores and counts.

        Args:
            file_name: Of the image in the dict; None is the name of ``image_path`` without its folder.
            image_id: Number of the image: to join several images in one file, give each its own, and join the lists.
            first_id: Number of the first head.

        Raises:
            ValueError: The model counts without points, or no name is known.
        """
        self._need_points('no objects')
        file_name = file_name or (self.image_path and Path(printable(self.image_path)).name)
        if file_name is None:
            raise ValueError('this result was predicted from an array: give the file_name that COCO wants')
        data = self.to_dict()
        annotations = []
        heads = zip(data['points'], data['scores'], data['boxes'], strict=True)
        for number, (point, score, box) in enumerate(heads, first_id):
            head = dict(id=number, image_id=image_id, category_id=1, keypoints=[*point, 2], num_keypoints=1, iscrowd=0)
            if box is not None:
                width, height = round(box[2] - box[0], 2), round(box[3] - box[1], 2)
                head |= dict(bbox=[*box[:2], width, height], area=round(width * height, 2))
            annotations.append(dict(head, score=score))
        return dict(
            images=[dict(id=image_id, file_name=file_name, width=self.size[0], height=self.size[1], **self._summary())],
            annotations=annotations,
            categories=[dict(id=1, name='head', keypoints=['head'])],
        )

    def to_supervision(self) -> supervision.Detections:
        """The heads as ``supervision.Detections``, for its zones, lines and annotators.

        A head without a box has one of no size at its point, so that the anchor ``Position.CENTER`` is the head; the
        points of all heads are in ``data['points']``, ``(N, 2)``. All are of class 0. ``metadata`` has ``count`` and,
        where the weights have intervals, ``interval``.

        Raises:
            ImportError: The package supervision is missing.
            ValueError: The model counts without points.
        """
        self._need_points('no detections')
        if find_spec('supervision') is None:
            raise ImportError('to_supervision needs the package supervision: pip install "supervision>=0.25"')
        import supervision

        known = np.isfinite(self.boxes).all(axis=1, keepdims=True)
        return supervision.Detections(
            xyxy=np.where(known, self.boxes, np.tile(self.points, 2)).astype(np.float32),
            confidence=self.scores.astype(np.float32),
            class_id=np.zeros(len(self.points), int),
            data=dict(points=self.points),
            metadata=self._summary(),
        )

    def save(self, path: str | Path) -> Path:
        """Write the heads to a file; its folder is made if needed.

        Args:
            path: Ends in ``.json`` (:meth:`to_json`) or ``.csv`` (:meth:`to_csv`).

        Returns:
            The path.

        Raises:
            ValueError: Another ending, or a table of heads of a model that counts without points.
        """
        path = Path(path)
        if path.suffix.lower() not in ('.json', '.csv'):
            raise ValueError(f'{path}: expected a file name that ends in .json or .csv')
        if path.suffix.lower() == '.csv' and not self.has_points:
            raise ValueError(f'{path}: the model counts without points, there are no rows to write; save as .json')
        text = self.to_json() if path.suffix.lower() == '.json' else self.to_csv()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, newline='')
        return path

    def draw(
        self,
        image: np.ndarray | None = None,
        styles: Sequence[str] | None = None,
        copy: bool = True,
        text: str | None = None,
        annotated: np.ndarray | None = None,
        match_radius: float = 8.0,
    ) -> np.ndarray:
        """Draw what was found on the image, and the count with its interval; or beside what is annotated.

        Densities are those of the predicted map ``density`` if :attr:`maps` has it, else of the points, smoothed with a
        kernel whose width the legend says (:class:`mmcrowd.visualization.CrowdDensity`).

        Args:
            image: ``(H, W, 3)`` uint8 BGR, as ``cv2.imread`` gives it; None reads ``image_path``.
            styles: Some of :data:`mmcrowd.visualization.STYLES`: ``points`` (coloured by score), ``boxes``,
                ``density`` (a heat map), ``contours`` (bands of equal density). None is points, or the density of a
                model without points.
            copy: Whether a given image is left as it is; False draws on it, for images that fill the memory.
            text: Stands in the corner instead of the count; '' for nothing.
            annotated: ``(N, 2)`` xy of the annotated heads, pixels of the image: the picture then has two panels,
                annotated and predicted, with found, missed and false heads and F1 if points are drawn alone. ``text``
                and ``copy`` do not matter then.
            match_radius: Largest distance of a predicted head from its annotated one, pixels.

        Returns:
            An image of the same shape, wider and higher with ``annotated``; BGR, ready for ``cv2.imwrite``.

        Raises:
            ValueError: Neither an image nor a path is known, the image has another size than the one predicted, or a
                style is unknown or not to be had of this model.
        """
        if image is None:
            if self.image_path is None or self.frame is not None:
                found = 'an array' if self.frame is None else 'a frame'
                raise ValueError(f'this result was predicted from {found}: pass its pixels to draw(image)')
            image, copy = read_image(self.image_path), False
        if image.shape[:2] != self.size[::-1]:
            raise ValueError(f'expected an image of {self.size} (width, height), found {image.shape[1::-1]}')
        styles, crowd = self._drawable(styles)
        drawn = swap_channels(np.array(image, order='C') if copy or annotated is not None else image)
        count = count_text(self.count)
        if annotated is None:
            sure = '' if self.interval is None else ' ({:,} to {:,})'.format(*self.interval)
            drawn = draw_crowd(drawn, crowd, styles, f'{count} heads{sure}' if text is None else text)
        else:
            drawn = draw_beside_truth(drawn, annotated, crowd, styles, match_radius, count)
        return swap_channels(drawn)

    def _drawable(self, styles: Sequence[str] | None) -> tuple[tuple[str, ...], Drawable]:
        """The styles in the order of painting, and what they draw."""
        map = (self.maps or {}).get('density')
        if styles is None:
            styles = ('points',) if self.has_points else () if map is None else ('density',)
        styles = check_styles(styles)
        if not self.has_points and (set(styles) & {'points', 'boxes'} or (styles and map is None)):
            can = 'nothing' if map is None else 'density and contours'
            raise ValueError(f'the model counts without points: {can} can be drawn, found {", ".join(styles)}')
        density = None
        if map is not None and {'density', 'contours'} & set(styles):
            density = CrowdDensity.of_map(map[0], self.size[::-1])
        return styles, Drawable(self.points, self.boxes, self.scores, density)

    def _summary(self) -> dict:
        sure = {} if self.interval is None else dict(interval=list(self.interval))
        return dict(count=_rounded(self.count), **sure)

    def _need_points(self, lacking: str) -> None:
        if not self.has_points:
            raise ValueError(f'the model counts without points: {lacking}; take to_json, or a model that locates')


def count_text(count: float) -> str:
    """A count or a sum of counts for people to read, in whole heads: files have the fractions of a sum of densities."""
    return f'{round(float(count)):,}'


def amount(number: int, what: str) -> str:
    """``1 image``, ``2 images``."""
    return f'{number:,} {what}{"" if number == 1 else "s"}'


def _rounded(count: float) -> float:
    """A count for people: whole numbers stay whole, fractions have two decimals."""
    return count if isinstance(count, int) else round(float(count), 2)
