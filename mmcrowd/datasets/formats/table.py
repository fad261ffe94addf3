"""CSV: a row per head."""

import csv
from pathlib import Path

from .collection import Collection, ImageBuilder, has_box

_COLUMNS = ('image', 'x', 'y', 'x1', 'y1', 'x2', 'y2', 'label')


def read(path: str | Path, images: str | Path | None = None) -> Collection:
    """Read a table whose first line names its columns: ``image``; ``x`` and ``y``, or ``x1``, ``y1``, ``x2`` and
    ``y2``, or all of them; ``label`` if there are classes. A row with a label of 'ignore' is a region to ignore; one
    with an image alone says that it has no heads. Columns are parted by commas, semicolons or tabs.

    Raises:
        ValueError: Not such a table; says in which line.
    """
    with open(path, newline='', encoding='utf-8-sig') as file:
        header = file.readline()
        separator = max(',;\t', key=header.count)
        file.seek(0)
        table = csv.DictReader(file, delimiter=separator, skipinitialspace=True)
        columns = set(table.fieldnames or ())
        if 'image' not in columns or not ({'x', 'y'} <= columns or {'x1', 'y1', 'x2', 'y2'} <= columns):
            raise ValueError(
                f'{path}, line 1: expected the columns image, x, y or image, x1, y1, x2, y2, found {header!r}'
            )
        classes: list[str] = []
        builders: dict[str, ImageBuilder] = {}
        for row in table:
            source = f'{path}, line {table.line_num}'
            name = (row['image'] or '').replace('\\', '/')
            if not name:
                raise ValueError(f'{source}: expected the name of an image')
            builder = builders.setdefault(name, ImageBuilder(source, classes))
            builder.source = source
            point, box = ([row.get(key) or '' for key in keys] for keys in (('x', 'y'), ('x1', 'y1', 'x2', 'y2')))
            point, box = (values if any(values) else None for values in (point, box))
            if point is not None or box is not None:
                builder.add(row.get('label') or 'head', point, box)
    return Collection(tuple(classes or ['head']), [builder.build(name) for name, builder in builders.items()])


def write(collection: Collection, path: str | Path, images: str | Path | None = None, lossy: bool = False) -> None:
    """Write a table with all columns."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, 'w', newline='', encoding='utf-8') as file:
        table = csv.writer(file)
        table.writerow(_COLUMNS)
        for image in collection.images:
            if not len(image) and not len(image.ignore_boxes):
                table.writerow([image.img_path] + [''] * 7)
            for point, box, known, label in zip(
                image.points.tolist(), image.boxes.tolist(), has_box(image), image.labels.tolist(), strict=True
            ):
                table.writerow([image.img_path, *point, *(box if known else [''] * 4), collection.classes[label]])
            for box in image.ignore_boxes.tolist():
                table.writerow([image.img_path, '', '', *box, 'ignore'])
