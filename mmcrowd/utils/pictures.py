"""The one reader of pictures.

Training, testing, prediction, conversion and checks all see a picture through this module, so that its orientation,
size, depth and whether it can be read at all are decided once:

* It is upright as its EXIF data (or, in TIFF, its tag) say; nothing else turns it.
* It is BGR with 8 bits per sample. Gray, palette and CMYK become colour, an alpha channel is dropped, the first
  frame of an animation and the first page of a TIFF are taken.
* Samples of more than 8 bits are divided by the power of two that brings the smallest of 8, 10, 12, 14 and 16 bits that
  holds the picture's largest value down to 8: a 12-bit camera's picture in 16 bits is as bright as it should be.
* Floats are 0 to 1 if the largest is at most 2, else they are taken as whole numbers; below 0 is black.
* Its size comes from its header, before anything is decoded. More than :data:`MAX_PIXELS` pixels are refused.

The file's content decides what it is, not the ending of its name.
"""

from __future__ import annotations

import contextlib
import functools
import io
import os
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from .files import printable

if TYPE_CHECKING:
    from PIL import Image

MAX_PIXELS = 2**29
"""Most pixels of a picture that is read; the environment variable ``MMCROWD_MAX_PIXELS`` sets another number."""

_OPENCV_FORMATS = frozenset(('JPEG', 'MPO', 'PNG', 'BMP', 'DIB', 'PPM', 'TIFF', 'WEBP'))
_FORMATS = (*_OPENCV_FORMATS, 'GIF', 'AVIF', 'HEIF')
_TIFF_STARTS = (b'II*\0', b'MM\0*', b'II+\0', b'MM\0+')
_ORIENTATION = 0x0112
_LONGEST_JPEG = 65500
_STRIP = 2**22
"""Samples that are converted at a time, so that no second copy of a large picture is made."""


class ImageReadError(ValueError):
    """A file exists, but is not a picture that is read; the message begins with its name."""


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


def read_header(path: str | Path) -> PictureHeader:
    """Look at a picture without decoding it.

    Raises:
        FileNotFoundError: There is no such file.
        ImageReadError: It is not a picture that is read.
    """
    with _naming(path), open(path, 'rb') as file:
        return _header(file)


def image_size(path: str | Path) -> tuple[int, int]:
    """(width, height) of a picture, upright as it is decoded, from its header alone. Raises as :func:`read_header`."""
    return read_header(path).size


def read_image(path: str | Path, max_pixels: int | None = None) -> np.ndarray:
    """Decode a picture.

    Args:
        path: The file.
        max_pixels: Most pixels; None is :data:`MAX_PIXELS`, or what the environment says.

    Returns:
        ``(H, W, 3)`` uint8 BGR, upright.

    Raises:
        FileNotFoundError: There is no such file.
        ImageReadError: It is not a picture that is read, is damaged or cut off, or has too many pixels.
    """
    with _naming(path):
        data = Path(path).read_bytes()
        header = _header(io.BytesIO(data))
        check_pixels(header.size, max_pixels)
        pixels = _decode(data, header)
        del data
        # OpenCV turns TIFF by itself, whatever it is told.
        return pixels if header.format == 'TIFF' else turn(pixels, header.orientation)


def from_pillow(image: Image.Image, max_pixels: int | None = None) -> np.ndarray:
    """The pixels of a picture that Pillow has opened or made, by the rules of this module.

    Args:
        image: The picture; of an animation, the frame that it stands at.
        max_pixels: As in :func:`read_image`.

    Returns:
        ``(H, W, 3)`` uint8 BGR, upright.

    Raises:
        ImageReadError: It cannot be decoded, has no colours that are known, or too many pixels.
    """
    import cv2

    try:
        check_pixels(image.size, max_pixels)
        image.load()
        # After loading: Pillow turns a TIFF by itself, and reads behind the pixels of a PNG.
        with contextlib.suppress(Exception):
            orientation = 1
            orientation = _valid(image.getexif().get(_ORIENTATION))
        if image.mode[0] in 'IF':
            return turn(cv2.cvtColor(to_uint8(np.asarray(image)), cv2.COLOR_GRAY2BGR), orientation)
        if image.mode in ('RGBa', 'La'):  # colours multiplied by their opacity
            image = image.convert('RGBA' if image.mode == 'RGBa' else 'LA')
        return turn(np.ascontiguousarray(np.asarray(image.convert('RGB'))[..., ::-1]), orientation)
    except Exception as error:  # Pillow raises almost anything
        name = printable(getattr(image, 'filename', '') or f'PIL image of mode {image.mode}')
        raise ImageReadError(f'{name}: {" ".join(str(error).split()) or type(error).__name__}') from error


