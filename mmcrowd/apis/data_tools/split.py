"""Dividing a data set: the body of ``tools/dataset_tools/make_split.py``."""

import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from mmcrowd.datasets.formats import Collection, format_named


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
) -> dict[str, Collection]:
    """Divide an annotation file in mmcrowd's own format.

    Args:
        source: The file.
        out_dir: Folder of the files to write, ``<name>.json``.
        names: Names of the parts.
        ratios: Share of each part.
        seed: Decides what is drawn: the same seed gives the same parts.
        by_folder: Keep the images of a folder together, as those of one ``group`` in the annotations always are.

    Returns:
        Name -> part.

    Raises:
        ValueError: Fewer groups than parts, or names and ratios that do not fit.
    """
    if len(names) != len(ratios) or len(set(names)) != len(names) or min(ratios) <= 0:
        raise ValueError(f'expected a positive ratio for each name, got names {list(names)} and ratios {list(ratios)}')
    collection = format_named('json').read(source)
    groups: dict[str, list[int]] = defaultdict(list)
    for number, image in enumerate(collection.images):
        own = str(PurePosixPath(image.img_path).parent) if by_folder else image.img_path
        groups[str(image.extra.get('group', own))].append(number)
    if len(groups) < len(names):
        raise ValueError(f'{source}: expected at least {len(names)} groups of images to divide, found {len(groups)}')
    means = [float(np.mean([len(collection.images[i]) for i in members])) for members in groups.values()]
    parts = split_groups(means, [len(members) for members in groups.values()], ratios, seed)
    made = {}
    for index, name in enumerate(names):
        chosen = sorted(
            i for members, part in zip(groups.values(), parts, strict=True) if part == index for i in members
        )
        made[name] = Collection(collection.classes, [collection.images[i] for i in chosen])
        format_named('json').write(made[name], Path(out_dir) / f'{name}.json')
    return made
