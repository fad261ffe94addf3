"""A look at image files: what they are, and which show the same picture."""

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from mmengine.utils import track_iter_progress

from mmcrowd.utils.pictures import read_header, read_image

THUMBNAIL = 24
"""Side of the small gray pictures that are compared, pixels."""
LIKENESS = 0.979
"""Correlation of small gray pictures from which on two photographs count as alike."""


@dataclass
class ImageFacts:
    """What is known of an image file.

    Attributes:
        size: (width, height) upright, pixels; None if it cannot be read.
        mode: Pillow's name of the pixel format, as 'RGB', 'L' (gray), 'CMYK'.
        turned: The EXIF data turn it by a quarter or a half, or mirror it.
        thumbnail: (24 * 24,) float32 of zero mean and unit length; None if it is of one colour or unreadable.
        notes: What of the picture is not seen as it is stored: more than 8 bits per sample, further frames or pages.
        error: Why it cannot be read.
    """

    size: tuple[int, int] | None = None
    mode: str = ''
    turned: bool = False
    thumbnail: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    error: str = ''


def scan_images(paths: Sequence[str | Path], what: str) -> list[ImageFacts]:
    """Facts of many images; progress is shown on the standard error output, after ``what``."""
    print(f'{what}: {len(paths)} images', file=sys.stderr)
    with ThreadPoolExecutor(4) as pool:
        facts = list(track_iter_progress((pool.map(scan_image, paths), len(paths)), file=sys.stderr))
    print(file=sys.stderr)
    return facts


def scan_image(path: str | Path) -> ImageFacts:
    """Decode an image as training does."""
    try:
        header = read_header(path)
        small = cv2.resize(read_image(path), (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
    except (OSError, ValueError) as error:
        return ImageFacts(error=str(error))
    facts = ImageFacts(header.size, header.mode, header.orientation > 1, notes=tuple(header.notes))
    gray = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.float32).reshape(-1)
    gray = gray - gray.mean()
    length = np.linalg.norm(gray)
    if length > THUMBNAIL:  # less than a gray level of contrast says nothing
        facts.thumbnail = gray / length
    return facts


def same_pictures(
    first: list[np.ndarray | None], second: list[np.ndarray | None], threshold: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of pictures whose normalised correlation is at least ``threshold``.

    Returns:
        For each pair its index in ``first``, that in ``second``, and the correlation; three arrays.
    """
    rows = np.array([i for i, picture in enumerate(first) if picture is not None], dtype=np.int64)
    columns = np.array([i for i, picture in enumerate(second) if picture is not None], dtype=np.int64)
    found = [(rows[:0], columns[:0], np.zeros(0, np.float32))]
    if len(rows) and len(columns):
        other = np.stack([second[i] for i in columns]).T
        for start in range(0, len(rows), 1024):
            block = rows[start : start + 1024]
            likeness = np.stack([first[i] for i in block]) @ other
            row, column = np.nonzero(likeness >= threshold)
            found.append((block[row], columns[column], likeness[row, column]))
    return tuple(np.concatenate(parts) for parts in zip(*found, strict=True))
