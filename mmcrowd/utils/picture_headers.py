"""What a picture is, from the header of its file alone: format, size, orientation, depth; nothing is decoded.

:func:`mmcrowd.utils.pictures.read_header` is the way in, which names the file in what it raises.
"""

from __future__ import annotations

import contextlib
import functools
import os
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

OPENCV_FORMATS = frozenset(('JPEG', 'MPO', 'PNG', 'BMP', 'DIB', 'PPM', 'TIFF', 'WEBP'))
"""Pillow's names of the formats that OpenCV decodes."""
ORIENTATION = 0x0112
"""Number of the tag, in EXIF and in TIFF."""

_FORMATS = (*OPENCV_FORMATS, 'GIF', 'AVIF', 'HEIF')
_TIFF_STARTS = (b'II*\0', b'MM\0*', b'II+\0', b'MM\0+')


@dataclass(frozen=True)
class PictureHeader:
    """What a picture is, before it is decoded.

    Attributes:
        format: Pillow's name, such as 'JPEG'.
        size: (width, height) upright, pixels.
        orientation: 1 to 8, as in EXIF; 1 is upright as stored.
        mode: Pillow's name of the pixel format, such as 'RGB', 'L' (gray), 'CMYK'.
        bits: Per sample.
        frames: Frames of an animation, or pages.
    """

    format: str
    size: tuple[int, int]
    orientation: int
    mode: str
    bits: int
    frames: int

    @property
    def notes(self) -> list[str]:
        """What of the picture is not seen as it is stored, a phrase each; usually nothing."""
        notes = []
        if self.bits > 8:
            notes.append(f'{self.bits} bits per sample, scaled to 8 by its largest value')
        if self.frames > 1:
            notes.append(
                f'only the first of its {self.frames} {"pages" if self.format == "TIFF" else "frames"} is read'
            )
        return notes


@functools.cache
def readable_formats() -> tuple[str, ...]:
    """Pillow's names of the formats that are read: HEIF is one where the plug-in ``pillow-heif`` is installed."""
    from PIL import Image

    with contextlib.suppress(ImportError):
        import pillow_heif

        pillow_heif.register_heif_opener()
    Image.init()
    return tuple(name for name in _FORMATS if name in Image.OPEN)


class Undecodable(Exception):
    """What is said after "cannot be decoded, expected an image"."""


@contextlib.contextmanager
def opened(file: BinaryIO) -> Iterator[Image.Image]:
    """A picture as Pillow opens it, of the formats that are read, however many pixels it has."""
    from PIL import Image

    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # the limit is ours
    try:
        with Image.open(file, formats=readable_formats()) as image:
            yield image
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def header_of(file: BinaryIO) -> PictureHeader:
    """The header of an open file, read from its start.

    Raises:
        Undecodable: It is not a picture that is read.
    """
    try:
        start = file.read(4)
        file.seek(0)
        if start in _TIFF_STARTS:
            return _tiff_header(file)
        with opened(file) as image:
            orientation = _exif_orientation(_exif(image, file))
            frames = 1 if image.format == 'MPO' else getattr(image, 'n_frames', 1)
            size = image.size[::-1] if orientation >= 5 else image.size
            return PictureHeader(image.format, size, orientation, image.mode, _bits(image, file), frames)
    except Exception as error:
        known = type(error).__name__ != 'UnidentifiedImageError'
        raise Undecodable(f': {error}' if known else _missing_decoder(file)) from error


def _missing_decoder(file: BinaryIO) -> str:
    file.seek(0)
    brand = file.read(12)
    if brand[4:8] != b'ftyp':
        return ''
    needed = 'AVIF needs Pillow 11.3 or newer' if brand[8:11] == b'avi' else 'HEIC needs the package pillow-heif'
    return f': {needed}'


def _tiff_header(file: BinaryIO) -> PictureHeader:
    """From the tags: Pillow opens no colour TIFF of floats, which OpenCV decodes."""
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    start = file.read(8)
    start += file.read(8) if start[2:3] + start[3:4] in (b'+\0', b'\0+') else b''  # BigTIFF
    pages: dict[int, ImageFileDirectory_v2] = {}
    place = ImageFileDirectory_v2(start).next
    while place and place not in pages:
        file.seek(place)
        pages[place] = ImageFileDirectory_v2(start)
        pages[place].load(file)
        place = pages[place].next
    tags = next(iter(pages.values()))
    width, height, orientation = int(tags[256]), int(tags[257]), valid_orientation(tags.get(ORIENTATION))
    size = (height, width) if orientation >= 5 else (width, height)
    return PictureHeader('TIFF', size, orientation, _tiff_mode(tags), int(np.max(tags.get(258, 1))), len(pages))


def _tiff_mode(tags: Mapping[int, Any]) -> str:
    bits = int(np.max(tags.get(258, 1)))
    gray = '1' if bits == 1 else 'L' if bits <= 8 else 'F' if np.max(tags.get(339, 1)) == 3 else 'I;16'
    return {0: gray, 1: gray, 3: 'P', 5: 'CMYK', 6: 'YCbCr'}.get(tags.get(262, 1), 'RGB')


def _bits(image: Image.Image, file: BinaryIO) -> int:
    if image.format == 'PNG':
        file.seek(24)
        return file.read(1)[0]
    return 8 if image.mode[0] not in 'IF' else 16


def _exif(image: Image.Image, file: BinaryIO) -> bytes:
    """The EXIF data, empty if there are none; Pillow would decode a whole PNG to look behind the pixels."""
    return _png_exif(file) if image.format == 'PNG' else image.info.get('exif', b'')


def _png_exif(file: BinaryIO) -> bytes:
    file.seek(8)
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack('>I4s', head)
        if kind == b'eXIf':
            return file.read(length)
        file.seek(length + 4, os.SEEK_CUR)
    return b''


def _exif_orientation(data: bytes) -> int:
    from PIL import Image

    exif = Image.Exif()
    try:
        exif.load(data)
        return valid_orientation(exif.get(ORIENTATION))
    except Exception:  # damaged EXIF data say nothing, and Pillow raises almost anything
        return 1


def valid_orientation(orientation: object) -> int:
    """An orientation as a file says it, 1 where it says none of those that there are."""
    return orientation if orientation in range(1, 9) else 1
