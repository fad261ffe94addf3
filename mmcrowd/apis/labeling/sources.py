"""What a labeler starts from: heads of annotation files or data sets, presets drawn in any program."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath

import numpy as np

from mmcrowd.datasets.formats import AnnotatedImage, Collection, format_named
from mmcrowd.datasets.formats.collection import has_box
from mmcrowd.utils.pictures import image_size
from mmcrowd.utils.weights import file_sha256

from ..data_tools import annotated_image, dataset_configs, read_samples

SCENES = ('image', 'folder', 'group', 'all')
"""Which images share their presets: none, those of a folder, those whose annotations name one 'group', or all."""


def read_heads(
    source: str | Path,
    format: str = 'json',
    images: str | Path | None = None,
    split: str | None = None,
    faults: list[str] | None = None,
) -> tuple[Collection, Path]:
    """Read heads.

    Args:
        source: Annotations in ``format``; or a config (``.py``), whose data sets are read by their loaders.
        format: See :data:`mmcrowd.datasets.formats.FORMATS`.
        images: Folder of the images; needed but for a config.
        split: Of the config's data sets the one of this split; None takes all.
        faults: Gets a line about each image that is named twice or ambiguously, and about what the reader left out.

    Returns:
        The heads, and the folder that their images' paths are relative to.

    Raises:
        FileNotFoundError: Something is missing.
        ValueError: The annotations are not in this format, or the folder of the images is not given.
    """
    source = Path(source)
    if source.suffix == '.py':
        return _of_config(source, images, split)
    if images is None:
        raise ValueError(f'{source}: the folder of the images is needed')
    return read_tolerantly(source, format, images, faults), Path(images)


def read_tolerantly(source: str | Path, format: str, images: str | Path, faults: list[str] | None = None) -> Collection:
    """Read annotations; what is left out gets a line in ``faults``, or is an error if there is no list."""
    made = format_named(format).read(source, images, faults=faults)
    if faults is not None:
        faults += [f'{source}: {line}' for line in made.notes.lines(3)]
    return made


def same_files(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Images that are copies, byte by byte: name -> the first of them in the order of ``names``."""
    sizes: dict[int, list[str]] = {}
    for name in names:
        with suppress(OSError):
            sizes.setdefault((folder / name).stat().st_size, []).append(name)
    first, same = {}, {}
    for alike in sizes.values():
        for name in alike if len(alike) > 1 else ():
            with suppress(OSError):
                digest = file_sha256(folder / name)
                if first.setdefault(digest, name) != name:
                    same[name] = first[digest]
    return same


def _of_config(source: Path, images: str | Path | None, split: str | None) -> tuple[Collection, Path]:
    configs = dataset_configs(source)
    if split is not None:
        if split not in configs:
            raise ValueError(f'{source}: no split {split!r}, found {sorted(configs)}')
        configs = {split: configs[split]}
    read = [read_samples(config) for config in configs.values()]
    classes = tuple(read[0][0].metainfo['classes'])
    samples = {os.path.abspath(sample['img_path']): sample for _, found in read for sample in found}
    if images is None:
        images = os.path.commonpath([os.path.dirname(path) for path in samples])
    return Collection(classes, [annotated_image(sample, images) for sample in samples.values()]), Path(images)


def presets_of(collection: Collection) -> dict[str, np.ndarray]:
    """Image -> (K, 4) boxes xyxy that are there; images without boxes are left out."""
    found = {image.img_path: image.boxes[has_box(image)] for image in collection.images}
    return {name: boxes for name, boxes in found.items() if len(boxes)}


def scenes_of(images: Iterable[AnnotatedImage], by: str) -> dict[str, list[AnnotatedImage]]:
    """Scene -> its images.

    Args:
        images: The images.
        by: One of :data:`SCENES`.

    Raises:
        ValueError: Another value.
    """
    if by not in SCENES:
        raise ValueError(f'scenes must be one of {SCENES}, found {by!r}')
    scenes: dict[str, list[AnnotatedImage]] = {}
    for image in images:
        scenes.setdefault(scene_of(image, by), []).append(image)
    return scenes


def scene_of(image: AnnotatedImage, by: str) -> str:
    """The name of the image's scene; see :func:`scenes_of`."""
    if by == 'all':
        return 'all'
    if by == 'folder':
        return PurePosixPath(image.img_path).parent.as_posix()
    return str(image.extra.get('group', image.img_path)) if by == 'group' else image.img_path


def with_sizes(images: Iterable[AnnotatedImage], folder: Path) -> tuple[list[AnnotatedImage], list[str]]:
    """Look up the sizes of images.

    Returns:
        The images that can be read, with their ``size``; and a line about each that cannot, or contradicts its
        annotations.
    """
    sound, faults = [], []
    for image in images:
        try:
            size = image_size(folder / image.img_path)
        except (OSError, ValueError) as error:
            faults.append(f'{error}; left out')
            continue
        if image.size is not None and tuple(image.size) != size:
            faults.append(f'{image.img_path}: {size[0]}x{size[1]} pixels, {image.size} in the annotations; left out')
            continue
        image.size = size
        sound.append(image)
    return sound, faults
