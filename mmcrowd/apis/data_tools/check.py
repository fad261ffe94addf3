"""What is wrong with a data set: the body of ``tools/dataset_tools/check_dataset.py``."""

import filecmp
import os
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from mmcrowd.datasets import CrowdDataset, CustomCrowd
from mmcrowd.utils.files import find_images

from .check_report import CheckReport, Finding
from .image_scan import LIKENESS, ImageFacts, same_pictures, scan_images
from .sources import read_samples

HUGE, TINY = 50_000_000, 64
"""More pixels than the first, or a side shorter than the second, is worth telling."""


def check_datasets(
    configs: dict[str, dict], images: bool = True, duplicates: bool = True, likeness: float = LIKENESS
) -> CheckReport:
    """Check data sets, each wholly, and for images that are in them twice or in two of them.

    Args:
        configs: Split -> data set config, see :func:`dataset_configs`.
        images: Whether to open the images; progress is shown on the standard error output.
        duplicates: Whether to look for images that show the same.
        likeness: Correlation of small gray pictures from which on two images count as the same.

    Returns:
        The report.
    """
    splits: dict[str, dict] = {}
    findings: list[Finding] = []
    loaded: dict[str, tuple[list[str], list[str], list[np.ndarray | None]]] = {}
    folders: dict[str, str] = {}
    for split, config in configs.items():
        try:
            dataset, samples = read_samples(config)
            verdict, wrong = _compare_size(split, config, dataset, samples)
        except (OSError, ValueError, KeyError, ImportError) as error:
            findings += _failures(split, error)
            continue
        paths = [sample['img_path'] for sample in samples]
        facts = scan_images(paths, split) if images else [None] * len(samples)
        findings += wrong
        findings += [Finding(f'loader: {note}', split, count=n) for note, n in _notes(dataset) if n]
        for sample, fact in zip(samples, facts, strict=True):
            findings += _check_sample(split, sample, fact)
        findings += _check_origin(split, samples)
        splits[split] = dict(_facts(dataset, samples), verdict=verdict)
        if isinstance(dataset, CustomCrowd):
            folders.setdefault(str(Path(dataset.data_root) / dataset.img_folder), split)
        group = getattr(dataset, 'group', lambda sample: sample['img_path'])
        loaded[split] = paths, [group(sample) for sample in samples], [fact and fact.thumbnail for fact in facts]
    findings += _unlisted(folders, [path for paths, *_ in loaded.values() for path in paths])
    if duplicates and images:
        for split, content in loaded.items():
            findings += _repeated_images(split, *content, likeness)
        for one, other in combinations(loaded, 2):
            found = _shared_images(f'{one}, {other}', loaded[one], loaded[other], likeness)
            # A public data set is what it is.
            known = all(splits[split]['verdict'].endswith('equal') for split in (one, other))
            findings += [replace(f, kind='alike images in two splits') for f in found] if known else found
    return CheckReport(splits, findings)


def _unlisted(folders: dict[str, str], listed: list[str]) -> Iterator[Finding]:
    """Images in somebody's own folder that no annotations name, in none of the splits."""
    known = {os.path.normpath(path) for path in listed}
    for folder, split in folders.items():
        for path in find_images(folder):
            if os.path.normpath(path) not in known:
                yield Finding('image without annotations', split, str(path), detail='no split has an entry of it')


def _failures(split: str, error: Exception) -> list[Finding]:
    """What keeps a data set from being loaded, image by image where the loader says so."""
    problems = getattr(error, 'problems', {'': str(error)})
    return [Finding('cannot be loaded', split, image, detail=text) for image, text in problems.items()]


def _notes(dataset: CrowdDataset) -> list[tuple[str, int]]:
    notes = getattr(dataset, 'notes', {})
    # Heads outside their image are found below, with their places.
    return [item for item in notes.items() if not item[0].startswith('heads outside their image, kept')]


