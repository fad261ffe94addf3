"""Plain text: a file for each image, with a line ``x y`` for each head."""

from pathlib import Path

from ..layout import annotation_files
from ..naming import ImageNames
from ..readers import numbered_lines
from .collection import Collection, file_for, require_points
from .gathering import Gatherer
from .records import Record


def read(path: Path, images: ImageNames) -> Collection:
    """Read a folder of text files ``<image>.txt``, whose lines are two numbers parted by white space, a comma or a
    semicolon; an empty file says that there are no heads. Without the folder of the images, they are ``<image>.jpg``.

    Raises:
        ValueError: A line has another form; says which.
        FileNotFoundError: There is no text file, or an image is missing.
    """
    gathered = Gatherer(path, images, ['head'])
    root, files = annotation_files(path, '.txt', 'text')
    for file in files:
        stem = file.relative_to(root).with_suffix('').as_posix()
        builder = gathered.image(str(file), images.find_stem(str(file), stem))
        for number, line in numbered_lines(file):
            parts = line.replace(',', ' ').replace(';', ' ').split()
            point = Record(parts, f'{file}, line {number}').numbers(2)
            builder.add('head', point=point, source=f'{file}, line {number}')
    return gathered.collection()


def write(collection: Collection, path: str | Path, images: str | Path | None = None, lossy: bool = False) -> None:
    """Write points.

    Raises:
        ValueError: There are boxes, regions or several classes, and ``lossy`` is False.
    """
    require_points(collection.images, 'these text files hold', lossy)
    for image in collection.images:
        lines = [f'{x!r} {y!r}\n' for x, y in image.points.tolist()]
        file_for(image, path, '.txt').write_text(''.join(lines))
