"""LabelMe: a JSON file per image with points and other shapes."""

import math
from pathlib import Path

from ..layout import annotation_files
from ..naming import ImageNames
from ..readers import read_json
from .collection import Collection, file_for, has_box, require_joinable, size_of, write_json
from .gathering import Gatherer, ImageBuilder
from .records import Record
from .shapes import around, ellipse


def read(path: Path, images: ImageNames) -> Collection:
    """Read a folder of JSON files. Rectangles (of two or four corners), circles, ellipses, polygons and masks are taken
    as the boxes around them; a point and a box of the same ``group_id`` and label, of which the box holds the point,
    are one head; boxes labelled 'ignore' are regions to ignore; shapes of other types are left out and counted.

    Raises:
        ValueError: Not such a file; names it and the shape.
        FileNotFoundError: The folder has no JSON file.
    """
    gathered = Gatherer(path, images)
    root, files = annotation_files(path, '.json', 'LabelMe')
    for file in files:
        content = Record(read_json(file), str(file))
        shapes, place = content.items('shapes', 'shape'), content['imagePath'].text()
        folder = file.parent.relative_to(root)
        here = (folder / Path(place.replace('\\', '/')).name).as_posix()
        name = images.find(content.source, here, place, (folder / file.stem).as_posix())
        builder = gathered.image(content.source, name, content.size('imageWidth', 'imageHeight'))
        for shape in shapes:
            _add(builder, shape)
    return gathered.collection()


def _add(builder: ImageBuilder, shape: Record) -> None:
    kind = shape.get('shape_type')
    kind = 'polygon' if kind is None else kind.text()
    corners = [corner.numbers(2) for corner in shape.items('points', 'point')]
    label, group = shape['label'].text(), shape.get('group_id')
    common = dict(group=None if group is None else group.identity(), source=shape.source)
    if kind == 'point' and len(corners) == 1:
        builder.add(label, point=corners[0], **common)
    elif kind == 'circle' and len(corners) == 2:
        radius = math.dist(*corners)
        builder.add(label, box=ellipse(corners[0], radius, radius), **common)
    elif (kind, len(corners)) in _BOXES or (kind in ('polygon', 'ellipse') and len(corners) > 2):
        builder.add(label, box=around(corners), **common)
    else:
        builder.leave_out(f'shapes of type {kind} with {len(corners)} points')


_BOXES = {('rectangle', 2), ('rectangle', 4), ('ellipse', 2), ('ellipse', 4), ('mask', 2), ('rotation', 4)}
"""Type and number of points of shapes that are taken as the box around their points."""


def write(collection: Collection, path: str | Path, images: str | Path | None = None, lossy: bool = False) -> None:
    """Write a JSON file per image.

    Raises:
        ValueError: A point is outside its box, and ``lossy`` is False.
    """
    require_joinable(collection.images, 'LabelMe', lossy)
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
        write_json(file_for(image, path, '.json'), content)
