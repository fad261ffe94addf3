"""True positives at many radii in one incremental pass, as UCF-QNRF's average precision and recall need them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .candidates import squared_limits, unsorted_pairs
from .growing import MAX_STEPS, GrowingMatching
from .localization import PointSets, precision_recall_f1
from .matching import greedy_matching

QNRF_RADII = tuple(range(1, 101))
"""Radii of the UCF-QNRF protocol, pixels."""
_BINS = 1 << 15
"""Bins of a table that stays in cache."""
_GROUP = 16_000_000
"""Upper bound of (predictions x heads) summed over images whose pairs are searched together."""
_BATCH = 4_000_000
"""Pairs after which the images collected so far are matched."""


def radius_sweep(sets: PointSets, radii: Sequence[float] = QNRF_RADII, matching: str = 'max') -> np.ndarray:
    """True positives per image at each radius.

    A matching stays valid when the radius grows, so each radius only adds its new pairs and the augmenting paths that
    they open. Images are left as soon as every point of their smaller side is matched.

    Args:
        sets: Points of all images.
        radii: Ascending radii, pixels; admissible means distance <= radius.
        matching: ``max`` or ``greedy``.

    Returns:
        (R, I) int64 true positives.
    """
    radii = np.asarray(radii, np.float64)
    if radii.ndim != 1 or not len(radii) or (np.diff(radii) <= 0).any() or radii[0] < 0:
        raise ValueError(f'radii: expected ascending non-negative numbers, found {radii.tolist()}')
    if len(radii) > MAX_STEPS:
        raise ValueError(f'radii: expected at most {MAX_STEPS}, found {len(radii)}')
    if matching not in ('max', 'greedy'):
        raise ValueError(f"matching: expected 'max' or 'greedy', found {matching!r}")
    if matching == 'greedy':
        return _greedy_sweep(sets, radii)
    small, large = _by_size(sets)
    size = np.cumsum(small.count * large.count)
    tp = np.zeros((len(radii), sets.num_images), np.int64)
    batch, first, group = [], 0, 0
    while group < sets.num_images:
        done = size[group - 1] if group else 0
        stop = max(group + 1, int(np.searchsorted(size, done + _GROUP, side='right')))
        batch.append(_steps(small, large, group, stop, radii))
        group = stop
        if group == sets.num_images or sum(len(pairs[0]) for pairs in batch) >= _BATCH:
            tp[:, first:group] = _grow(small, large, first, group, len(radii), batch)
            batch, first = [], group
    return tp


def _greedy_sweep(sets: PointSets, radii: np.ndarray) -> np.ndarray:
    """Nearest-first matching takes pairs in ascending distance, so one matching holds those of all radii."""
    pairs = sets.pairs(float(radii[-1]))
    match = greedy_matching(pairs, len(sets.pred), len(sets.gt))
    taken = np.flatnonzero(match[pairs.pred] == pairs.gt)
    step = np.searchsorted(squared_limits(radii), pairs.dist2[taken], side='left')
    count = np.zeros((len(radii), sets.num_images), np.int64)
    np.add.at(count, (step, sets.pred_image[pairs.pred[taken]]), 1)
    return np.cumsum(count, axis=0)


class _Side(NamedTuple):
    """One side of the matching: points by image, and where each image starts."""

    points: np.ndarray
    image: np.ndarray
    start: np.ndarray

    @property
    def count(self) -> np.ndarray:
        return np.diff(self.start)


def _by_size(sets: PointSets) -> tuple[_Side, _Side]:
    """The smaller and the larger side of every image: a search from the smaller one ends when it is all matched."""
    flip = sets.pred_count > sets.gt_count
    sides = []
    for flipped in (flip, ~flip):
        from_pred, from_gt = ~flipped[sets.pred_image], flipped[sets.gt_image]
        points = np.concatenate([sets.pred[from_pred], sets.gt[from_gt]])
        image = np.concatenate([sets.pred_image[from_pred], sets.gt_image[from_gt]])
        order = np.argsort(image, kind='stable')
        start = np.searchsorted(image[order], np.arange(sets.num_images + 1))
        sides.append(_Side(points[order], image[order], start))
    return sides[0], sides[1]


def _steps(small: _Side, large: _Side, first: int, last: int, radii: np.ndarray):
    """Pairs of images [first, last): indices on both sides and the index of the smallest radius that admits them."""
    a, b = slice(*small.start[[first, last]]), slice(*large.start[[first, last]])
    pairs = unsorted_pairs(small.points[a], large.points[b], float(radii[-1]), small.image[a], large.image[b])
    step = smallest_radius(pairs.dist2, squared_limits(radii))
    return (pairs.pred + a.start).astype(np.int32), (pairs.gt + b.start).astype(np.int32), step


def smallest_radius(dist2: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """(E,) uint8 index of the first of the ascending squared radii that is not below each squared distance.

    The limits are spread over equal bins, at most one in each: a table says how many lie before a bin, one comparison
    with that in the bin decides. Radii too close together for a small table are searched.
    """
    scale = 2 / np.diff(limits, prepend=0.0)[1:].min(initial=limits[-1]) if len(limits) > 1 else 0.0
    if not limits[-1] * scale < _BINS:
        return np.searchsorted(limits, dist2, side='left').astype(np.uint8)
    bins = (limits * scale).astype(np.int64)
    before = np.searchsorted(bins, np.arange(bins[-1] + 1), side='left').astype(np.uint8)
    own = np.full(bins[-1] + 1, np.inf)
    own[bins] = limits
    where = (dist2 * scale).astype(np.int64)
    return before[where] + (dist2 > own[where])


def _grow(small: _Side, large: _Side, first: int, last: int, num_radii: int, batch: list) -> np.ndarray:
    """(R, last - first) true positives of images [first, last)."""
    a, b = slice(*small.start[[first, last]]), slice(*large.start[[first, last]])
    pair_a, pair_b, step = (np.concatenate([pairs[i] for pairs in batch]) for i in range(3))
    growing = GrowingMatching(pair_a - a.start, pair_b - b.start, step, a.stop - a.start, b.stop - b.start)
    image = small.image[a] - first
    tp = np.empty((num_radii, last - first), np.int64)
    for i in growing.steps(num_radii):
        tp[i] = np.bincount(image[growing.match_a >= 0], minlength=last - first)
    return tp


def sweep_summary(tp: np.ndarray, num_pred: int, num_gt: int) -> dict[str, float]:
    """Means over the radii of precision, recall and F1 on totals.

    The denominators are the same at every radius, so the mean of F1 equals the F1 of the means up to rounding.

    Args:
        tp: (R,) total true positives per radius.
        num_pred: Number of predictions.
        num_gt: Number of heads.

    Returns:
        ``precision``, ``recall``, ``f1`` (fractions).
    """
    rows = [precision_recall_f1(int(n), num_pred - int(n), num_gt - int(n)) for n in tp]
    return {key: float(np.mean([row[key] for row in rows])) for key in ('precision', 'recall', 'f1')}
