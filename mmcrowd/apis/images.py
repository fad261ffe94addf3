"""Images of a user: a file, a folder, a pattern, an array."""

from __future__ import annotations

import glob
import os
from collections import Counter
from pathlib import Path

import numpy as np

from mmcrowd.utils.files import IMAGE_SUFFIXES, is_hidden, is_image_name, printable
from mmcrowd.utils.frames import is_video_name
from mmcrowd.utils.pictures import ImageReadError


def list_images(path: str | Path) -> list[str]:
    """The image files that a path stands for.

    Args:
        path: A file, a folder (its image files by name, also links that lead nowhere, since something that is called
            a picture is missed; folders inside are not entered), or a pattern such as ``photos/**/*.jpg``.

    Returns:
        One or more paths.

    Raises:
        FileNotFoundError: Nothing is there, or the folder holds no image, or nothing fits the pattern.
        ImageReadError: It is a video.
    """
    return look_into(path)[0]


def look_into(path: str | Path) -> tuple[list[str], dict[str, int]]:
    """The image files that a path stands for, as :func:`list_images`, and what else is there.

    Returns:
        The paths, and how many there are of each kind of what is left out: 'folder', 'broken link', or an ending as in
        '.mov file'. Hidden files (see :func:`mmcrowd.utils.files.is_hidden`) are nobody's data and not counted.

    Raises:
        FileNotFoundError: As :func:`list_images`; the message says what is there instead.
        ImageReadError: It is a video.
    """
    if is_pattern(path):
        return _matching(str(path))
    path = Path(path)
    if path.is_file():
        if is_video_name(path):
            raise ImageReadError(
                f'{printable(path)}: a video, expected images: use "mmcrowd video", or stream() in Python'
            )
        return [str(path)], {}
    if not path.is_dir():
        raise FileNotFoundError(f'{printable(path)}: no such file or folder, expected an image or a folder of images')
    images, left_out = [], Counter()
    with os.scandir(path) as entries:
        for entry in entries:
            if is_hidden(entry.name):
                continue
            lost = entry.is_symlink() and not (_is(entry.is_file) or _is(entry.is_dir))
            if is_image_name(entry.name) and (lost or _is(entry.is_file)):
                images.append(str(path / entry.name))
            else:
                left_out[_kind(entry)] += 1
    left_out = dict(sorted(left_out.items(), key=lambda item: (-item[1], item[0])))
    if not images:
        found = f' (found {describe(left_out)})' if left_out else ''
        raise FileNotFoundError(
            f'{printable(path)}: no image in this folder{found}, expected files ending in {", ".join(IMAGE_SUFFIXES)}'
        )
    return sorted(images), left_out


def is_pattern(path: str | Path) -> bool:
    """Whether this stands for the files that fit it, such as ``photos/*.jpg``: a file of that very name is itself."""
    return glob.has_magic(str(path)) and not os.path.lexists(path)


def matching_files(pattern: str) -> list[str]:
    """The files that fit a pattern, by name; ``**`` is any number of folders, hidden files are passed over.

    Raises:
        FileNotFoundError: There is none.
    """
    found = sorted(path for path in glob.glob(pattern, recursive=True) if not is_hidden(Path(path).name))
    files = [path for path in found if not os.path.isdir(path)]
    if not files:
        folders = f' (only {describe({"folder": len(found)})})' if found else ''
        raise FileNotFoundError(f'{printable(pattern)}: no file fits this pattern{folders}')
    return files


def _matching(pattern: str) -> tuple[list[str], dict[str, int]]:
    """As :func:`look_into`, of a pattern."""
    files = matching_files(pattern)
    images = [path for path in files if is_image_name(path)]
    others = Counter(_ending(path) for path in files if not is_image_name(path))
    left_out = dict(sorted(others.items(), key=lambda item: (-item[1], item[0])))
    if not images:
        raise FileNotFoundError(
            f'{printable(pattern)}: no image fits this pattern (found {describe(left_out)}), expected files ending in '
            f'{", ".join(IMAGE_SUFFIXES)}'
        )
    return images, left_out


def describe(left_out: dict[str, int]) -> str:
    """What :func:`look_into` left out, as part of a sentence."""
    return ', '.join(f'{kind}' if number == 1 else f'{number:,} x {kind}' for kind, number in left_out.items())


def _kind(entry: os.DirEntry) -> str:
    if _is(entry.is_dir):
        return 'folder'
    if not _is(entry.is_file):
        return 'broken link' if entry.is_symlink() else 'special file'
    return _ending(entry.name)


def _ending(name: str) -> str:
    suffix = Path(name).suffix.lower()
    return f'{printable(suffix)} file' if suffix else 'file without ending'


def _is(question) -> bool:
    try:
        return question()
    except OSError:  # a link that leads to itself
        return False


def check_array(image: np.ndarray) -> np.ndarray:
    """Return an ``(H, W, 3)`` uint8 array unchanged, and raise a ValueError for any other."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ValueError(f'expected an (H, W, 3) uint8 BGR image, found a {image.dtype} array of shape {image.shape}')
    return image
