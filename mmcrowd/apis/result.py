"""What a model found in one image, and how to write it down."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from mmcrowd.utils.files import printable
from mmcrowd.utils.pictures import read_image, swap_channels
from mmcrowd.visualization import draw_boxes, draw_count, draw_map, draw_points


@dataclass(frozen=True)
class CrowdResult:
    """The heads of one image, in original-image pixels.

    Attributes:
        points: ``(N, 2)`` float32 xy.
        scores: ``(N,)`` float32, larger is more certain.
        boxes: ``(N, 4)`` float32 xyxy, NaN where the model gives none.
        count: Number of heads. Models that count in a way of their own give a fraction here.
        image_path: The image file; None for an array.
        size: Width and height of the image.
        maps: The predicted maps by name, ``(C, h, w)`` float32 each, if they were asked for or are all that a model
            without points gives.
        has_points: False for a model that counts without points: then no points says nothing.
        counts: Further counts of the model by name.
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

    def __repr__(self) -> str:
        where = self.image_path or f'{self.size[0]} x {self.size[1]} px array'
        points = self.points.shape if self.has_points else None
        return f'CrowdResult(count={self.count:g}, points={points}, image={where!r})'

    def to_dict(self) -> dict:
        """Plain numbers and lists, as :meth:`save` writes them: unknown boxes are None, counts have two decimals.

        Of a model that counts without points, the lists of heads are None.
        """
        data = dict(
            image=None if self.image_path is None else printable(self.image_path),
            width=self.size[0],
            height=self.size[1],
            count=_rounded(self.count),
        )
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
        )

    def save(self, path: str | Path) -> Path:
        """Write the heads to a file; its folder is made if needed.

        Args:
            path: Ends in ``.json`` (everything but maps) or ``.csv`` (one row ``x, y, score, x1, y1, x2, y2`` per head,
                an unknown box left empty).

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
        path.parent.mkdir(parents=True, exist_ok=True)
        data = self.to_dict()
        if path.suffix.lower() == '.json':
            path.write_text(json.dumps(data))
            return path
        with path.open('w', newline='') as file:
            writer = csv.writer(file)
            writer.writerow(['x', 'y', 'score', 'x1', 'y1', 'x2', 'y2'])
            for point, score, box in zip(data['points'], data['scores'], data['boxes'], strict=True):
                writer.writerow([*point, score, *(box or [''] * 4)])
        return path

    def draw(self, image: np.ndarray | None = None, with_boxes: bool = False, copy: bool = True) -> np.ndarray:
        """Draw heads (coloured by score), or the density of a model without points, and the count.

        Args:
            image: ``(H, W, 3)`` uint8 BGR, as ``cv2.imread`` gives it; None reads ``image_path``.
            with_boxes: Whether to draw the boxes too.
            copy: Whether a given image is left as it is; False draws on it, for images that fill the memory.

        Returns:
            An image of the same shape, BGR, ready for ``cv2.imwrite``.

        Raises:
            ValueError: Neither an image nor a path is known, or the image has another size than the one predicted.
        """
        if image is None:
            if self.image_path is None:
                raise ValueError('this result was predicted from an array: pass that array to draw(image)')
            image, copy = read_image(self.image_path), False
        if image.shape[:2] != self.size[::-1]:
            raise ValueError(f'expected an image of {self.size} (width, height), found {image.shape[1::-1]}')
        drawn = swap_channels(np.array(image, order='C') if copy else image)
        if not self.has_points and 'density' in (self.maps or {}):
            drawn = draw_map(drawn, _spread(self.maps['density'][0]))
        if with_boxes:
            draw_boxes(drawn, self.boxes, copy=False)
        draw_points(drawn, self.points, scores=self.scores, copy=False)
        count = f'{self.count:,}' if isinstance(self.count, int) else f'{self.count:,.1f}'
        return swap_channels(draw_count(drawn, f'{count} heads', copy=False))


def _spread(density: np.ndarray) -> np.ndarray:
    """A density as an area that is seen: a network that learnt from points gives specks, which a picture hides."""
    return cv2.GaussianBlur(np.asarray(density, np.float32), (0, 0), max(0.01 * max(density.shape), 0.5))


def _rounded(count: float) -> float:
    """A count for people: whole numbers stay whole, fractions have two decimals."""
    return count if isinstance(count, int) else round(float(count), 2)
