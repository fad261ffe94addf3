"""Annotation formats: readers to and writers from one :class:`Collection`.

Every format is a module with ``read(path, images=None)`` and ``write(collection, path, images=None, lossy=False)``.
"""

from types import ModuleType

from . import coco, cvat, label_studio, labelme, native, shanghaitech, table, via, voc, yolo
from .collection import AnnotatedImage, Collection

FORMATS: dict[str, ModuleType] = dict(
    json=native,
    coco=coco,
    yolo=yolo,
    voc=voc,
    labelme=labelme,
    label_studio=label_studio,
    cvat=cvat,
    via=via,
    csv=table,
    shanghaitech=shanghaitech,
)


def format_named(name: str) -> ModuleType:
    """The module of a format.

    Raises:
        ValueError: There is none of this name.
    """
    if name not in FORMATS:
        raise ValueError(f'format must be one of {sorted(FORMATS)}, got {name!r}')
    return FORMATS[name]


__all__ = ['FORMATS', 'AnnotatedImage', 'Collection', 'format_named']
