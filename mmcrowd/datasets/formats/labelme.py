"""LabelMe: a JSON file per image with points and rectangles."""

import json
from pathlib import Path

from ..readers import read_json
from .collection import Collection, ImageBuilder, file_for, has_box, size_of


def read(path: str | Path, images: str | Path | None = None) -> Collection:
    """Read a folder of JSON files. A point and a rectangle of the same ``group_id`` are one head; rectangles labelled
    'ignore' are regions to ignore; shapes of other types are left out and counted.

    Raises:
        ValueError: Not such a file; names it and the shape.
        FileNotFoundError: The folder has no JSON file.
    """
    files = sorted(Path(path).rglob('*.json'))
    if not files:
        raise FileNotFoundError(f'{path}: expected a folder of LabelMe JSON files, found none')
    collection, classes = Collection((), []), []
    for file in files:
        content = read_json(file)
        if not isinstance(content, dict) or not {'shapes', 'imagePath'} <= set(content):
            raise ValueError(f'{file}: expected the keys shapes and imagePath')
        builder = ImageBuilder(str(file), classes)
        for number, shape in enumerate(content['shapes']):
            builder.source = f'{file}, shape {number}'
            kind, corners = shape.get('shape_type', 'polygon'), shape.get('points')
            if kind == 'point' and len(corners) == 1:
                builder.add(shape['label'], point=corners[0], key=shape.get('group_id'))
            elif kind == 'rectangle' and len(corners) == 2:
                builder.add(shape['label'], box=[*corners[0], *corners[1]], key=shape.get('group_id'))
            else:
                collection.notes[f'shapes of type {kind}, left out'] += 1
        size = (content.get('imageWidth'), content.get('imageHeight'))
        place = file.parent.relative_to(path) / Path(content['imagePath'].replace('\\', '/')).name
        collection.images.append(builder.build(place.as_posix(), size if all(size) else None))
    collection.classes = tuple(classes or ['head'])
    return collection


def write(collection: Collection, path: str | Path, images: str | Path | None = None, lossy: bool = False) -> None:
    """Write a JSON file per image."""
    for image in collection.images:
        width, height = size_of(image, images, 'LabelMe')
        shapes = []
        for number, (point, box, known, label) in enumerate(
            zip(image.points.tolist(), image.boxes.tolist(), has_box(image), image.labels.tolist(), strict=True)
        ):
            common = dict(label=collection.classes[label], group_id=number if known else None, flags={})
            shapes.append(dict(common, shape_type='point', points=[point]))
            if known:
                shapes.append(dict(common, shape_type='rectangle', points=[box[:2], box[2:]]))
        for box in image.ignore_boxes.tolist():
            shapes.append(
                dict(label='ignore', group_id=None, flags={}, shape_type='rectangle', points=[box[:2], box[2:]])
            )
        content = dict(version='5.0.0', flags={}, shapes=shapes, imagePath=Path(image.img_path).name, imageData=None)
        content.update(imageWidth=width, imageHeight=height)
        file_for(image, path, '.json').write_text(json.dumps(content, indent=1))
