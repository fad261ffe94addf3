"""YOLO: a text file of normalised boxes per image, or of boxes with one keypoint."""

from pathlib import Path

import numpy as np

from mmcrowd.utils.files import find_images

from ..readers import read_lines
from .collection import Collection, ImageBuilder, file_for, point_is_centre, require_boxes, size_of


def read(path: str | Path, images: str | Path | None = None) -> Collection:
    """Read a folder of text files.

    Args:
        path: Folder of ``<image>.txt`` with lines ``class cx cy w h`` or ``class cx cy w h x y [visibility]``, parts of
            the image's width and height; ``classes.txt`` in it or above it names the classes.
        images: Folder of the images. One without text file has no heads, as is usual in this format.

    Raises:
        ValueError: A line has another form; says which. No folder of images.
    """
    path = Path(path)
    if images is None:
        raise ValueError(f'{path}: YOLO files hold parts of the image size: give the folder of the images')
    named = [folder / 'classes.txt' for folder in (path, path.parent) if (folder / 'classes.txt').is_file()]
    classes = read_lines(named[0]) if named else []
    made, used = [], set()
    for image in find_images(images):
        relative = image.relative_to(images)
        file = (path / relative).with_suffix('.txt')
        used.add(file)
        builder = ImageBuilder(str(file), list(classes))
        built = builder.build(relative.as_posix())
        size = size_of(built, images, 'YOLO')
        if file.is_file():
            _read_file(file, builder, size, classes)
        made.append(builder.build(relative.as_posix(), size))
    alone = sorted(file for file in path.rglob('*.txt') if file not in used and file.name != 'classes.txt')
    if alone:
        raise FileNotFoundError(f'{alone[0]}: no image in {images} belongs to this file ({len(alone)} such files)')
    highest = max((int(image.labels.max()) for image in made if len(image)), default=0)
    return Collection(tuple(classes or ['head'] + [f'class {i}' for i in range(1, highest + 1)]), made)


def _read_file(file: Path, builder: ImageBuilder, size: tuple[int, int], classes: list[str]) -> None:
    scale = np.array([*size, *size])
    for number, line in enumerate(read_lines(file), start=1):
        parts = line.split()
        try:
            values = np.array(parts[1:], dtype=np.float64)
            label = int(parts[0])
        except ValueError:
            values, label = np.zeros(0), -1
        if len(values) not in (4, 6, 7) or label < 0 or (classes and label >= len(classes)):
            known = f' and a class below {len(classes)}' if classes else ''
            raise ValueError(f'{file}, line {number}: expected class cx cy w h [x y [v]]{known}, found {line!r}')
        if (values[:4] > 2).any():
            raise ValueError(f'{file}, line {number}: expected parts of the image size (0 to 1), found {line!r}')
        box = np.concatenate([values[:2] - values[2:4] / 2, values[:2] + values[2:4] / 2]) * scale
        point = values[4:6] * scale[:2] if len(values) > 4 and (len(values) == 6 or values[6] > 0) else None
        while label >= len(builder.classes):
            builder.classes.append('head' if not builder.classes else f'class {len(builder.classes)}')
        builder.add(builder.classes[label], point, box)


def write(collection: Collection, path: str | Path, images: str | Path | None = None, lossy: bool = False) -> None:
    """Write boxes, and a keypoint each where some point is not the centre of its box.

    Raises:
        ValueError: A head has no box, or an image has regions to ignore and ``lossy`` is False.
    """
    require_boxes(collection.images, 'YOLO')
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'classes.txt').write_text('\n'.join(collection.classes) + '\n')
    pose = not all(point_is_centre(image).all() for image in collection.images)
    for image in collection.images:
        if len(image.ignore_boxes) and not lossy:
            raise ValueError(
                f'{image.img_path}: YOLO has no regions to ignore: allow the loss, or write another format'
            )
        size = np.array(size_of(image, images, 'YOLO'))
        low, high = image.boxes[:, :2] / size, image.boxes[:, 2:] / size
        table = np.concatenate([(low + high) / 2, high - low, *([image.points / size] if pose else [])], axis=1)
        end = ' 2' if pose else ''
        lines = [
            f'{label} {" ".join(f"{value:.9f}" for value in row)}{end}\n'
            for label, row in zip(image.labels.tolist(), table.tolist(), strict=True)
        ]
        file_for(image, folder, '.txt').write_text(''.join(lines))
