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
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .files import printable
from .picture_headers import (
    OPENCV_FORMATS,
    ORIENTATION,
    PictureHeader,
    Undecodable,
    header_of,
    opened,
    valid_orientation,
)

if TYPE_CHECKING:
    from PIL import Image

MAX_PIXELS = 2**29
"""Most pixels of a picture that is read; the environment variable ``MMCROWD_MAX_PIXELS`` sets another number."""

_LONGEST_JPEG = 65500
_STRIP = 2**22
"""Samples that are converted at a time, so that no second copy of a large picture is made."""


class ImageReadError(ValueError):
    """A file exists, but is not a picture that is read; the message begins with its name."""


def read_header(path: str | Path) -> PictureHeader:
    """Look at a picture without decoding it.

    Raises:
        FileNotFoundError: There is no such file.
        ImageReadError: It is not a picture that is read.
    """
    with _naming(path), open(path, 'rb') as file:
        return header_of(file)


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
        header = header_of(io.BytesIO(data))
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
            orientation = valid_orientation(image.getexif().get(ORIENTATION))
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
    import cv2

    rows = max(1, _STRIP // max(1, pixels[0].size))
    for start in range(0, len(pixels), rows):
        strip = pixels[start : start + rows]
        strip[:] = cv2.cvtColor(strip, cv2.COLOR_BGR2RGB)
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
        if isinstance(error, Undecodable):
            raise ImageReadError(
                f'{printable(path)}: this file of {size} bytes cannot be decoded, expected an image{error}'
            ) from error
        raise ImageReadError(f'{printable(path)}: {reason}') from error


def _decode(data: bytes, header: PictureHeader) -> np.ndarray:
    import cv2

    if header.format not in OPENCV_FORMATS or (header.frames > 1 and header.format != 'TIFF'):
        return _decode_with_pillow(data)
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
    if header.bits > 8:  # float TIFFs are only read as they are
        flags = cv2.IMREAD_UNCHANGED
    try:
        samples = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise Undecodable(f': {error.err}') from error
    if samples is None:
        raise Undecodable(': it is damaged or cut off')
    samples = to_uint8(samples)
    if samples.ndim == 2:
        return cv2.cvtColor(samples, cv2.COLOR_GRAY2BGR)
    return np.ascontiguousarray(samples[..., :3])


def _decode_with_pillow(data: bytes) -> np.ndarray:
    try:
        with opened(io.BytesIO(data)) as image:
            return np.ascontiguousarray(np.asarray(image.convert('RGB'))[..., ::-1])
    except Exception as error:
        raise Undecodable(f': {error}') from error
