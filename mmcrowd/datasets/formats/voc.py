"""Pascal VOC annotation files."""

from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np

from ..layout import annotation_files
from ..naming import ImageNames, stem_of
from ..readers import read_xml
from .collection import Collection, file_for, require_boxes, require_centres, require_xml_names, size_of
from .gathering import Gatherer
from .records import Record

_CORNERS = ('xmin', 'ymin', 'xmax', 'ymax')


def _texts(element) -> dict[str, str]:
    return {child.tag: child.text for child in element if child.text is not None}


def objects_of(root, path: str | Path) -> tuple[list[str], np.ndarray]:
    """As :func:`read_objects`, of a file that is read already."""
    names, boxes = [], []
    for number, item in enumerate(root.iter('object')):
        record, box = Record(_texts(item), str(path), f'object {number}'), item.find('bndbox')
        if box is None:
            raise record.error("a 'bndbox'", f'{sorted(child.tag for child in item)}')
        corners = Record(_texts(box), record, 'bndbox')
        boxes.append([corners[key].number() for key in _CORNERS])
        names.append(record['name'].text())
    return names, np.array(boxes, dtype=np.float64).reshape(-1, 4)


def read_objects(path: str | Path) -> tuple[list[str], np.ndarray]:
    """Objects of one annotation file.

    Returns:
        Their class names, and (N, 4) float64 xmin, ymin, xmax, ymax as stored (usually counted from 1).

    Raises:
        ValueError: Not such a file; names the object.
    """
    return objects_of(read_xml(path), path)


def read(path: Path, images: ImageNames) -> Collection:
    """Read a folder of XML files, whose coordinates count from 1 unless one of them is below 1: then they are taken to
    count from 0, which the notes say. An image has the name of its XML file, or the one that is in it.

    Raises:
        ValueError: Not such files, or the two names mean two images.
        FileNotFoundError: There is none.
    """
    gathered = Gatherer(path, images)
    root, files = annotation_files(path, '.xml', 'Pascal VOC')
    found = [(file, content := read_xml(file), *objects_of(content, file)) for file in files]
    lowest = min((boxes.min() for *_, boxes in found if len(boxes)), default=1)
    if lowest < 1:
        gathered.notes.add('files, whose coordinates are taken to count from 0', str(path), len(files))
    for file, content, labels, boxes in found:
        if content.tag != 'annotation':
            raise ValueError(f"{file}: expected the root 'annotation', found {content.tag!r}")
        sides = content.find('size')
        size = Record({} if sides is None else _texts(sides), str(file), 'size').size()
        builder = gathered.image(str(file), _image_name(file, root, content, images), size)
        for number, (label, box) in enumerate(zip(labels, boxes - (lowest >= 1), strict=True)):
            builder.add(label, box=box.tolist(), source=f'{file}, object {number}')
    return gathered.collection()


def _image_name(file: Path, root: Path, content, images: ImageNames) -> str:
    own = file.relative_to(root).with_suffix('').as_posix()
    given = (content.findtext('filename') or '').strip()
    suffix = given[len(stem_of(given)) :] or '.jpg'
    if images.folder is None or not given:
        return images.find(str(file), own if images.folder is not None else own + suffix)
    by_own, by_given = images.lookup(str(file), own), images.lookup(str(file), given)
    if by_own and by_given and by_own != by_given and Path(by_own).name != Path(by_given).name:
        raise ValueError(f'{file}: expected one image, found {by_own} by the name of this file and {by_given} in it')
    return by_own or by_given or own + suffix


def write(collection: Collection, path: str | Path, images: str | Path | None = None, lossy: bool = False) -> None:
    """Write an XML file per image, with coordinates that count from 1.

    Raises:
        ValueError: A head has no box; its point is not at the centre of it, and ``lossy`` is False; or a name has
            characters that XML lacks.
    """
    require_boxes(collection.images, 'Pascal VOC')
    require_centres(collection.images, 'Pascal VOC', lossy)
    require_xml_names(collection)
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