def _facts(dataset: CrowdDataset, samples: list[dict]) -> dict:
    heads = np.concatenate([np.zeros((0, 6)), *(sample['heads'] for sample in samples)])
    classes = tuple(dataset.metainfo['classes'])
    labels = [np.asarray(sample.get('labels', np.zeros(len(sample['heads'])))) for sample in samples]
    number = np.bincount(np.concatenate([np.zeros(0), *labels]).astype(np.int64), minlength=len(classes))
    return dict(
        name=type(dataset).__name__,
        images=len(samples),
        heads=len(heads),
        boxes=int((~np.isnan(heads[:, 2:]).any(axis=1)).sum()),
        empty=sum(len(sample['heads']) == 0 for sample in samples),
        classes=dict(zip(classes, number.tolist(), strict=False)),
    )


def _compare_size(split: str, config: dict, dataset: CrowdDataset, samples: list[dict]) -> tuple[str, list[Finding]]:
    """Compare the whole split, whatever part of it the config takes, with the published numbers: verdict, findings.

    Where a split's heads are not published, as those of a fold, the whole data set is compared as well.
    """
    found, verdicts = [], []
    for name in dict.fromkeys((getattr(dataset, 'split', ''), 'all')):
        sizes = dataset.published_sizes(name)
        if not sizes:
            continue
        whole = {key: value for key, value in config.items() if key not in ('subset', 'indices')}
        if name != getattr(dataset, 'split', ''):
            whole['split'] = name
        if whole != config or dataset.outside != 'keep':
            samples = read_samples(dict(whole, outside='keep'))[1]
        images, heads = len(samples), sum(len(sample['heads']) for sample in samples)
        expected = ' or '.join(f'{i} / {"?" if h is None else h}' for i, h in sizes)
        if images not in {number for number, _ in sizes}:
            off, kind = abs(images - sizes[0][0]), 'number of images'
        elif not any(number in (None, heads) for _, number in sizes):
            off, kind = abs(heads - sizes[0][1]), 'number of heads'
        else:
            known = 'equal' if (images, heads) in sizes else 'images equal, heads not published'
            verdicts.append(f'{name}: {expected}: {known}')
            if known == 'equal':
                break
            continue
        verdicts.append(f'{name}: {expected}: differs')
        found.append(Finding(kind, split, count=off, detail=f'{name}: expected {expected}, found {images} / {heads}'))
        break
    return '\n'.join(verdicts) or 'nothing known', found


def _check_sample(split: str, sample: dict, fact: ImageFacts | None) -> Iterator[Finding]:
    path, heads = sample['img_path'], np.asarray(sample['heads'], dtype=np.float64)
    for kind, detail in _image_problems(path, fact):
        yield Finding(kind, split, path, detail=detail)
    points, boxes = heads[:, :2], heads[:, 2:]
    if not len(heads):
        yield Finding('image without heads', split, path)
        return
    known = ~np.isnan(boxes).all(axis=1)
    low, high = boxes[:, :2], boxes[:, 2:]
    sound = known & (high > low).all(axis=1)
    regions = np.asarray(sample.get('ignore_boxes', np.zeros((0, 4))), dtype=np.float64).reshape(-1, 4)
    tests = {
        'coordinates not finite': ~np.isfinite(points).all(axis=1) | known & ~np.isfinite(boxes).all(axis=1),
        'box without area': known & np.isfinite(boxes).all(axis=1) & ~sound,
        'point outside its box': sound & ((points < low) | (points > high)).any(axis=1),
    }
    if fact is not None and fact.size is not None:
        outside = ((points < 0) | (points >= fact.size)).any(axis=1)
        exchanged = ((points < 0) | (points > fact.size[::-1])).any(axis=1)
        if len(points) >= 4 and outside.mean() > 0.25 and not exchanged.any():
            yield Finding(
                'x and y exchanged', split, path, detail=f'{int(outside.sum())} of {len(points)} points outside'
            )
        else:
            tests['point outside its image'] = outside
    found = [(kind, points[mask]) for kind, mask in tests.items()]
    found += _close_points(points[np.isfinite(points).all(axis=1)])
    unsound = ~(np.isfinite(regions).all(axis=1) & (regions[:, 2:] > regions[:, :2]).all(axis=1))
    found += [('region to ignore without area', regions[unsound, :2])]
    for kind, places in found:
        if len(places):
            yield Finding(kind, split, path, len(places), places=np.round(places, 2).tolist())


