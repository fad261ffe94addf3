"""CVAT: one XML file, "CVAT for images 1.1" or "CVAT for video 1.1"."""

from pathlib import Path
from xml.sax.saxutils import quoteattr

from ..naming import ImageNames
from ..readers import read_xml
from .collection import Collection, has_box, require_joinable, require_xml_names, size_of
from .gathering import Gatherer, ImageBuilder
from .records import Record
from .shapes import around, ellipse, head_keypoint, turned


def read(path: Path, images: ImageNames) -> Collection:
    """Read the shapes of images, and those of tracks for each frame in which they are not outside. Each point of a
    ``points`` shape is a head. Boxes and ellipses, also turned ones, polygons, cuboids and masks are taken as the
    upright boxes around them. A skeleton is a head at its point called 'head' or 'nose', else at the centre of those it
    has. A point and a box of the same ``group_id`` and label, of which the box holds the point, are one head; boxes
    labelled 'ignore' are regions to ignore; other shapes are left out and counted. Between two frames that a track
    lists it is where a straight line has it, as CVAT shows it.

    Raises:
        ValueError: Not such a file; names the image or track, and the shape.
    """
    root = read_xml(path)
    if root.tag != 'annotations':
        raise ValueError(f"{path}: expected a CVAT file with the root 'annotations', found {root.tag!r}")
    labels = (label for label in root.iterfind('.//labels/label') if label.find('parent') is None)
    listed = [label.findtext('name') for label in labels]
    gathered = Gatherer(path, images, [name.strip() for name in listed if name and name.strip()])
    for number, item in enumerate(root.iterfind('image')):
        image = Record(item.attrib, str(path), item.get('name') or f'image {number}')
        builder = gathered.image(image.source, images.find(image.source, image['name'].text()), image.size())
        for place, shape in enumerate(item):
            _add(builder, shape, Record(shape.attrib, image, f'{shape.tag} {place}'))
    _read_tracks(root, gathered)
    return gathered.collection()


def _read_tracks(root, gathered: Gatherer) -> None:
    """Shapes of tracks, frame by frame."""
    tracks = [
        _track(track, Record(track.attrib, str(gathered.path), f'track {i}'))
        for i, track in enumerate(root.iterfind('track'))
    ]
    sizes = root.find('.//original_size')
    texts = {} if sizes is None else {side.tag: side.text for side in sizes}
    size = Record(texts, f'{gathered.path}, original_size').size()
    frames = {}
    for frame in sorted({frame for shapes in tracks for frame in shapes}):
        source = f'{gathered.path}, frame {frame}'
        frames[frame] = gathered.image(source, gathered.names.find_numbered(source, frame), size)
    for shapes in tracks:
        own = sorted(shapes)
        for first, second in zip(own, [*own[1:], None], strict=False):
            shape, record = shapes[first]
            if record.value.get('outside') == '1':
                continue
            _add(frames[first], shape, record)
            for frame in frames if second is not None else ():
                if first < frame < second:
                    _add(frames[frame], shape, _between(record, shapes[second][1], (frame - first) / (second - first)))


def _track(track, record: Record) -> dict[int, tuple]:
    """Frame -> shape and its attributes, with the label of the track."""
    shapes = {}
    for number, shape in enumerate(track):
        item = Record(dict(track.attrib, **shape.attrib), record, f'{shape.tag} {number}')
        frame = item['frame'].number()
        if frame != int(frame) or frame < 0 or int(frame) in shapes:
            raise item['frame'].error('every frame once, as a whole number')
        shapes[int(frame)] = shape, item
    return shapes


def _between(first: Record, second: Record, part: float) -> Record:
    """A box or a list of points on the way from one to another; one that ends stays where it is."""
    if second.value.get('outside') == '1':
        return first
    made = dict(first.value)
    for key in ('xtl', 'ytl', 'xbr', 'ybr'):
        if key in made:
            made[key] = first[key].number() * (1 - part) + second[key].number() * part
    if 'points' in made and len(_points(first)) == len(_points(second)):
        pairs = zip(_points(first), _points(second), strict=True)
        middle = [[a * (1 - part) + b * part for a, b in zip(one, other, strict=True)] for one, other in pairs]
        made['points'] = ';'.join(f'{x},{y}' for x, y in middle)
    return Record(made, first.place, first.name)


