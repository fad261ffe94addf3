"""VGG Image Annotator projects and exports."""

import json
from pathlib import Path

import numpy as np

from ..readers import read_json
from .collection import Collection, ImageBuilder, has_box


def entry_regions(source: str | Path, entry: dict) -> list[dict]:
    """Regions of one image: a list since version 2, a dict of numbered regions before.

    Raises:
        ValueError: There are none of either kind.
    """
    regions = entry.get('regions') if isinstance(entry, dict) else None
    if isinstance(regions, dict):
        regions = list(regions.values())
    if not isinstance(regions, list) or not all('shape_attributes' in region for region in regions):
        raise ValueError(f"{source}: expected 'regions' with 'shape_attributes' in the entry of an image")
    return regions


def entry_rectangles(source: str | Path, entry: dict) -> np.ndarray:
    """(N, 4) xyxy float64 rectangles of one image.

    Raises:
        ValueError: A region has another shape.
    """
    boxes = []
    for number, region in enumerate(entry_regions(source, entry)):
        shape = region['shape_attributes']
        if not {'x', 'y', 'width', 'height'} <= set(shape):
            raise ValueError(f'{source}: expected region {number} to be a rectangle, found {shape.get("name")!r}')
        boxes.append([shape['x'], shape['y'], shape['x'] + shape['width'], shape['y'] + shape['height']])
    return np.array(boxes, dtype=np.float64).reshape(-1, 4)


def read(path: str | Path, images: str | Path | None = None) -> Collection:
    """Read a project or an annotation export (JSON). Points, circles and rectangles are heads; the first region
    attribute whose value is a text names the class, and a point and a rectangle of the same attribute ``head`` are one
    head; other shapes are left out and counted.

    Raises:
        ValueError: Not such a file; names the image.
    """
    content = read_json(path)
    entries = content.get('_via_img_metadata', content) if isinstance(content, dict) else None
    if not isinstance(entries, dict) or not all(isinstance(e, dict) and 'filename' in e for e in entries.values()):
        raise ValueError(f"{path}: expected a VIA project or export, whose entries have a 'filename'")
    collection, classes = Collection((), []), []
    for entry in entries.values():
        builder = ImageBuilder(f'{path}, {entry["filename"]}', classes)
        for region in entry_regions(builder.source, entry):
            shape, attributes = region['shape_attributes'], dict(region.get('region_attributes') or {})
            key = attributes.pop('head', None)
            name = next((value for value in attributes.values() if isinstance(value, str) and value), 'head')
            kind = shape.get('name')
            if kind in ('point', 'circle'):
                builder.add(name, point=[shape.get('cx'), shape.get('cy')], key=key)
            elif kind == 'rect':
                x, y = shape['x'], shape['y']
                builder.add(name, box=[x, y, x + shape['width'], y + shape['height']], key=key)
            else:
                collection.notes[f'regions of type {kind}, left out'] += 1
        collection.images.append(builder.build(entry['filename']))
    collection.classes = tuple(classes or ['head'])
    return collection


def write(collection: Collection, path: str | Path, images: str | Path | None = None, lossy: bool = False) -> None:
    """Write an annotation export, which VIA can import."""
    entries = {}
    for image in collection.images:
        regions = []
        for number, (point, box, known, label) in enumerate(
            zip(image.points.tolist(), image.boxes.tolist(), has_box(image), image.labels.tolist(), strict=True)
        ):
            attributes = {'class': collection.classes[label], **({'head': str(number)} if known else {})}
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
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(entries, indent=1))


def _rectangle(box: list[float]) -> dict:
    return dict(name='rect', x=box[0], y=box[1], width=box[2] - box[0], height=box[3] - box[1])