def _close_points(points: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """Points that are there again, and those that have another one, the same or not, closer than a pixel."""
    if len(points) < 2:
        return []
    different, again = np.unique(points, axis=0, return_counts=True)
    close = cKDTree(points).query(points, k=2)[0][:, 1] < 1
    repeated = np.repeat(different, again - 1, axis=0)
    return [('point given twice', repeated), ('head closer than 1 pixel to another', points[close])]


def _image_problems(path: str, fact: ImageFacts | None) -> Iterator[tuple[str, str]]:
    if not Path(path).is_file():
        yield 'image missing', ''
        return
    if fact is None:
        return
    if fact.error:
        yield 'image unreadable', fact.error
        return
    if fact.mode in ('L', 'LA', '1', 'I', 'F', 'I;16'):
        yield 'image gray', ''
    elif fact.mode == 'CMYK':
        yield 'image in CMYK', ''
    for note in fact.notes:
        yield 'image not seen as it is stored', note
    if fact.turned:
        yield 'image turned by EXIF', f'{fact.size[0]}x{fact.size[1]} upright'
    if fact.size[0] * fact.size[1] > HUGE:
        yield 'image huge', f'{fact.size[0]}x{fact.size[1]}'
    if min(fact.size) < TINY:
        yield 'image tiny', f'{fact.size[0]}x{fact.size[1]}'


def _check_origin(split: str, samples: list[dict]) -> Iterator[Finding]:
    """Whole coordinates that reach 1 and never 0, over many heads, count from 1."""
    values = np.concatenate([np.zeros(0), *(np.asarray(sample['heads'], float).reshape(-1) for sample in samples)])
    values = values[np.isfinite(values)]
    if len(values) >= 1000 and values.min() == 1 and (values == np.round(values)).all() and (values == 1).sum() >= 5:
        detail = f'{(values == 1).sum()} of {len(values)} are 1, none is 0'
        yield Finding('coordinates seem to count from 1', split, detail=detail)


def _repeated_images(
    split: str, paths: list[str], groups: list[str], thumbnails: list[np.ndarray | None], likeness: float
) -> Iterator[Finding]:
    """Images that an earlier one of the split shows as well; those of one video or scene are not compared."""
    rows, columns, values = same_pictures(thumbnails, thumbnails, likeness)
    groups = np.unique(groups, return_inverse=True)[1]
    earlier = (columns < rows) & (groups[rows] != groups[columns])
    for row, others, best in _best(rows[earlier], columns[earlier], values[earlier]):
        kind = 'same image twice' if _same_file(paths[row], paths[others[0]]) else 'image alike another'
        yield Finding(kind, split, paths[row], detail=_named(paths, others, best))


def _shared_images(splits: str, one: tuple, other: tuple, likeness: float) -> Iterator[Finding]:
    """Images of the second split that are in the first, or look like one of it."""
    same = set(one[0]) & set(other[0])
    for path in sorted(same):
        yield Finding('same image in two splits', splits, path, detail='the same file')
    for row, others, best in _best(*same_pictures(other[2], one[2], likeness)):
        if other[0][row] in same:
            continue
        same_file = _same_file(other[0][row], one[0][others[0]])
        kind = 'same image in two splits' if same_file else 'alike images in two splits'
        yield Finding(kind, splits, other[0][row], detail=_named(one[0], others, best))


def _best(rows: np.ndarray, columns: np.ndarray, values: np.ndarray) -> Iterator[tuple[int, np.ndarray, float]]:
    """For each row its columns, the most alike first, and the likeness of that."""
    order = np.lexsort((columns, -values, rows))
    rows, columns, values = rows[order], columns[order], values[order]
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    for start, others in zip(starts, np.split(columns, starts[1:]), strict=bool(len(starts))):
        yield int(rows[start]), others, float(values[start])


def _named(paths: list[str], others: np.ndarray, likeness: float) -> str:
    return f'{paths[others[0]]}, likeness {likeness:.3f}' + (f', and {len(others) - 1} more' if len(others) > 1 else '')


def _same_file(one: str, other: str) -> bool:
    try:
        return filecmp.cmp(one, other, shallow=False)
    except OSError:
        return False
