"""YOLO: a text file per image, with a box, outline or pose per line in parts of the image size."""

from pathlib import Path, PurePath

import numpy as np

from mmcrowd.utils.pictures import image_size

from ..layout import annotation_files
from ..naming import ImageNames
from .collection import Collection, file_for, point_is_centre, require_boxes, require_lines, size_of
from .gathering import Gatherer
from .yolo_rows import Row, class_names, columns_of, read_rows

_NO_LABELS = ('classes.txt', 'train.txt', 'val.txt', 'valid.txt', 'test.txt')
"""Text files that programs write beside the labels; as those whose name begins with 'readme'."""


def read(path: Path, images: ImageNames) -> Collection:
    """Read a folder of text files ``<image>.txt``. What stands after the class follows from how many values there are,
    and what they are in all lines of that length: ``cx cy w h``; the same and a confidence, or a confidence and the
    number of a track; the same and keypoints, ``x y`` or ``x y visibility`` each; or the corners of an outline, of
    which the box around it is taken. The image of ``train/labels/a.txt`` may be ``train/images/a.jpg``, as the format
    has it. Images without text file have no heads, as is usual in this format; they are
    counted. Classes are named by ``classes.txt``, ``obj.names`` or ``data.yaml`` in the folder or up to two above.

    Raises:
        ValueError: A line has another form; says which. No folder of images.
        FileNotFoundError: There is no text file, or an image is missing.
    """
    if images.folder is None:
        raise ValueError(f'{path}: YOLO files hold parts of the image size: give the folder of the images')
    root, files = annotation_files(path, '.txt', 'YOLO')
    classes, keypoints = class_names(root)
    found: list[tuple[str, str, list[Row]]] = []
    for file in files:
        name = _image_of(file, file.relative_to(root).with_suffix(''), images)
        if name is not None:
            found.append((name, str(file), read_rows(file, len(classes))))
        elif file.name.lower() not in _NO_LABELS and not file.name.lower().startswith('readme'):
            raise FileNotFoundError(f'{file}: no image in {images.folder} belongs to this file')
    rows = [row for _, _, lines in found for row in lines]
    highest = max((row.label for row in rows), default=0)
    classes = classes or ['head', *(f'class {label}' for label in range(1, highest + 1))]
    columns = columns_of(rows, keypoints)
    gathered = Gatherer(path, images, classes)
    for name, file, lines in found:
        builder = gathered.image(file, name, image_size(images.folder / name))
        for row in lines:
            point, box = columns[len(row.values)](row)
            width, height = builder.size
            point = None if point is None else [point[0] * width, point[1] * height]
            box = [box[0] * width, box[1] * height, box[2] * width, box[3] * height]
            builder.add(classes[row.label], point, box, source=row.source)
    for name in images.unlisted(name for name, _, _ in found):
        place = str(images.folder / name)
        gathered.image(place, name, image_size(place)).note('images without text file, taken as without heads')
    gathered.builders.sort(key=lambda builder: builder.name)
    return gathered.collection()


def _image_of(file: Path, place: PurePath, images: ImageNames) -> str | None:
    beside = PurePath(*('images' if part == 'labels' else part for part in place.parts))
    found = images.lookup(str(file), place.as_posix())
    return found or images.lookup(str(file), beside.as_posix())


def write(collection: Collection, path: str | Path, images: str | Path | None = None, lossy: bool = False) -> None:
    """Write boxes, and a keypoint each where some point is not the centre of its box.

    Raises:
        ValueError: A head has no box, or an image has regions to ignore and ``lossy`` is False.
    """
    require_boxes(collection.images, 'YOLO')
    require_lines(collection, 'YOLO')
    for image in collection.images if not lossy else ():
        if len(image.ignore_boxes):
            raise ValueError(
                f'{image.img_path}: YOLO has no regions to ignore: allow the loss, or write another format'
            )
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'classes.txt').write_text('\n'.join(collection.classes) + '\n', encoding='utf-8')
    pose = not all(point_is_centre(image).all() for image in collection.images)
    for image in collection.images:
        size = np.array(size_of(image, images, 'YOLO'))
        low, high = image.boxes[:, :2] / size, image.boxes[:, 2:] / size
        table = np.concatenate([(low + high) / 2, high - low, *([image.points / size] if pose else [])], axis=1)
        end = ' 2' if pose else ''
        lines = [
            f'{label} {" ".join(f"{value:.9f}" for value in row)}{end}\n'
            for label, row in zip(image.labels.tolist(), table.tolist(), strict=True)
        ]
        file_for(image, folder, '.txt').write_text(''.join(lines))
