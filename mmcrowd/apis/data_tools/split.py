"""Dividing a data set: the body of ``tools/dataset_tools/make_split.py``."""

import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from mmcrowd.datasets.formats import Collection, format_named

from .image_scan import LIKENESS, same_pictures, scan_images


def split_groups(counts: Sequence[float], sizes: Sequence[int], ratios: Sequence[float], seed: int = 0) -> np.ndarray:
    """Divide groups so that each part gets its share of the images and groups of all counts.

    Groups of similar count are dealt out together, in random order, each to the part that lacks most images.

    Args:
        counts: Mean number of heads per image of each group.
        sizes: Number of images of each group.
        ratios: Share of each part, in any unit.
        seed: Decides what is drawn.

    Returns:
        (number of groups,) index of each group's part.
    """
    rng = np.random.default_rng(seed)
    share = np.asarray(ratios, dtype=np.float64) / np.sum(ratios)
    stratum = max(len(share), math.ceil(1 / share[share > 0].min()))
    order = np.lexsort((rng.random(len(counts)), np.asarray(counts)))
    parts = np.zeros(len(counts), dtype=np.int64)
    given = np.zeros(len(share))
    for start in range(0, len(order), stratum):
        for group in rng.permutation(order[start : start + stratum]):
            wanted = share * (given.sum() + sizes[group]) - given
            wanted[share == 0] = -np.inf
            best = np.flatnonzero(wanted >= wanted.max() - 1e-9)
            parts[group] = rng.choice(best)
            given[parts[group]] += sizes[group]
    return parts


def make_split(
    source: str | Path,
    out_dir: str | Path,
    names: Sequence[str] = ('train', 'val', 'test'),
    ratios: Sequence[float] = (0.8, 0.1, 0.1),
    seed: int = 0,
    by_folder: bool = False,
    images: str | Path | None = None,
    likeness: float = LIKENESS,
) -> dict[str, Collection]:
    """Divide an annotation file in mmcrowd's own format.

    What must not be on two sides stays together: the images of one ``group`` of the annotations, and those that show
    the same, as two exposures or two sizes of one photograph do.

    Args:
        source: The file.
        out_dir: Folder of the files to write, ``<name>.json``.
        names: Names of the parts.
        ratios: Share of each part.
        seed: Decides what is drawn: the same seed gives the same parts.
        by_folder: Keep the images of a folder together.
        images: Folder of the images; None does not look at them.
        likeness: Correlation of small gray pictures from which on two images count as the same.

    Returns:
        Name -> part.

    Raises:
        ValueError: Fewer groups than parts, or names and ratios that do not fit.
        FileNotFoundError: An image is missing.
    """
    positive = all(ratio > 0 for ratio in ratios) and sum(ratios) < math.inf
    if len(names) != len(ratios) or len(set(names)) != len(names) or not positive:
        raise ValueError(f'expected a positive ratio for each name, got names {list(names)} and ratios {list(ratios)}')
    collection = format_named('json').read(source)
    groups = _groups(collection, by_folder, [] if images is None else _alike(collection, Path(images), likeness))
    if len(groups) < len(names):
        raise ValueError(
            f'{source}: expected at least {len(names)} groups of images to divide, found {len(groups)} '
            f'({len(collection.images)} images): those of one group, and those that look the same, are never parted'
        )
    means = [float(np.mean([len(collection.images[i]) for i in members])) for members in groups]
    parts = split_groups(means, [len(members) for members in groups], ratios, seed)
    made = {}
    for index, name in enumerate(names):
        chosen = sorted(i for members, part in zip(groups, parts, strict=True) if part == index for i in members)
        made[name] = Collection(collection.classes, [collection.images[i] for i in chosen])
        format_named('json').write(made[name], Path(out_dir) / f'{name}.json')
    return made


def _alike(collection: Collection, folder: Path, likeness: float) -> list[tuple[int, int]]:
    """Pairs of images that show the same; those of one colour, and those that cannot be read, are like no other."""
    paths = [folder / image.img_path for image in collection.images]
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise FileNotFoundError(
            f'{missing[0]}: image file not found, but it has an entry ({len(missing)} such): give the folder of the '
            'images, or do not look for images that show the same'
        )
    pictures = [facts.thumbnail for facts in scan_images(paths, str(folder))]
    rows, columns, _ = same_pictures(pictures, pictures, likeness)
    return list(zip(rows.tolist(), columns.tolist(), strict=True))


def _groups(collection: Collection, by_folder: bool, pairs: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Indices of images that stay together, in the order of the first of each."""
    first: dict[str, int] = {}
    links = list(pairs)
    for number, image in enumerate(collection.images):
        own = str(PurePosixPath(image.img_path).parent) if by_folder else image.img_path
        links.append((first.setdefault(str(image.extra.get('group', own)), number), number))
    size = len(collection.images)
    rows, columns = np.array(links, dtype=np.int64).reshape(-1, 2).T
    labels = connected_components(coo_matrix((np.ones(len(rows), bool), (rows, columns)), (size, size)), False)[1]
    groups: dict[int, list[int]] = defaultdict(list)
    for number, label in enumerate(labels.tolist()):
        groups[label].append(number)
    return list(groups.values())
