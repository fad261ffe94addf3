"""Annotation formats: readers to and writers from one :class:`Collection`."""

from ..naming import ImageNames, require_unique
from . import coco, cvat, label_studio, labelme, mot, native, points, shanghaitech, table, via, voc, yolo
from .collection import AnnotatedImage, Collection
from .format import Format

FORMATS: dict[str, Format] = {
    format.name: format
    for format in (
        Format('json', native),
        Format('coco', coco),
        Format('yolo', yolo, '.txt'),
        Format('voc', voc, '.xml'),
        Format('labelme', labelme, '.json'),
        Format('label_studio', label_studio),
        Format('cvat', cvat),
        Format('via', via),
        Format('csv', table),
        Format('points', points, '.txt'),
        Format('mot', mot),
        Format('shanghaitech', shanghaitech, '.mat'),
    )
}


def format_named(name: str) -> Format:
    """The format of this name.

    Raises:
        ValueError: There is none.
    """
    if name not in FORMATS:
        raise ValueError(f'format must be one of {sorted(FORMATS)}, got {name!r}')
    return FORMATS[name]


__all__ = ['FORMATS', 'AnnotatedImage', 'Collection', 'Format', 'ImageNames', 'format_named', 'require_unique']
