"""Pascal VOC annotation files."""

from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np

from ..readers import read_xml
from .collection import Collection, ImageBuilder, file_for, require_boxes, require_centres, size_of


def read_objects(path: str | Path) -> tuple[list[str], np.ndarray]:
    """Objects of one annotation file.

    Returns:
        Their class names, and (N, 4) float64 xmin, ymin, xmax, ymax as stored (usually counted from 1).

    Raises:
        ValueError: Not such a file; names the object.
    """
    names, boxes = [], []
    for number, item in enumerate(read_xml(path).iter('object')):
        box = item.find('bndbox')
        try:
            boxes.append([float(box.find(key).text) for key in ('xmin', 'ymin', 'xmax', 'ymax')])
            names.append((item.find('name').text or '').strip())
        except (AttributeError, TypeError, ValueError) as error:
            raise ValueError(
                f'{path}: object {number}: expected a name and a bndbox of xmin, ymin, xmax, ymax, found {error}'
            ) from error
    return names, np.array(boxes, dtype=np.float64).reshape(-1, 4)


def read(path: str | Path, images: str | Path | None = None) -> Collection:
    """Read a folder of XML files, whose coordinates count from 1 unless one of them is below 1: then they are taken to
    count from 0, which the notes say.

    Raises:
        ValueError: Not such files.
        FileNotFoundError: There is none.
    """
    files = sorted(Path(path).rglob('*.xml'))
    if not files:
        raise FileNotFoundError(f'{path}: expected a folder of Pascal VOC files, found no XML file')
    found = [(file, *read_objects(file)) for file in files]
    lowest = min((boxes.min() for _, _, boxes in found if len(boxes)), default=1)
    collection, classes = Collection((), []), []
    if lowest < 1:
        collection.notes['files, whose coordinates are taken to count from 0'] = len(files)
    for file, names, boxes in found:
        root = read_xml(file)
        builder = ImageBuilder(str(file), classes)
        for name, box in zip(names, boxes - (lowest >= 1), strict=True):
            if (box[2:] <= box[:2]).any():
                collection.notes['boxes without area, left out'] += 1
                continue
            builder.add(name, box=box.tolist())
        image = (root.findtext('filename') or '').strip()
        stem = file.relative_to(path).with_suffix('')
        suffix = Path(image).suffix or '.jpg'
        size = [int(float(root.findtext(f'size/{side}') or 0)) for side in ('width', 'height')]
        collection.images.append(builder.build(f'{stem.as_posix()}{suffix}', tuple(size) if all(size) else None))
    collection.classes = tuple(classes or ['head'])
    return collection


def write(collection: Collection, path: str | Path, images: str | Path | None = None, lossy: bool = False) -> None:
    """Write an XML file per image, with coordinates that count from 1.

    Raises:
        ValueError: A head has no box; or its point is not at the centre of it, and ``lossy`` is False.
    """
    require_boxes(collection.images, 'Pascal VOC')
    require_centres(collection.images, 'Pascal VOC', lossy)
    for image in collection.images:
        width, height = size_of(image, images, 'Pascal VOC')
        lines = [f'<annotation><filename>{escape(Path(image.img_path).name)}</filename>']
        lines.append(f'<size><width>{width}</width><height>{height}</height><depth>3</depth></size>')
        named = [
            (collection.classes[label], box) for label, box in zip(image.labels, image.boxes.tolist(), strict=True)
        ]
        for name, box in [*named, *(('ignore', box) for box in image.ignore_boxes.tolist())]:
            corners = ''.join(
                f'<{key}>{value + 1!r}</{key}>'
                for key, value in zip(('xmin', 'ymin', 'xmax', 'ymax'), box, strict=True)
            )
            lines.append(f'<object><name>{escape(name)}</name><bndbox>{corners}</bndbox></object>')
        file_for(image, path, '.xml').write_text('\n'.join([*lines, '</annotation>']) + '\n', encoding='utf-8')
