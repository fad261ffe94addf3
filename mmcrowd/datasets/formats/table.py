"""Tables (CSV): a row per head."""

import csv
from pathlib import Path

from ..naming import ImageNames
from ..readers import read_text, short
from .collection import Collection, has_box, require_lines
from .gathering import Gatherer, ImageBuilder
from .records import Record

_COLUMNS = ('image', 'x', 'y', 'x1', 'y1', 'x2', 'y2', 'label')
_OTHER_NAMES = dict(
    image=('filename', 'file', 'file_name', 'img', 'image_name', 'image_path', 'img_path', 'path', 'imagename'),
    x1=('xmin', 'x_min', 'left'),
    y1=('ymin', 'y_min', 'top'),
    x2=('xmax', 'x_max', 'right'),
    y2=('ymax', 'y_max', 'bottom'),
    label=('class', 'class_name', 'label_name', 'category', 'name'),
    width=('image_width', 'img_width'),
    height=('image_height', 'img_height'),
)
_POINT, _BOX = ('x', 'y'), ('x1', 'y1', 'x2', 'y2')
_MEANT = {other: name for name, others in _OTHER_NAMES.items() for other in others}


def read(path: Path, images: ImageNames) -> Collection:
    """Read a table whose first line names its columns, in any letter case: ``image``; ``x`` and ``y``, or ``x1``,
    ``y1``, ``x2`` and ``y2``, or all of them; ``label`` if there are classes; ``width`` and ``height`` of the image
    beside boxes. Usual other names are known (``filename,width,height,class,xmin,ymin,xmax,ymax``). A row with a label
    of 'ignore' is a region to ignore; one with an image alone says that it has no heads. Columns are parted by commas,
    semicolons or tabs; where it is not the comma, numbers may have one in place of the point.

    Raises:
        ValueError: Not such a table; says in which line.
    """
    lines = read_text(path).splitlines(keepends=True)
    header = next((line for line in lines if line.strip()), '')
    separator = max(',;\t', key=header.count)
    table = csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True)
    gathered, builders = Gatherer(path, images), {}
    columns: list[str] = []
    try:
        for row in table:
            source = f'{path}, line {table.line_num}'
            if not any(cell.strip() for cell in row):
                continue
            if not columns:
                columns = _columns(source, row, header, gathered)
                continue
            if len(row) > len(columns) or any('\n' in cell or '\r' in cell for cell in row):
                raise ValueError(f'{source}: expected at most {len(columns)} columns in one line, found {short(row)}')
            cells = {key: cell.strip() for key, cell in zip(columns, row, strict=False) if cell.strip()}
            if 'image' not in cells:
                raise ValueError(f'{source}: expected the name of an image, found {short(row)}')
            name = images.find(source, cells['image'])
            if name not in builders:
                builders[name] = gathered.image(source, name)
            _add(builders[name], Record(cells, source), decimal_comma=separator != ',')
    except csv.Error as error:
        raise ValueError(f'{path}, line {table.line_num}: expected a row of a table, found {error}') from error
    if not columns:
        raise ValueError(f'{path}, line 1: expected the columns image, x, y or image, x1, y1, x2, y2, found nothing')
    return gathered.collection()


def _columns(source: str, row: list[str], header: str, gathered: Gatherer) -> list[str]:
    """Our names of the columns."""
    given = [cell.strip().lower() for cell in row]
    names = [_MEANT.get(name, name) for name in given]
    known = set(names)
    if 'image' not in known or not (known.issuperset(_POINT) or known.issuperset(_BOX)):
        raise ValueError(f'{source}: expected the columns image, x, y or image, x1, y1, x2, y2, found {short(header)}')
    twice = [name for name in names if name and names.count(name) > 1]
    if twice:
        raise ValueError(f'{source}: expected every column once, found {twice[0]!r} twice in {short(header)}')
    if not known.issuperset(_BOX) and known & {'width', 'height', 'w', 'h'}:
        raise ValueError(
            f'{source}: expected boxes as x1, y1, x2, y2; width and height are those of the image beside them, '
            f'found {short(header)}'
        )
    for name in sorted(known - {*_COLUMNS, 'width', 'height', ''}):
        gathered.notes.add('columns of other names, not read', name)
    return names


def _add(builder: ImageBuilder, row: Record, decimal_comma: bool) -> None:
    cells = row.value
    if decimal_comma:
        for key in (*_POINT, *_BOX):
            if key in cells and '.' not in cells[key]:
                cells[key] = cells[key].replace(',', '.', 1)
    point, box = (
        Record([cells.get(key, '') for key in keys], row).numbers(len(keys)) if set(keys) & set(cells) else None
        for keys in (_POINT, _BOX)
    )
    size = row.size()
    if size is not None and builder.size not in (None, size):
        raise row.error(f'one size of {builder.name}', f'{size} after {builder.size}')
    builder.size = size or builder.size
    if point is not None or box is not None:
        builder.add(cells.get('label', 'head'), point, box, source=row.source)


def write(collection: Collection, path: str | Path, images: str | Path | None = None, lossy: bool = False) -> None:
    """Write a table with all columns.

    Raises:
        ValueError: A name has a line break.
    """
    require_lines(collection, 'a table')
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
