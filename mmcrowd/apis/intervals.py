"""How sure a count is: intervals fitted on images that the model did not learn from, kept beside its weights."""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from mmcrowd.evaluation.functional.conformal import (
    conformal_quantile,
    count_scale,
    count_scores,
    quantiles_by_range,
)
from mmcrowd.utils.files import printable
from mmcrowd.utils.json_files import write_json

EDGES = (10.0, 100.0, 300.0, 1000.0)
"""Where ranges of predicted counts meet."""
OFFSET, POWER = 10.0, 0.75
"""Of the score, ``|annotated - predicted| / (predicted + OFFSET) ** POWER``: of powers 0, 0.5, 0.75 and 1 the one whose
scores depend least on the count, on validation images of both models that come along."""


@dataclass(frozen=True)
class CountIntervals:
    """What turns a count into an interval, for images like those it was fitted on.

    Attributes:
        level: Probability with which the annotated count of such an image is in its interval.
        quantiles: One per range of predicted counts.
        edges: Where the ranges meet, one fewer than quantiles.
        images: Of each range in the fit.
        pooled: Whether a range has the quantile of all images because its own are too few.
        dataset: What it was fitted on.
        sha256: SHA-256 of the file of weights.
        offset: Of the score, in heads.
        power: Of the score.
    """

    level: float
    quantiles: tuple[float, ...]
    edges: tuple[float, ...]
    images: tuple[int, ...]
    pooled: tuple[bool, ...]
    dataset: str
    sha256: str
    offset: float = OFFSET
    power: float = POWER

    def of(self, count: float) -> tuple[int, int]:
        """Lower and upper end of a count's interval: whole numbers, rounded outwards, 0 or more; both belong to it."""
        quantile = self.quantiles[bisect_right(self.edges, count)]
        half = quantile * float(count_scale(count, self.offset, self.power))
        return max(math.floor(count - half), 0), max(math.ceil(count + half), 0)

    def describe(self) -> str:
        """One line for people."""
        return (
            f'ranges hold the true number in {self.level:.0%} of images like those they were fitted on '
            f'({sum(self.images)} of {self.dataset}), not of others'
        )

    def save(self, path: str | Path) -> Path:
        """Write a JSON file."""
        write_json(path, dict(asdict(self), score='|annotated - predicted| / (predicted + offset) ** power'))
        return Path(path)


def fit_intervals(
    pred: np.ndarray, gt: np.ndarray, dataset: str, sha256: str, level: float = 0.9, edges: tuple[float, ...] = EDGES
) -> CountIntervals:
    """Fit intervals on images that the model did not learn from.

    Args:
        pred: (I,) predicted counts, 0 or more.
        gt: (I,) annotated counts.
        dataset: Name of the images.
        sha256: Of the file of weights.
        level: Probability asked for.
        edges: Where ranges of predicted counts meet.

    Raises:
        ValueError: The images are too few for this level, or counts are negative, not finite or of other lengths.
    """
    pred, gt = np.asarray(pred, np.float64), np.asarray(gt, np.float64)
    if pred.shape != gt.shape or not (np.isfinite(pred) & np.isfinite(gt) & (pred >= 0) & (gt >= 0)).all():
        raise ValueError(f'{dataset}: expected two finite counts per image, 0 or more, annotated and predicted')
    scores = count_scores(pred, gt, OFFSET, POWER)
    whole = conformal_quantile(scores, level)
    if math.isinf(whole):
        least = math.ceil(level / (1 - level) - 1e-9)
        raise ValueError(
            f'{dataset}: {len(pred)} images are too few for a level of {level:g}, expected {least} or more'
        )
    ranges = quantiles_by_range(pred, scores, level, edges)
    return CountIntervals(
        level=level,
        quantiles=tuple(whole if quantile is None else quantile for _, quantile in ranges),
        edges=tuple(edges),
        images=tuple(images for images, _ in ranges),
        pooled=tuple(quantile is None for _, quantile in ranges),
        dataset=dataset,
        sha256=sha256,
    )


def intervals_file(weights: str | Path) -> Path:
    """Where the intervals of weights are: ``x.intervals.json`` beside ``x.safetensors``."""
    return Path(weights).expanduser().with_suffix('.intervals.json')


def read_intervals(path: str | Path, sha256: str) -> CountIntervals:
    """Read a file of :meth:`CountIntervals.save`.

    Args:
        path: The file.
        sha256: SHA-256 of the weights that are used.

    Raises:
        ValueError: It is no such file, or belongs to other weights.
    """
    try:
        data = json.loads(Path(path).read_text(encoding='utf-8'))
        data.pop('score')
        data = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
        found = CountIntervals(**data)
        numbers = np.array([*found.quantiles, *found.edges, found.level, found.offset, found.power], float)
        if not (np.isfinite(numbers).all() and (numbers >= 0).all() and len(found.quantiles) == len(found.edges) + 1):
            raise ValueError('not a number of quantile for each range')
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(
            f'{printable(path)}: expected intervals as "mmcrowd fit-intervals" writes them ({error}): fit them anew, '
            'or remove the file'
        ) from error
    if found.sha256 != sha256:
        raise ValueError(
            f'{printable(path)}: fitted for other weights (SHA-256 {found.sha256[:12]}, these have {sha256[:12]}): fit '
            'them anew with "mmcrowd fit-intervals", or remove the file'
        )
    return found
