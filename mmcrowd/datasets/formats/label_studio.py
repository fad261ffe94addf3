"""Label Studio's JSON export: shapes in percent of the image size."""

import math
import re
from pathlib import Path
from urllib.parse import unquote, urlparse

from ..naming import ImageNames
from ..readers import read_json
from .collection import Collection, has_box, require_joinable, size_of, write_json
from .gathering import Gatherer, ImageBuilder
from .records import Record
from .shapes import around, ellipse, turned

_KINDS = ('keypoint', 'rectangle', 'ellipse', 'polygon')
_AS_JSON = '(export as JSON, not as JSON-MIN)'


def read(path: Path, images: ImageNames) -> Collection:
    """Read tasks. Rectangles, also turned ones, ellipses and polygons are taken as the upright boxes around them.
    Labels are those of the shape, or of a result of type ``labels`` with its id. A keypoint and a rectangle that is its
    ``parentID``, of the same label, of which the rectangle holds the keypoint, are one head. Of several annotations of
    a task the last that was not cancelled counts; others are counted in the notes.

    Raises:
        ValueError: Not such a file; names the task.
    """
    gathered = Gatherer(path, images)
    for number, task in enumerate(Record(read_json(path), f'{path} {_AS_JSON}').each('task')):
        if task.get('data') is not None:
            task.place = str(path)
        known = task.get('id')
        task.name = f'task {known.identity() if known is not None else number}'
        name = _image_name(task, images)
        found = task.get_items('annotations', 'annotation')
        kept = [item for item in found if item.get('was_cancelled') is None or not item['was_cancelled'].value]
        if not kept:
            gathered.leave_out(name, 'tasks without annotation, left out')
            continue
        gathered.notes.add('annotations beside the last of a task, left out', name, len(kept) - 1)
        shapes = _shapes(kept[-1])
        builder = gathered.image(task.source, name)
        for shape in shapes:
            builder.size = shape.size('original_width', 'original_height') or builder.size
            _add(builder, shape)
    return gathered.collection()


def _shapes(annotation: Record) -> list[Record]:
    """Results of an annotation, those of one id put together: a shape, and its labels."""
    found: dict[object, Record] = {}
    for result in annotation.items('result', 'result'):
        key = result.get('id')
        key = result.name if key is None else key.identity()
        value = result.get('value')
        value = {} if value is None else value.mapping()
        kind = result['type'].text()
        if key in found:
            merged = found[key].value
            kind = merged['type'] if merged['type'].removesuffix('labels') in _KINDS else kind
            merged.update(dict(result.value, type=kind, value=dict(merged['value'], **value)))
        else:
            found[key] = Record(dict(result.value, type=kind, value=dict(value)), annotation.place, result.name)
    return list(found.values())


def _label(kind: str, value: Record) -> str:
    for key in (f'{kind}labels', 'labels'):
        labels = value.get_items(key, 'label')
        if labels:
            return labels[0].text()
    return 'head'


def _add(builder: ImageBuilder, shape: Record) -> None:
    value, kind = shape['value'], shape['type'].text()
    if kind == 'labels':
        kind = 'rectangle' if value.get('width') is not None else 'keypoint'
        kind = 'polygon' if value.get('points') is not None else 'ellipse' if value.get('radiusX') is not None else kind
    kind = kind.removesuffix('labels')
    if kind not in _KINDS:
        return builder.leave_out(f'results of type {shape.value["type"]}')
    size = shape.size('original_width', 'original_height')
    if size is None:
        raise shape.error('the size of the image, original_width and original_height')
    if shape.get_number('image_rotation'):
        raise shape.error(
            'an image that is not turned in Label Studio', f'one turned by {shape["image_rotation"].value}'
        )
    label, degrees, scale = _label(kind, value), value.get_number('rotation'), (size[0] / 100, size[1] / 100)
    if kind == 'polygon':
        corners = [point.numbers(2) for point in value.items('points', 'point')]
        if not corners:
            raise value['points'].error('the corners of a polygon')
        box = around([[x * scale[0], y * scale[1]] for x, y in corners])
        return builder.add(label, box=box, source=shape.source)
    x, y = value['x'].number() * scale[0], value['y'].number() * scale[1]
    if kind == 'keypoint':
        parent = shape.get('parentID')
        group = None if parent is None else parent.identity()
        return builder.add(label, point=[x, y], group=group, source=shape.source)
    if kind == 'ellipse':
        box = ellipse((x, y), value['radiusX'].number() * scale[0], value['radiusY'].number() * scale[1], degrees)
        return builder.add(label, box=box, source=shape.source)
    width, height = value['width'].number() * scale[0], value['height'].number() * scale[1]
    box = [x, y, x + width, y + height]
    if degrees:  # about the left upper corner
        cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        centre = x + (width * cos - height * sin) / 2, y + (width * sin + height * cos) / 2
        box = turned(centre, width, height, degrees)
        builder.note('turned boxes, taken as the upright boxes around them')
    group = shape.get('id')
    return builder.add(label, box=box, group=None if group is None else group.identity(), source=shape.source)


def _image_name(task: Record, images: ImageNames) -> str:
    """The image that a task's data link: an uploaded file, or one of a folder."""
    data = task['data'].mapping()
    links = [value for key, value in data.items() if isinstance(value, str) and ('.' in value or key == 'image')]
    links.sort(key=lambda link: link != data.get('image'))
    if not links:
        raise task['data'].error('the link of an image')
    try:
        link = urlparse(links[0])
    except ValueError as error:
        raise task['data'].error('the link of an image') from error
    local = re.search(r'(?:^|&)d=([^&]+)', link.query)  # local files are served as /data/local-files/?d=<path>
    place = unquote(local.group(1) if local else link.path)
    if not (link.scheme or link.query or place.startswith('/')):
        place = links[0]  # the name of a file, which may have '#' or '%' in it
    if images.folder is None and (place.startswith('/') or link.scheme):
        place = place.rpartition('/')[2]
    return images.find(task.source, place, place.rpartition('/')[2] or place)


def write(collection: Collection, path: str | Path, images: str | Path | None = None, lossy: bool = False) -> None:
    """Write tasks that Label Studio can import.

    Raises:
        ValueError: A point is outside its box, and ``lossy`` is False.
    """
    require_joinable(collection.images, 'Label Studio', lossy)
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
    write_json(path, tasks)


def _rectangle(common: dict, name: str, box: list[float], label: str) -> dict:
    scale = 100 / common['original_width'], 100 / common['original_height']
    value = dict(x=box[0] * scale[0], y=box[1] * scale[1], rotation=0, rectanglelabels=[label])
    value.update(width=(box[2] - box[0]) * scale[0], height=(box[3] - box[1]) * scale[1])
    return dict(common, id=name, from_name='box', type='rectanglelabels', value=value)
