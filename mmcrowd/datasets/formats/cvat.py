"""CVAT for images 1.1: one XML file with points and boxes."""

from pathlib import Path
from xml.sax.saxutils import quoteattr

from ..readers import read_xml
from .collection import Collection, ImageBuilder, has_box, size_of


def read(path: str | Path, images: str | Path | None = None) -> Collection:
    """Read points and boxes. Each point of a ``points`` shape is a head; a single point and a box of the same
    ``group_id`` are one head; boxes labelled 'ignore' are regions to ignore; other shapes are left out and counted.

    Raises:
        ValueError: Not such a file; names the image.
    """
    root = read_xml(path)
    if root.tag != 'annotations':
        raise ValueError(f"{path}: expected a CVAT file with the root 'annotations', found {root.tag!r}")
    if root.find('track') is not None:
        raise ValueError(f"{path}: expected 'CVAT for images', found tracks: export the task in that format")
    classes = [label.text for label in root.iterfind('.//labels/label/name') if label.text != 'ignore']
    collection = Collection((), [])
    for image in root.iterfind('image'):
        builder = ImageBuilder(f'{path}, {image.get("name")}', classes)
        for shape in image:
            try:
                _add(builder, shape, collection)
            except (KeyError, AttributeError) as error:
                raise ValueError(f'{builder.source}: a {shape.tag} lacks an attribute: {error!r}') from error
        size = (int(image.get('width')), int(image.get('height'))) if image.get('width') else None
        collection.images.append(builder.build(image.get('name'), size))
    collection.classes = tuple(classes or ['head'])
    return collection


def _add(builder: ImageBuilder, shape, collection: Collection) -> None:
    get = shape.attrib
    if shape.tag == 'box':
        if float(get.get('rotation', 0)):
            raise ValueError(f'{builder.source}: expected upright boxes, found one turned by {get["rotation"]} degrees')
        builder.add(get['label'], box=[get[key] for key in ('xtl', 'ytl', 'xbr', 'ybr')], key=get.get('group_id'))
    elif shape.tag == 'points':
        points = get['points'].split(';')
        for point in points:
            key = get.get('group_id') if len(points) == 1 else None
            builder.add(get['label'], point=point.split(','), key=key)
    elif shape.tag != 'tag':
        collection.notes[f'shapes of type {shape.tag}, left out'] += 1


def write(collection: Collection, path: str | Path, images: str | Path | None = None, lossy: bool = False) -> None:
    """Write a file that CVAT can import."""
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
