"""COCO annotation files: boxes, or one keypoint per object."""

import json
from collections import Counter
from pathlib import Path

from ..readers import read_json
from .collection import Collection, ImageBuilder, has_box, size_of


def read(path: str | Path, images: str | Path | None = None) -> Collection:
    """Read boxes and keypoints; an object with exactly one labelled keypoint has it as its point, any other the centre
    of its box. Crowd regions (``iscrowd``) are ignored regions.

    Raises:
        ValueError: Not such a file; names the annotation.
    """
    content = read_json(path)
    missing = {'images', 'annotations', 'categories'} - set(content if isinstance(content, dict) else ())
    if missing:
        raise ValueError(f'{path}: expected the keys images, annotations and categories, {sorted(missing)} not found')
    names = {category['id']: category['name'] for category in content['categories']}
    classes = list(dict.fromkeys(names.values()))
    notes: Counter = Counter()
    builders = {image['id']: ImageBuilder(f'{path}, {image["file_name"]}', classes) for image in content['images']}
    for number, item in enumerate(content['annotations']):
        try:
            builder, name = builders[item['image_id']], names[item['category_id']]
        except KeyError as error:
            raise ValueError(f'{path}: annotation {number} refers to {error}, which the file does not have') from error
        builder.source = f'{path}, annotation {number}, bbox'
        box = builder.numbers(item.get('bbox'), 4)
        if box is not None:
            box = [box[0], box[1], box[0] + box[2], box[1] + box[3]]
            if item.get('iscrowd'):
                builder.add(builder.ignore, box=box)
                continue
            if box[2] <= box[0] or box[3] <= box[1]:
                box = None
        keypoints = item.get('keypoints') or []
        labelled = [keypoints[i : i + 2] for i in range(0, len(keypoints) - 2, 3) if keypoints[i + 2] > 0]
        point = labelled[0] if len(labelled) == 1 else None
        if point is None and box is None:
            notes['objects without keypoint and without a box with an area, left out'] += 1
            continue
        builder.add(name, point, box)
    made = []
    for image in content['images']:
        size = (image['width'], image['height']) if image.get('width') and image.get('height') else None
        made.append(builders[image['id']].build(image['file_name'], size))
    return Collection(tuple(classes), made, notes)


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
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(dict(images=listed, annotations=annotations, categories=categories)) + '\n')


def _box(box: list[float]) -> dict:
    x1, y1, x2, y2 = box
    return dict(bbox=[x1, y1, x2 - x1, y2 - y1], area=(x2 - x1) * (y2 - y1))
