"""Images in batches: so many are read, go through the network, and are let go of, and each gets its own answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmcrowd.utils.files import printable
from mmcrowd.utils.pictures import ImageReadError, read_image

from .result import CrowdResult

if TYPE_CHECKING:
    from .inferencer import CrowdInferencer

IMAGE_ERRORS = (ImageReadError, FileNotFoundError, MemoryError, RuntimeError)
"""What an image may raise; :func:`why_left_out` says whether it is the image's."""

_STOPPED_BY_MEMORY = ('allocate memory', 'out of memory', 'Insufficient memory')


@dataclass
class Picture:
    """An image on its way through a model.

    Attributes:
        path: As of :class:`mmcrowd.apis.CrowdResult`, and so are ``frame`` and ``seconds``.
        pixels: ``(H, W, 3)`` uint8 BGR; None where it could not be read, or once nobody needs them.
        result: What the model found, once it has looked.
        error: Why there is no result, one of :data:`IMAGE_ERRORS`.
    """

    path: str | None
    pixels: np.ndarray | None = None
    frame: int | None = None
    seconds: float | None = None
    result: CrowdResult | None = None
    error: Exception | None = None


def predict_pictures(
    crowd: CrowdInferencer, pictures: Iterable[Picture], return_map: bool = False, keep_pixels: bool = False
) -> Iterator[Picture]:
    """Find the heads of pictures, ``crowd.batch_size`` at a time.

    As many are held, or fewer: once they have ``crowd.max_whole_pixels`` pixels together, no other is read. A batch
    that fails, as where the memory is full, is tried again picture by picture.

    Args:
        crowd: The model.
        pictures: Those with an ``error`` are passed on as they are.
        return_map: Whether the results carry the predicted maps.
        keep_pixels: Whether the pictures still have their pixels.

    Yields:
        The same pictures in order, with ``result`` or ``error``.

    Raises:
        Exception: What ``pictures`` raises, behind the pictures before it.
    """
    for batch in _batches(pictures, crowd.batch_size, crowd.max_whole_pixels):
        _predict(crowd, [picture for picture in batch if picture.error is None], return_map)
        while batch:
            if not keep_pixels:
                batch[0].pixels = None
            yield batch.pop(0)


def predict_files(
    crowd: CrowdInferencer, paths: Sequence[str], names: Sequence[str] | None = None, keep_pixels: bool = False
) -> Iterator[tuple[Picture, str]]:
    """Find the heads in image files, those that cannot be read among them.

    Args:
        crowd: The model.
        paths: The files.
        names: What they are called in the results; None is their paths.
        keep_pixels: As of :func:`predict_pictures`.

    Yields:
        Each as a picture, and why it has no result, in a line; '' where it has one.
    """
    pictures = (_read(crowd, path, name) for path, name in zip(paths, names or paths, strict=True))
    for path, picture in zip(paths, predict_pictures(crowd, pictures, keep_pixels=keep_pixels), strict=True):
        yield picture, '' if picture.error is None else why_left_out(picture.error, path)


def why_left_out(error: Exception, path: str | Path) -> str:
    """Why an image has no result, in a line.

    Args:
        error: One of :data:`IMAGE_ERRORS`; raised again where the image is not to blame.
        path: The image.
    """
    if isinstance(error, ImageReadError | FileNotFoundError):
        return str(error)
    if isinstance(error, MemoryError) or any(words in str(error) for words in _STOPPED_BY_MEMORY):
        return f'{printable(path)}: this image does not fit into memory'
    raise error


def _read(crowd: CrowdInferencer, path: str, name: str) -> Picture:
    try:
        return Picture(name, read_image(path, crowd.max_pixels))
    except IMAGE_ERRORS as error:
        return Picture(name, error=error)


def _batches(pictures: Iterable[Picture], size: int, most_pixels: int) -> Iterator[list[Picture]]:
    batch, held = [], 0
    try:
        for picture in pictures:
            pixels = 0 if picture.pixels is None else picture.pixels.shape[0] * picture.pixels.shape[1]
            if batch and held + pixels > most_pixels:
                yield batch
                batch, held = [], 0
            batch.append(picture)
            del picture
            held += pixels
            if len(batch) == size or held >= most_pixels:
                yield batch
                batch, held = [], 0
    except Exception:
        yield batch
        raise
    yield batch


def _predict(crowd: CrowdInferencer, pictures: list[Picture], return_map: bool) -> None:
    try:
        found = crowd.predict_batch([p.pixels for p in pictures], return_map, [p.path for p in pictures])
    except IMAGE_ERRORS as error:
        if len(pictures) == 1:
            pictures[0].error = error
            return
        found = None  # and no exception, which would hold the pixels of the batch
    if found is None:
        for picture in pictures:
            _predict(crowd, [picture], return_map)
        return
    for picture, result in zip(pictures, found, strict=True):
        picture.result = result
