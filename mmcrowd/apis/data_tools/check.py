"""What is wrong with a data set: the body of ``tools/dataset_tools/check_dataset.py``."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from terminaltables import AsciiTable

from mmcrowd.datasets.published import published_sizes

from .image_scan import ImageFacts, same_pictures, scan_image
from .sources import read_samples

HUGE, TINY = 50_000_000, 64
"""More pixels than the first, or a side shorter than the second, is worth telling."""
ERRORS = frozenset(
    ('cannot be loaded', 'image missing', 'image unreadable', 'coordinates not finite', 'x and y exchanged')
    + ('number of images', 'number of heads', 'same image in two splits')
)
"""Kinds of findings that make a data set unfit; all others are warnings."""


@dataclass
class Finding:
    """Something found: its kind, the split, how often, and where first.

    Attributes:
        examples: The first few, with what was found and what was expected.
    """

    kind: str
    split: str
    count: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def level(self) -> str:
        """'error' or 'warning'."""
        return 'error' if self.kind in ERRORS else 'warning'


@dataclass
class CheckReport:
    """Result of :func:`check_datasets`."""

    splits: dict[str, dict]
    findings: list[Finding]

    @property
    def ok(self) -> bool:
        """No errors; there may be warnings."""
        return not any(finding.level == 'error' for finding in self.findings)

    def to_dict(self) -> dict:
        """JSON values."""
        return dict(ok=self.ok, splits=self.splits, findings=[dict(vars(f), level=f.level) for f in self.findings])

    def save(self, path: str | Path) -> None:
        """Write the report as JSON."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(json.dumps(self.to_dict(), indent=1) + '\n')

    def table(self) -> str:
        """Two tables: the splits, and the findings with their examples."""
        rows = [['split', 'data set', 'images', 'heads', 'with boxes', 'without heads', 'published']]
        for split, facts in self.splits.items():
            published = ' or '.join(f'{i} / {"?" if h is None else h}' for i, h in facts['published']) or '-'
            rows.append(
                [split, facts['name'], facts['images'], facts['heads'], facts['boxes'], facts['empty'], published]
            )
        found = [['level', 'split', 'what', 'count', 'for example']]
        for item in sorted(self.findings, key=lambda item: (item.level, item.split, item.kind)):
            found.append([item.level, item.split, item.kind, item.count, '\n'.join(item.examples)])
        tables = [AsciiTable(rows).table]
        return '\n'.join([*tables, AsciiTable(found).table if len(found) > 1 else 'nothing found'])


class _Findings:
    def __init__(self, split: str) -> None:
        self.split, self.items = split, {}

    def add(self, kind: str, example: str, count: int = 1) -> None:
        item = self.items.setdefault(kind, Finding(kind, self.split))
        item.count += count
        if len(item.examples) < 3:
            item.examples.append(example)


def check_datasets(
    configs: dict[str, dict], images: bool = True, duplicates: bool = True, likeness: float = 0.979
) -> CheckReport:
    """Check data sets, each wholly, and for images that are in two of them.

    Args:
        configs: Split -> data set config, see :func:`dataset_configs`.
        images: Whether to open the images.
        duplicates: Whether to look for images that two splits have in common.
        likeness: Correlation of small gray pictures from which on two images count as the same.

    Returns:
        The report.
    """
    splits: dict[str, dict] = {}
    findings: list[Finding] = []
    pictures: dict[str, tuple[list[str], list[np.ndarray | None]]] = {}
    for split, config in configs.items():
        found = _Findings(split)
        try:
            dataset, samples = read_samples(config)
            _check_size(config, found)
        except (OSError, ValueError, KeyError, ImportError) as error:
            found.add('cannot be loaded', str(error))
            findings += found.items.values()
            continue
        for note, number in getattr(dataset, 'notes', {}).items():
            if number and not note.startswith('heads outside their image, kept'):  # found below, with examples
                found.add(f'loader: {note}', '', number)
        facts = [scan_image(sample['img_path']) if images else None for sample in samples]
        for sample, fact in zip(samples, facts, strict=True):
            _check_sample(sample, fact, found)
        _check_origin(samples, found)
        heads = np.concatenate([np.zeros((0, 6)), *(sample['heads'] for sample in samples)])
        splits[split] = dict(
            name=type(dataset).__name__,
            images=len(samples),
            heads=len(heads),
            boxes=int((~np.isnan(heads[:, 2:]).any(axis=1)).sum()),
            empty=sum(len(sample['heads']) == 0 for sample in samples),
            published=published_sizes(dataset),
        )
        pictures[split] = [sample['img_path'] for sample in samples], [fact and fact.thumbnail for fact in facts]
        findings += found.items.values()
    if duplicates and images:
        findings += _shared_images(pictures, likeness)
    return CheckReport(splits, findings)


