"""VGG Image Annotator projects and exports."""

import math
from pathlib import Path

import numpy as np

from ..naming import ImageNames
from ..readers import read_json
from .collection import Collection, has_box, require_joinable, write_json
from .gathering import Gatherer, ImageBuilder
from .records import Record
from .shapes import around, ellipse

GROUP = 'group_id'
"""Attribute of regions that belong together."""


def entry_regions(entry: Record) -> list[Record]:
    """Regions of one image: a list since version 2, numbered regions before.

    Raises:
        ValueError: There are none of either kind.
    """
    regions = entry['regions']
    if isinstance(regions.value, dict):
        regions = Record(list(regions.value.values()), entry, 'regions')
    return [Record(region.value, entry, region.name) for region in regions.each('region')]


def entry_rectangles(source: str | Path, entry: object) -> np.ndarray:
    """(N, 4) xyxy float64 rectangles of one image.

    Raises:
        ValueError: A region has another shape.
    """
    boxes = []
    for region in entry_regions(Record(entry, str(source))):
        shape = region['shape_attributes']
        if not {'x', 'y', 'width', 'height'} <= set(shape.mapping()):
            raise region.error('a rectangle', repr(shape.value.get('name')))
        boxes.append(_corners(shape))
    return np.array(boxes, dtype=np.float64).reshape(-1, 4)


def _corners(shape: Record) -> list[float]:
    x, y, width, height = (shape[key].number() for key in ('x', 'y', 'width', 'height'))
    return [x, y, x + width, y + height]


def read(path: Path, images: ImageNames) -> Collection:
    """Read a project or an annotation export (JSON). Points are heads, and rectangles, circles, ellipses and polygons
    are taken as the boxes around them; the first region attribute whose value is a text names the class. A point and a
    box of one attribute ``group_id`` and class, of which the box holds the point, are one head; other shapes are left
    out and counted.

    Raises:
        ValueError: Not such a file; names the image.
    """
    content = Record(read_json(path), str(path))
    entries = content.get('_via_img_metadata') or content
    gathered = Gatherer(path, images)
    for number, (key, value) in enumerate(entries.mapping().items()):
        entry = Record(value, str(path), f'entry {number} ({key})')
        name = images.find(entry.source, entry['filename'].text())
        builder = gathered.image(entry.source, name)
        for region in entry_regions(entry):
            _add(builder, region)
    return gathered.collection()


def _add(builder: ImageBuilder, region: Record) -> None:
    shape, attributes = region['shape_attributes'], region.get('region_attributes')
    attributes = dict(attributes.mapping()) if attributes is not None else {}
    group = attributes.pop(GROUP, None)
    label = next((text.strip() for text in attributes.values() if isinstance(text, str) and text.strip()), 'head')
    common = dict(group=None if group is None else str(group), source=region.source)
    kind = shape['name'].text()
    if kind == 'point':
        builder.add(label, point=[shape['cx'].number(), shape['cy'].number()], **common)
    elif kind in ('circle', 'ellipse'):
        rx, ry = (shape[key].number() for key in (('r', 'r') if kind == 'circle' else ('rx', 'ry')))
        degrees = math.degrees(shape.get_number('theta'))
        builder.add(label, box=ellipse((shape['cx'].number(), shape['cy'].number()), rx, ry, degrees), **common)
    elif kind == 'rect':
        builder.add(label, box=_corners(shape), **common)
    elif kind == 'polygon':
        xs, ys = (shape[f'all_points_{axis}'].numbers() for axis in 'xy')
        if len(xs) != len(ys) or not xs:
            raise shape.error('as many x as y in a polygon')
        builder.add(label, box=around(list(zip(xs, ys, strict=True))), **common)
    else:
        builder.leave_out(f'regions of type {kind}')


def write(collection: Collection, path: str | Path, images: str | Path | None = None, lossy: bool = False) -> None:
    """Write an annotation export, which VIA can import.

    Raises:
        ValueError: A point is outside its box, and ``lossy`` is False.
    """
    require_joinable(collection.images, 'VIA', lossy)
    entries = {}
    for image in collection.images:
        regions = []
        for number, (point, box, known, label) in enumerate(
            zip(image.points.tolist(), image.boxes.tolist(), has_box(image), image.labels.tolist(), strict=True)
        ):
            attributes = {'class': collection.classes[label], **({GROUP: str(number)} if known else {})}
            shape = dict(name='point', cx=point[0], cy=point[1])
            regions.append(dict(shape_attributes=shape, region_attributes=attributes))
            if known:
                regions.append(dict(shape_attributes=_rectangle(box), region_attributes=attributes))
        for box in image.ignore_boxes.tolist():
            regions.append(dict(shape_attributes=_rectangle(box), region_attributes={'class': 'ignore'}))
        file = Path(images) / image.img_path if images is not None else None
        size = file.stat().st_size if file is not None and file.is_file() else -1
        entry = dict(filename=image.img_path, size=size, regions=regions, file_attributes={})
        entries[f'{image.img_path}{size}'] = entry
    write_json(path, entries)


def _rectangle(box: list[float]) -> dict:
    return dict(name='rect', x=box[0], y=box[1], width=box[2] - box[0], height=box[3] - box[1])