def write_image(path: str | Path, pixels: np.ndarray) -> None:
    """Write a picture, (H, W, 3) uint8 BGR, as the ending of its name says; a JPEG too large for its format smaller.

    Raises:
        OSError: It cannot be written.
    """
    import cv2

    path, scale = Path(path), _LONGEST_JPEG / max(pixels.shape[:2])
    is_jpeg = path.suffix.lower() in ('.jpg', '.jpeg')
    if is_jpeg and scale < 1:
        size = [max(1, int(side * scale)) for side in pixels.shape[1::-1]]
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    done, data = cv2.imencode(path.suffix, pixels, [cv2.IMWRITE_JPEG_QUALITY, 92] if is_jpeg else [])
    if not done:
        raise OSError(f'{printable(path)}: OpenCV writes no such picture')
    path.write_bytes(data)


def swap_channels(pixels: np.ndarray) -> np.ndarray:
    """BGR to RGB or the reverse, in place and so without a second copy; returns ``pixels``, (H, W, 3) uint8."""
    rows = max(1, _STRIP // max(1, pixels[0].size))
    for start in range(0, len(pixels), rows):
        strip = pixels[start : start + rows]
        strip[:] = strip[..., ::-1].copy()
    return pixels


def check_pixels(size: tuple[int, int], max_pixels: int | None = None) -> None:
    """Refuse a picture of too many pixels.

    Args:
        size: (width, height).
        max_pixels: As in :func:`read_image`.

    Raises:
        ValueError: It has more; the message says how much memory it would take.
    """
    limit = pixel_limit() if max_pixels is None else max_pixels
    number = size[0] * size[1]
    if number > limit:
        raise ValueError(
            f'{size[0]} x {size[1]} pixels would take {number * 3 / 1e9:,.1f} GB decoded and twice as much while it is '
            f'predicted; the limit is {limit:,} pixels, the environment variable MMCROWD_MAX_PIXELS sets another'
        )


def pixel_limit() -> int:
    """:data:`MAX_PIXELS`, or the number that the environment variable ``MMCROWD_MAX_PIXELS`` sets."""
    text = os.environ.get('MMCROWD_MAX_PIXELS', '')
    if text and not text.isdecimal():
        raise ValueError(f'MMCROWD_MAX_PIXELS={text!r}: expected a whole number of pixels')
    return int(text) if text else MAX_PIXELS


@functools.cache
def readable_formats() -> tuple[str, ...]:
    """Pillow's names of the formats that are read: HEIF is one where the plug-in ``pillow-heif`` is installed."""
    from PIL import Image

    with contextlib.suppress(ImportError):
        import pillow_heif

        pillow_heif.register_heif_opener()
    Image.init()
    return tuple(name for name in _FORMATS if name in Image.OPEN)


def turn(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Turn a stored picture (H, W, C) upright; ``orientation`` is 1 to 8 as in EXIF. May change ``pixels``."""
    import cv2

    if orientation in (5, 7):
        pixels = cv2.transpose(pixels)
        orientation = {5: 1, 7: 3}[orientation]
    if orientation in (6, 8):
        return cv2.rotate(pixels, cv2.ROTATE_90_CLOCKWISE if orientation == 6 else cv2.ROTATE_90_COUNTERCLOCKWISE)
    return cv2.flip(pixels, {2: 1, 3: -1, 4: 0}[orientation], dst=pixels) if orientation > 1 else pixels


def to_uint8(samples: np.ndarray) -> np.ndarray:
    """Bring samples of more than 8 bits to 8; the rule is that of the module.

    Args:
        samples: ``(H, W)`` or ``(H, W, C)`` whole numbers or floats.

    Raises:
        ValueError: There are samples that are no finite numbers.
    """
    if samples.dtype == np.uint8:
        return samples
    largest, scale = samples.max(), 1.0
    if not np.isfinite(largest) or not np.isfinite(samples.min()):
        raise ValueError('expected finite samples, found NaN or infinity among them')
    if np.issubdtype(samples.dtype, np.floating) and largest <= 2:
        scale = 255.0
    elif largest > 255:
        bits = int(largest).bit_length()
        scale = 2.0 ** (8 - bits - bits % 2)
    out = np.empty(samples.shape, np.uint8)
    rows = max(1, _STRIP // max(1, samples[0].size))
    for start in range(0, len(samples), rows):
        strip = samples[start : start + rows] * np.float64(scale)
        out[start : start + rows] = (strip + 0.5 * (scale == 255)).clip(0, 255)
    return out


# ---------------------------------------------------------------------- header


@contextlib.contextmanager
def _naming(path: str | Path) -> Iterator[None]:
    """Errors of the decoders, which are of a dozen types, as one that begins with the file's name."""
    if not Path(path).is_file():
        raise FileNotFoundError(f'{printable(path)}: no such file, expected an image')
    try:
        yield
    except PermissionError as error:
        raise ImageReadError(f'{printable(path)}: this file may not be read ({error.strerror})') from error
    except Exception as error:
        size, reason = Path(path).stat().st_size, ' '.join(str(error).split()) or type(error).__name__
        if isinstance(error, _Undecodable):
            raise ImageReadError(
                f'{printable(path)}: this file of {size} bytes cannot be decoded, expected an image{error}'
            ) from error
        raise ImageReadError(f'{printable(path)}: {reason}') from error


class _Undecodable(Exception):
    """What is said after "cannot be decoded, expected an image"."""


@contextlib.contextmanager
def _opened(file: BinaryIO) -> Iterator[Image.Image]:
    from PIL import Image

    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # the limit is ours
    try:
        with Image.open(file, formats=readable_formats()) as image:
            yield image
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def _header(file: BinaryIO) -> PictureHeader:
    try:
        start = file.read(4)
        file.seek(0)
        if start in _TIFF_STARTS:
            return _tiff_header(file)
        with _opened(file) as image:
            orientation = _exif_orientation(_exif(image, file))
            frames = 1 if image.format == 'MPO' else getattr(image, 'n_frames', 1)
            size = image.size[::-1] if orientation >= 5 else image.size
            return PictureHeader(image.format, size, orientation, image.mode, _bits(image, file), frames)
    except Exception as error:
        known = type(error).__name__ != 'UnidentifiedImageError'
        raise _Undecodable(f': {error}' if known else _missing_decoder(file)) from error


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
    width, height, orientation = int(tags[256]), int(tags[257]), _valid(tags.get(_ORIENTATION))
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
        return _valid(exif.get(_ORIENTATION))
    except Exception:  # damaged EXIF data say nothing, and Pillow raises almost anything
        return 1


def _valid(orientation: object) -> int:
    return orientation if orientation in range(1, 9) else 1


# ---------------------------------------------------------------------- pixels


def _decode(data: bytes, header: PictureHeader) -> np.ndarray:
    import cv2

    if header.format not in _OPENCV_FORMATS or (header.frames > 1 and header.format != 'TIFF'):
        return _decode_with_pillow(data)
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
    if header.bits > 8:  # float TIFFs are only read as they are
        flags = cv2.IMREAD_UNCHANGED
    try:
        samples = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise _Undecodable(f': {error.err}') from error
    if samples is None:
        raise _Undecodable(': it is damaged or cut off')
    samples = to_uint8(samples)
    if samples.ndim == 2:
        return cv2.cvtColor(samples, cv2.COLOR_GRAY2BGR)
    return np.ascontiguousarray(samples[..., :3])


def _decode_with_pillow(data: bytes) -> np.ndarray:
    try:
        with _opened(io.BytesIO(data)) as image:
            return np.ascontiguousarray(np.asarray(image.convert('RGB'))[..., ::-1])
    except Exception as error:
        raise _Undecodable(f': {error}') from error
