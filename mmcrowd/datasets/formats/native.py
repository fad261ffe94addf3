"""mmcrowd's own annotation file, which is also what CrowdDataset reads.

One JSON object::

    {"metainfo": {"classes": ["head"]},
     "data_list": [
       {"img_path": "a.jpg",                       relative to the folder of the images
        "points": [[x, y], ...],                   pixels of the upright image from its upper left corner
        "boxes": [[x1, y1, x2, y2] or null, ...],  optional, one per point
        "labels": [0, ...],                        optional, indices of classes, one per point
        "ignore_boxes": [[x1, y1, x2, y2], ...],   optional, regions where nothing is annotated
        "width": w, "height": h,                   optional, checked against the image
        "group": "video 7",                        optional: images of one group are never parted by a split
        ...}]}                                     any other key is kept

``points`` may be left out where every head has a box: its centre is the point.
"""

from pathlib import Path

import numpy as np

from ..naming import ImageNames
from ..readers import read_json
from .collection import AnnotatedImage, Collection, has_box, write_json
from .records import Record

_KNOWN = ('img_path', 'points', 'boxes', 'labels', 'ignore_boxes', 'width', 'height')


def read(path: Path, images: ImageNames) -> Collection:
    """Read an annotation file.

    Raises:
        ValueError: It is not one; names the entry.
    """
    content = Record(read_json(path), str(path))
    entries = content.items('data_list', 'entry')
    metainfo = content.get('metainfo')
    listed = metainfo.get_items('classes', 'class') if metainfo is not None else []
    classes = [name.text() for name in listed] or ['head']
    if len(set(classes)) < len(classes):
        raise metainfo['classes'].error('every class once')
    made = [_read_image(Record(entry.value, entry.source), images, len(classes)) for entry in entries]
    return Collection(tuple(classes), images.once(made, lambda image: (image.img_path, str(path))))


def _read_image(entry: Record, images: ImageNames, classes: int) -> AnnotatedImage:
    name = entry['img_path'].text()
    entry.name = name
    points, boxes = (_rows(entry.get(key), columns) for key, columns in (('points', 2), ('boxes', 4)))
    if points is None and boxes is None:
        raise entry.error("'points' or 'boxes'", f'{sorted(entry.value)}')
    if points is None:
        points = (boxes[:, :2] + boxes[:, 2:]) / 2
        if np.isnan(points).any():
            raise entry['boxes'].error("a box for every head where there are no 'points'")
    if np.isnan(points).any():
        raise entry['points'].error('finite points', 'null')
    if boxes is None:
        boxes = np.full((len(points), 4), np.nan)
    given = entry.get('labels')
    labels = np.array(given.numbers()) if given is not None and given.value != [] else np.zeros(len(points))
    for key, value in (('boxes', boxes), ('labels', labels)):
        if len(value) != len(points):
            raise entry.error(f'one of {key} for each of {len(points)} points', f'{len(value)}')
    if not np.isin(labels, range(classes)).all():
        raise entry.error(f'labels from 0 to {classes - 1}', f'{sorted(set(labels.tolist()))}')
    ignored = _rows(entry.get('ignore_boxes'), 4)
    if ignored is not None and np.isnan(ignored).any():
        raise entry['ignore_boxes'].error('finite boxes', 'null')
    return AnnotatedImage(
        img_path=images.find(entry.source, name),
        points=points,
        boxes=boxes,
        labels=labels.astype(np.int64),
        ignore_boxes=np.zeros((0, 4)) if ignored is None else ignored,
        size=entry.size(),
        extra={key: value for key, value in entry.value.items() if key not in _KNOWN},
    )


def _rows(rows: Record | None, columns: int) -> np.ndarray | None:
    """(N, columns) float64, NaN for null; None if there are none.

    Raises:
        ValueError: Another shape, numbers that are not finite, or a box turned around.
    """
    if rows is None:
        return None
    made = rows.table(columns, null=True)
    turned = (made[:, 2:] < made[:, :2]).any(axis=1) if columns == 4 else np.zeros(len(made), bool)
    if turned.any():
        row = rows.each('row')[int(turned.argmax())]
        raise row.error('a box x1, y1, x2, y2 from its left upper to its right lower corner')
    return made


def write(collection: Collection, path: str | Path, images: str | Path | None = None, lossy: bool = False) -> None:
    """Write an annotation file; nothing is lost."""
    entries = []
    for image in collection.images:
        entry = dict(image.extra, img_path=image.img_path, points=image.points.tolist(), labels=image.labels.tolist())
        known = has_box(image)
        if known.any():
            entry['boxes'] = [box if has else None for box, has in zip(image.boxes.tolist(), known, strict=True)]
        if len(image.ignore_boxes):
            entry['ignore_boxes'] = image.ignore_boxes.tolist()
        if image.size is not None:
            entry['width'], entry['height'] = image.size
        entries.append(entry)
    write_json(path, dict(metainfo=dict(classes=list(collection.classes)), data_list=entries), rows='data_list')