def _check_size(config: dict, found: _Findings) -> None:
    """Compare the whole split, whatever part of it the config takes, with the published numbers."""
    whole = {key: value for key, value in config.items() if key not in ('subset', 'indices')}
    dataset, samples = read_samples(dict(whole, outside='keep'))
    published = published_sizes(dataset)
    heads = sum(len(sample['heads']) for sample in samples)
    if not published:
        return
    sizes = ' or '.join(str(images) for images in sorted({images for images, _ in published}))
    if len(samples) not in {images for images, _ in published}:
        found.add('number of images', f'expected {sizes}, found {len(samples)}', abs(len(samples) - published[0][0]))
    elif not any(number in (None, heads) for _, number in published):
        numbers = ' or '.join(str(number) for _, number in published)
        found.add('number of heads', f'expected {numbers}, found {heads}', abs(heads - published[0][1]))


def _check_sample(sample: dict, fact: ImageFacts | None, found: _Findings) -> None:
    path, heads = sample['img_path'], np.asarray(sample['heads'], dtype=np.float64)
    for kind, detail, count in _image_problems(path, fact):
        found.add(kind, f'{path}{detail}', count)
    points, boxes = heads[:, :2], heads[:, 2:]
    if not len(heads):
        found.add('image without heads', path)
        return
    known = ~np.isnan(boxes).any(axis=1)
    low, high = boxes[known, :2], boxes[known, 2:]
    tests = {
        'coordinates not finite': ~np.isfinite(points).all(axis=1),
        'box without area': (high <= low).any(axis=1),
        'point outside its box': ((points[known] < low) | (points[known] > high)).any(axis=1),
    }
    if fact is not None and fact.size is not None:
        outside = ((points < 0) | (points >= fact.size)).any(axis=1)
        exchanged = ((points < 0) | (points > fact.size[::-1])).any(axis=1)
        if len(points) >= 4 and outside.mean() > 0.25 and not exchanged.any():
            found.add('x and y exchanged', f'{path}: {int(outside.sum())} of {len(points)} points outside')
        else:
            tests['point outside its image'] = outside
    for kind, mask in tests.items():
        if mask.any():
            rows = (points if len(mask) == len(points) else boxes[known])[mask]
            found.add(kind, f'{path}: {np.round(rows[0], 2).tolist()}', int(mask.sum()))
    repeated = len(points) - len(np.unique(points, axis=0))
    if repeated:
        found.add('point given twice', path, repeated)


def _image_problems(path: str, fact: ImageFacts | None) -> Iterator[tuple[str, str, int]]:
    if not Path(path).is_file():
        yield 'image missing', '', 1
        return
    if fact is None:
        return
    if fact.error:
        yield 'image unreadable', f': {fact.error}', 1
        return
    if fact.mode in ('L', 'LA', '1', 'I', 'F', 'I;16'):
        yield 'image gray', '', 1
    elif fact.mode == 'CMYK':
        yield 'image in CMYK', '', 1
    if fact.turned:
        yield 'image turned by EXIF', f': {fact.size[0]}x{fact.size[1]} upright', 1
    if fact.size[0] * fact.size[1] > HUGE:
        yield 'image huge', f': {fact.size[0]}x{fact.size[1]}', 1
    if min(fact.size) < TINY:
        yield 'image tiny', f': {fact.size[0]}x{fact.size[1]}', 1


def _check_origin(samples: list[dict], found: _Findings) -> None:
    """Whole coordinates that reach 1 and never 0, over many heads, count from 1."""
    values = np.concatenate([np.zeros(0), *(np.asarray(sample['heads'], float).reshape(-1) for sample in samples)])
    values = values[np.isfinite(values)]
    if len(values) >= 1000 and values.min() == 1 and (values == np.round(values)).all() and (values == 1).sum() >= 5:
        found.add('coordinates seem to count from 1', f'{(values == 1).sum()} of {len(values)} are 1, none is 0')


def _shared_images(pictures: dict, likeness: float) -> list[Finding]:
    findings = []
    names = list(pictures)
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            found = _Findings(f'{one}, {other}')
            same = set(pictures[one][0]) & set(pictures[other][0])
            for path in sorted(same):
                found.add('same image in two splits', path)
            for first, second, value in same_pictures(pictures[one][1], pictures[other][1], likeness):
                paths = pictures[one][0][first], pictures[other][0][second]
                if paths[0] not in same and paths[1] not in same:
                    found.add('alike images in two splits', f'{paths[0]} and {paths[1]}: {value:.3f}')
            findings += found.items.values()
    return findings
