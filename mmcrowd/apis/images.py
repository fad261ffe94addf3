"""Images of a user: a file, a folder, an array."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

IMAGE_SUFFIXES = ('.bmp', '.jpeg', '.jpg', '.png', '.ppm', '.tif', '.tiff', '.webp')


class ImageReadError(ValueError):
    """A file exists, but is not an image that can be decoded."""


def list_images(path: str | Path) -> list[str]:
    """The image files that a path stands for.

    Args:
        path: A file, or a folder (its image files by name; folders inside are not entered).

    Returns:
        One or more paths.

    Raises:
        FileNotFoundError: Nothing is there, or the folder holds no image.
    """
    path = Path(path)
    if path.is_file():
        return [str(path)]
    if not path.is_dir():
        raise FileNotFoundError(f'{path}: no such file or folder, expected an image or a folder of images')
    images = sorted(str(file) for file in path.iterdir() if file.is_file() and file.suffix.lower() in IMAGE_SUFFIXES)
    if not images:
        raise FileNotFoundError(
            f'{path}: no image in this folder, expected files ending in {", ".join(IMAGE_SUFFIXES)}'
        )
    return images


def read_image(path: str | Path) -> np.ndarray:
    """Decode an image file, turned upright as its EXIF data say.

    Args:
        path: The file.

    Returns:
        ``(H, W, 3)`` uint8 BGR.

    Raises:
        FileNotFoundError: There is no such file.
        ImageReadError: It is not an image.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'{path}: no such file, expected an image')
    data = np.frombuffer(path.read_bytes(), np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if image is None:
        raise ImageReadError(f'{path}: this file of {data.size} bytes cannot be decoded, expected an image')
    return image


def check_array(image: np.ndarray) -> np.ndarray:
    """Return an ``(H, W, 3)`` uint8 array unchanged, and raise a ValueError for any other."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ValueError(f'expected an (H, W, 3) uint8 BGR image, found a {image.dtype} array of shape {image.shape}')
    return image
