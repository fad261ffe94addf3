"""The MOTChallenge: ``gt.txt`` of one sequence of frames or of several."""

from collections import defaultdict
from pathlib import Path, PurePosixPath

import numpy as np

from ..mot import read_boxes
from ..naming import ImageNames, frame_number
from ..readers import read_lines
from .collection import IGNORE, AnnotatedImage, Collection, require_boxes, require_centres, require_lines
from .gathering import Gatherer


def read(path: Path, images: ImageNames) -> Collection:
    """Read ``gt.txt``, or ``<sequence>/gt/gt.txt`` in a folder for images ``<sequence>/img1/<frame>``. Boxes count from
    1; rows with zero confidence are regions to ignore, and frames without rows have no heads. Class numbers above 1
    make classes of their own; ``labels.txt`` beside the file names them.

    Raises:
        ValueError: Not such a file, or a frame without image; says which line or frame.
        FileNotFoundError: There is none.
    """
    if images.folder is None:
        raise ValueError(f'{path}: frames have numbers and no names: give the folder of the images')
    files = [path] if path.is_file() else sorted(path.rglob('gt.txt'))
    if not files:
        raise FileNotFoundError(f'{path}: expected gt.txt in or below this folder, found none')
    gathered = Gatherer(path, images)
    for file in files:
        _read_sequence(gathered, file, _folder(path, file, images))
    return gathered.collection()


def _folder(path: Path, file: Path, images: ImageNames) -> str:
    """Where the frames are: below the folder of the sequence, if the folder of the images has one."""
    if file == path:
        return ''
    scene = file.parent.parent if file.parent.name == 'gt' else file.parent
    name = scene.relative_to(path).as_posix() if scene.is_relative_to(path) else '.'
    return '' if name == '.' or not (images.folder / name).is_dir() else name


def _read_sequence(gathered: Gatherer, file: Path, folder: str) -> None:
    names = _class_names(file)
    frames = read_boxes(file)
    for frame in sorted({*frames, *gathered.names.numbered(folder)}):
        source = f'{file}, frame {frame}'
        builder = gathered.image(source, gathered.names.find_numbered(source, frame, folder))
        rows = frames.get(frame, np.zeros((0, 8)))
        if not len(rows):
            builder.note('frames without rows, taken as without heads')
        for x1, y1, x2, y2, _, confidence, kind, _ in rows.tolist():
            label = names.get(int(kind), 'head' if kind <= 1 else f'class {int(kind)}')
            builder.add(label if confidence else IGNORE, box=[x1 - 1, y1 - 1, x2 - 1, y2 - 1], source=source)


def _class_names(file: Path) -> dict[int, str]:
    listed = file.with_name('labels.txt')
    return dict(enumerate(read_lines(listed), start=1)) if listed.is_file() else {}


def write(collection: Collection, path: str | Path, images: str | Path | None = None, lossy: bool = False) -> None:
    """Write ``<sequence>/gt/gt.txt`` for images ``<sequence>/img1/<frame>``, or ``gt/gt.txt`` for images in no folder,
    with coordinates that count from 1, every head a track of its own, and the classes in ``labels.txt``.

    Raises:
        ValueError: A head has no box; its point is not at the centre of it, and ``lossy`` is False; an image has no
            number at the end of its name, or that of another image of the sequence.
    """
    require_boxes(collection.images, 'the MOTChallenge')
    require_centres(collection.images, 'the MOTChallenge', lossy)
    require_lines(collection, 'the MOTChallenge')
    sequences: dict[PurePosixPath, dict[int, AnnotatedImage]] = defaultdict(dict)
    for image in collection.images:
        folder, frame = PurePosixPath(image.img_path).parent, frame_number(image.img_path)
        frames = sequences[folder.parent if folder.name == 'img1' else folder]
        if frame is None or frame in frames:
            other = f': it is that of {frames[frame].img_path}' if frame is not None else ''
            raise ValueError(f'{image.img_path}: expected a frame number of its own at the end of the name{other}')
        frames[frame] = image
    for folder, frames in sequences.items():
        file = Path(path) / folder / 'gt' / 'gt.txt'
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(''.join(_rows(frames)))
        file.with_name('labels.txt').write_text('\n'.join(collection.classes) + '\n', encoding='utf-8')


def _rows(frames: dict[int, AnnotatedImage]) -> list[str]:
    lines = []
    for frame, image in sorted(frames.items()):
        boxes = np.concatenate([image.boxes, image.ignore_boxes])
        kinds = [*((1, label + 1) for label in image.labels.tolist()), *[(0, 1)] * len(image.ignore_boxes)]
        for number, ((x1, y1, x2, y2), (counts, kind)) in enumerate(zip(boxes.tolist(), kinds, strict=True), start=1):
            lines.append(f'{frame},{number},{x1 + 1!r},{y1 + 1!r},{x2 - x1!r},{y2 - y1!r},{counts},{kind},1\n')
    return lines
