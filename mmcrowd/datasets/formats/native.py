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

import json
from pathlib import Path

import numpy as np

from ..readers import read_json
from .collection import AnnotatedImage, Collection, has_box, rows

_KNOWN = ('img_path', 'points', 'boxes', 'labels', 'ignore_boxes', 'width', 'height')


def read(path: str | Path, images: str | Path | None = None) -> Collection:
    """Read an annotation file.

    Raises:
        ValueError: It is not one; names the entry.
    """
    content = read_json(path)
    entries = content.get('data_list') if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise ValueError(f"{path}: expected an object with the list 'data_list'")
    metainfo = content.get('metainfo') or {}
    if not isinstance(metainfo, dict):
        raise ValueError(f"{path}: expected 'metainfo' to be an object, found {metainfo!r}")
    classes = tuple(metainfo.get('classes') or ('head',))
    return Collection(classes, [_read_image(f'{path}, entry {i}', entry, classes) for i, entry in enumerate(entries)])


def _read_image(source: str, entry: dict, classes: tuple[str, ...]) -> AnnotatedImage:
    if not isinstance(entry, dict) or not isinstance(entry.get('img_path'), str):
        raise ValueError(f"{source}: expected an object with 'img_path'")
    source = f'{source}, {entry["img_path"]}'
    if entry.get('points') is None and entry.get('boxes') is None:
        raise ValueError(f"{source}: expected 'points' or 'boxes', found {sorted(entry)}")
    boxes = rows(source, entry.get('boxes'), 4, 'boxes')
    if entry.get('points') is None:
        points = (boxes[:, :2] + boxes[:, 2:]) / 2
    else:
        points = rows(source, entry['points'], 2, 'points')
    if entry.get('boxes') is None:
        boxes = np.full((len(points), 4), np.nan)
    labels = np.asarray(entry.get('labels') or np.zeros(len(points)))
    for name, value in (('boxes', boxes), ('labels', labels)):
        if len(value) != len(points):
            raise ValueError(f'{source}: expected one of {name} for each of {len(points)} points, found {len(value)}')
    if not np.isfinite(points).all():
        raise ValueError(f'{source}: expected finite points, found {points[~np.isfinite(points).all(axis=1)][0]}')
    if len(labels) and not (np.isin(labels, range(len(classes)))).all():
        raise ValueError(
            f'{source}: expected labels from 0 to {len(classes) - 1}, found {sorted(set(labels.tolist()))}'
        )
    size = (entry['width'], entry['height']) if 'width' in entry and 'height' in entry else None
    return AnnotatedImage(
        img_path=entry['img_path'],
        points=points,
        boxes=boxes,
        labels=labels.astype(np.int64),
        ignore_boxes=rows(source, entry.get('ignore_boxes'), 4, 'ignore_boxes'),
        size=size,
        extra={key: value for key, value in entry.items() if key not in _KNOWN},
    )


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
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = dict(metainfo=dict(classes=list(collection.classes)), data_list=entries)
    path.write_text(json.dumps(content, indent=1) + '\n')
