"""Label Studio's JSON export: keypoints and rectangles in percent of the image size."""

import json
import re
from pathlib import Path
from urllib.parse import unquote, urlparse

from ..readers import read_json
from .collection import Collection, ImageBuilder, has_box, size_of


def read(path: str | Path, images: str | Path | None = None) -> Collection:
    """Read tasks. A keypoint whose ``parentID`` is a rectangle is one head with it. Of several annotations of a task
    the last that was not cancelled counts; others are counted in the notes.

    Args:
        path: The export.
        images: Folder of the images; tells whether an uploaded file's name has Label Studio's prefix.

    Raises:
        ValueError: Not such a file; names the task.
    """
    tasks = read_json(path)
    if not isinstance(tasks, list) or not all(isinstance(task, dict) and 'data' in task for task in tasks):
        raise ValueError(f"{path}: expected a list of tasks with 'data' (export as JSON, not as JSON-MIN)")
    collection, classes = Collection((), []), []
    for number, task in enumerate(tasks):
        source = f'{path}, task {task.get("id", number)}'
        kept = [item for item in task.get('annotations', []) if not item.get('was_cancelled')]
        collection.notes['annotations beside the last of a task, left out'] += max(0, len(kept) - 1)
        if not kept:
            collection.notes['tasks without annotation, left out'] += 1
            continue
        builder, size = ImageBuilder(source, classes), None
        for result in kept[-1].get('result', []):
            if not _add(builder, result):
                collection.notes[f'results of type {result.get("type")}, left out'] += 1
                continue
            size = (int(result['original_width']), int(result['original_height']))
        collection.images.append(builder.build(_image_name(source, task['data'], images), size))
    collection.classes = tuple(classes or ['head'])
    return collection


def _add(builder: ImageBuilder, result: dict) -> bool:
    kind, value = result.get('type'), result.get('value', {})
    if kind not in ('keypointlabels', 'rectanglelabels') or not value.get(kind):
        return False
    try:
        scale = result['original_width'] / 100, result['original_height'] / 100
        x, y = value['x'] * scale[0], value['y'] * scale[1]
        if kind == 'keypointlabels':
            builder.add(value[kind][0], point=[x, y], key=result.get('parentID') or result.get('id'))
            return True
        if value.get('rotation'):
            raise ValueError(f'{builder.source}: expected upright rectangles, found one turned by {value["rotation"]}')
        box = [x, y, x + value['width'] * scale[0], y + value['height'] * scale[1]]
        builder.add(value[kind][0], box=box, key=result.get('id'))
    except (KeyError, TypeError) as error:
        raise ValueError(f'{builder.source}: expected x, y and the size of the image in a {kind}: {error!r}') from error
    return True


def _image_name(source: str, data: dict, images: str | Path | None) -> str:
    links = [value for value in data.values() if isinstance(value, str) and '.' in value]
    if not links:
        raise ValueError(f'{source}: expected the link of an image in its data, found {data}')
    link = urlparse(data.get('image', links[0]))
    local = re.search(r'(?:^|&)d=([^&]+)', link.query)  # local files are served as /data/local-files/?d=<path>
    place = unquote(local.group(1) if local else link.path)
    name = Path(place).name
    if images is not None and not place.startswith('/') and (Path(images) / place).is_file():
        return place
    bare = re.sub(r'^[0-9a-f]{8}-', '', name)
    if images is not None and not (Path(images) / name).is_file() and (Path(images) / bare).is_file():
        return bare
    return name


def write(collection: Collection, path: str | Path, images: str | Path | None = None, lossy: bool = False) -> None:
    """Write tasks that Label Studio can import."""
    tasks = []
    for number, image in enumerate(collection.images, start=1):
        width, height = size_of(image, images, 'Label Studio')
        common = dict(original_width=width, original_height=height, image_rotation=0, to_name='image')
        results = []
        for i, (point, box, known, label) in enumerate(
            zip(image.points.tolist(), image.boxes.tolist(), has_box(image), image.labels.tolist(), strict=True)
        ):
            name = collection.classes[label]
            parent = dict(parentID=f'r{i}') if known else {}
            value = dict(x=point[0] / width * 100, y=point[1] / height * 100, width=0.5, keypointlabels=[name])
            results.append(dict(common, id=f'k{i}', from_name='point', type='keypointlabels', value=value, **parent))
            if known:
                results.append(_rectangle(common, f'r{i}', box, name))
        results += [_rectangle(common, f'i{i}', box, 'ignore') for i, box in enumerate(image.ignore_boxes.tolist())]
        tasks.append(dict(id=number, data=dict(image=image.img_path), annotations=[dict(id=number, result=results)]))
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(tasks, indent=1))


def _rectangle(common: dict, name: str, box: list[float], label: str) -> dict:
    scale = 100 / common['original_width'], 100 / common['original_height']
    value = dict(x=box[0] * scale[0], y=box[1] * scale[1], rotation=0, rectanglelabels=[label])
    value.update(width=(box[2] - box[0]) * scale[0], height=(box[3] - box[1]) * scale[1])
    return dict(common, id=name, from_name='box', type='rectanglelabels', value=value)