def _points(shape: Record) -> list[list[float]]:
    return [Record(pair.split(','), shape, 'points').numbers(2) for pair in shape['points'].text().split(';')]


def _add(builder: ImageBuilder, item, shape: Record) -> None:
    kind = item.tag
    if kind == 'tag':
        return
    box = None
    if kind == 'box':
        box = Record([shape[key].value for key in ('xtl', 'ytl', 'xbr', 'ybr')], shape).numbers(4)
        degrees = shape.get_number('rotation')
        if degrees:
            width, height = box[2] - box[0], box[3] - box[1]
            box = turned(((box[0] + box[2]) / 2, (box[1] + box[3]) / 2), width, height, degrees)
            builder.note('turned boxes, taken as the upright boxes around them')
    elif kind == 'ellipse':
        cx, cy, rx, ry = (shape[key].number() for key in ('cx', 'cy', 'rx', 'ry'))
        box = ellipse((cx, cy), rx, ry, shape.get_number('rotation'))
    elif kind == 'polygon':
        box = around(_points(shape))
    elif kind == 'mask':
        left, top, width, height = (shape[key].number() for key in ('left', 'top', 'width', 'height'))
        box = [left, top, left + width, top + height]
    elif kind == 'cuboid':
        keys = [key for key in shape.value if key.startswith(('xt', 'xb'))]
        box = around([(shape[key].number(), shape[f'y{key[1:]}'].number()) for key in keys] or [(0, 0)])
    group = shape.get('group_id')
    common = dict(group=None if group is None else group.text(), source=shape.source)
    if box is not None:
        builder.add(shape['label'].text(), box=box, **common)
    elif kind == 'points':
        for point in _points(shape):
            builder.add(shape['label'].text(), point=point, **common)
    elif kind == 'skeleton':
        _add_skeleton(builder, item, shape)
    else:
        builder.leave_out(f'shapes of type {kind}')


def _add_skeleton(builder: ImageBuilder, item, shape: Record) -> None:
    parts = [Record(part.attrib, shape, f'{part.tag} {i}') for i, part in enumerate(item)]
    names = [part['label'].text() for part in parts]
    points = [_points(part)[0] if part.value.get('outside') != '1' else None for part in parts]
    seen = [point for point in points if point is not None]
    if not seen:
        return builder.leave_out('skeletons without a visible point')
    box = around(seen)
    middle = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]
    return builder.add(shape['label'].text(), point=head_keypoint(names, points) or middle, source=shape.source)


def write(collection: Collection, path: str | Path, images: str | Path | None = None, lossy: bool = False) -> None:
    """Write a file that CVAT can import.

    Raises:
        ValueError: A point is outside its box, and ``lossy`` is False; or a name has characters that XML lacks.
    """
    require_joinable(collection.images, 'CVAT', lossy)
    require_xml_names(collection)
    names = ''.join(f'<label><name>{quoteattr(name)[1:-1]}</name></label>' for name in collection.classes)
    lines = ['<?xml version="1.0" encoding="utf-8"?>', '<annotations>', '<version>1.1</version>']
    lines.append(f'<meta><task><labels>{names}</labels></task></meta>')
    for number, image in enumerate(collection.images):
        width, height = size_of(image, images, 'CVAT')
        lines.append(f'<image id="{number}" name={quoteattr(image.img_path)} width="{width}" height="{height}">')
        for i, (point, box, known, label) in enumerate(
            zip(image.points.tolist(), image.boxes.tolist(), has_box(image), image.labels.tolist(), strict=True), 1
        ):
            common = f'label={quoteattr(collection.classes[label])} occluded="0"'
            group = f' group_id="{i}"' if known else ''
            lines.append(f'<points {common} points="{point[0]},{point[1]}"{group}></points>')
            if known:
                lines.append(f'<box {common} {_corners(box)}{group}></box>')
        lines += [f'<box label="ignore" occluded="0" {_corners(box)}></box>' for box in image.ignore_boxes.tolist()]
        lines.append('</image>')
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('\n'.join([*lines, '</annotations>']) + '\n', encoding='utf-8')


def _corners(box: list[float]) -> str:
    return ' '.join(f'{name}="{value}"' for name, value in zip(('xtl', 'ytl', 'xbr', 'ybr'), box, strict=True))
