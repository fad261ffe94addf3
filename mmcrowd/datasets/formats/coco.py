"""COCO annotation files: boxes, outlines, or keypoints."""

from pathlib import Path

from ..naming import ImageNames
from ..readers import read_json
from .collection import IGNORE, Collection, has_box, size_of, write_json
from .gathering import Gatherer, ImageBuilder
from .records import Record
from .shapes import around, around_mask, head_keypoint


def read(path: Path, images: ImageNames) -> Collection:
    """Read boxes, or the boxes around outlines and masks where there is none, and the keypoint that is the head: the
    only one of its category, or the one named 'head' or 'nose'. A head without one is at the centre of its box. Crowd
    regions (``iscrowd``) are ignored regions. A category without objects that others belong to is no class.

    Raises:
        ValueError: Not such a file; names the annotation.
    """
    content = Record(read_json(path), str(path))
    categories = _by_id(content.items('categories', 'category'))
    objects = content.items('annotations', 'annotation')
    used = {_identity(item['category_id']) for item in objects}
    gathered = Gatherer(path, images, _classes(categories, used))
    builders = {}
    for key, image in _by_id(content.items('images', 'image')).items():
        name = images.find(image.source, image['file_name'].text())
        builders[key] = gathered.image(image.source, name, image.size())
    for item in objects:
        builder = _referred(item, 'image_id', builders)
        _add(builder, item, _referred(item, 'category_id', categories))
    return gathered.collection()


def _identity(record: Record) -> str:
    """An id as text: some programs write the number of an image in one place and its text in the other."""
    return str(record.identity())


def _by_id(records: list[Record]) -> dict[str, Record]:
    found: dict[str, Record] = {}
    for record in records:
        key = _identity(record['id'])
        if key in found:
            again = f'{record["id"].value!r} again, first in {found[key].name}'
            raise record['id'].error('every id once', again)
        found[key] = record
    return found


def _referred(item: Record, key: str, known: dict):
    value = _identity(item[key])
    if value not in known:
        raise ValueError(f'{item.source}: {key} refers to {item[key].value!r}, which the file does not have')
    return known[value]


def _classes(categories: dict[str, Record], used: set[str]) -> list[str]:
    """Names of the categories, but of those that only others belong to: exports of Roboflow begin with one."""
    names = {key: category['name'].text() for key, category in categories.items()}
    parents = {}
    for key, category in categories.items():
        parent = category.get('supercategory')
        parents[key] = parent.value if parent is not None else None
    groups = {parent for key, parent in parents.items() if isinstance(parent, str) and parent != names[key]}
    return [name for key, name in names.items() if key in used or name not in groups]


def _add(builder: ImageBuilder, item: Record, category: Record) -> None:
    box = _object_box(item)
    crowd = item.get('iscrowd')
    if crowd is not None and crowd.number():
        if box is None:
            return builder.leave_out('crowd regions without a box')
        return builder.add(IGNORE, box=box, source=item.source)
    point = _head(item, category)
    if point is None and box is None:
        return builder.leave_out('objects without a head keypoint, a box or an outline')
    return builder.add(category['name'].text(), point, box, source=item.source)


def _object_box(item: Record) -> list[float] | None:
    """The box; without one, the box around the outline or mask."""
    box = item.get('bbox')
    if box is not None and box.value != []:
        x, y, width, height = box.numbers(4)
        if width > 0 < height or item.get('segmentation') is None:
            return [x, y, x + width, y + height]
    outline = item.get('segmentation')
    if outline is None or outline.value in ([], {}):
        return None
    if isinstance(outline.value, dict):
        return around_mask(outline)
    polygons = [polygon.numbers() for polygon in outline.each('polygon')]
    if any(len(polygon) < 6 or len(polygon) % 2 for polygon in polygons):
        raise outline.error('polygons as lists x1, y1, x2, y2, x3, y3, ...')
    return around([pair for polygon in polygons for pair in zip(polygon[::2], polygon[1::2], strict=True)])


def _head(item: Record, category: Record) -> list[float] | None:
    keypoints = item.get('keypoints')
    if keypoints is None:
        return None
    values = keypoints.numbers()
    if len(values) % 3:
        raise keypoints.error('keypoints as x, y, visibility')
    points = [values[i : i + 2] if values[i + 2] > 0 else None for i in range(0, len(values), 3)]
    return head_keypoint([name.text() for name in category.get_items('keypoints', 'keypoint')], points)


def write(collection: Collection, path: str | Path, images: str | Path | None = None, lossy: bool = False) -> None:
    """Write heads as objects with one keypoint, and a box where there is one."""
    listed, annotations = [], []
    for number, image in enumerate(collection.images, start=1):
        width, height = size_of(image, images, 'COCO')
        listed.append(dict(id=number, file_name=image.img_path, width=width, height=height))
        items = []
        for point, box, known, label in zip(
            image.points.tolist(), image.boxes.tolist(), has_box(image), image.labels.tolist(), strict=True
        ):
            item = dict(category_id=label + 1, keypoints=[*point, 2], num_keypoints=1, iscrowd=0)
            items.append(dict(item, **_box(box)) if known else item)
        items += [dict(category_id=1, iscrowd=1, **_box(box)) for box in image.ignore_boxes.tolist()]
        annotations += [dict(item, id=len(annotations) + i, image_id=number) for i, item in enumerate(items, start=1)]
    categories = [dict(id=i, name=name, keypoints=['head']) for i, name in enumerate(collection.classes, start=1)]
    write_json(path, dict(images=listed, annotations=annotations, categories=categories), rows='annotations')


def _box(box: list[float]) -> dict:
    x1, y1, x2, y2 = box
    return dict(bbox=[x1, y1, x2 - x1, y2 - y1], area=(x2 - x1) * (y2 - y1))
