"""Bootstrap confidence intervals: images drawn with replacement, seeded."""

from collections.abc import Mapping, Sequence

import numpy as np

from .counting import group_order
from .localization import EPS, NUM_LEVELS

Interval = tuple[float, float]


def resampled_sums(values: np.ndarray, num: int = 1000, seed: int = 0) -> np.ndarray:
    """Sums over images of ``num`` resampled data sets.

    Args:
        values: (I, K) values per image.
        num: Number of resamples.
        seed: Seed.

    Returns:
        (num, K) sums.
    """
    values = np.asarray(values, np.float64)
    return resample_weights(len(values), num, seed) @ values


def resample_weights(num_images: int, num: int = 1000, seed: int = 0) -> np.ndarray:
    """(num, I) how often each image was drawn; every row sums to I."""
    rng = np.random.default_rng(seed)
    if not num_images:
        return np.zeros((num, 0))
    draws = rng.integers(num_images, size=(num, num_images)) + np.arange(num)[:, None] * num_images
    return np.bincount(draws.ravel(), minlength=num * num_images).reshape(num, num_images).astype(np.float64)


def percentile_interval(samples: np.ndarray, level: float = 0.95) -> Interval:
    """Central interval of resampled figures; undefined resamples (NaN) are left out, all undefined gives NaN."""
    samples = np.asarray(samples, np.float64)
    samples = samples[~np.isnan(samples)]
    if not len(samples):
        return float('nan'), float('nan')
    low, high = np.quantile(samples, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def counting_intervals(
    pred: np.ndarray, gt: np.ndarray, num: int = 1000, level: float = 0.95, seed: int = 0
) -> dict[str, Interval]:
    """Intervals of ``mae``, ``rmse`` and ``nae``; (I,) counts as in :func:`~.counting.counting_errors`."""
    figures = _counting_figures(resampled_sums(_counting_terms(pred, gt), num, seed))
    return {name: percentile_interval(samples, level) for name, samples in figures.items()}


def counting_intervals_by(
    pred: np.ndarray,
    gt: np.ndarray,
    groups: Sequence[str],
    names: Sequence[str] | None = None,
    num: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[dict[str, dict[str, Interval]], dict[str, Interval]]:
    """Intervals of the errors of each group of images, and of their unweighted means over the groups.

    All images are resampled together. A group that a resample lacks is left out of the mean there.

    Args:
        pred: (I,) predicted counts.
        gt: (I,) annotated counts.
        groups: (I,) group name of each image.
        names: Order of the groups, None sorts by name.
        num: Number of resamples.
        level: Coverage.
        seed: Seed.

    Returns:
        Intervals of ``mae``, ``rmse``, ``nae`` by group name, and those of their means.
    """
    groups, terms = np.asarray(groups), _counting_terms(pred, gt)
    weights = resample_weights(len(terms), num, seed)
    figures = {
        name: _counting_figures(weights[:, groups == name] @ terms[groups == name])
        for name in group_order(groups, names)
    }
    by_group = {
        name: {key: percentile_interval(samples, level) for key, samples in parts.items()}
        for name, parts in figures.items()
    }
    means = {}
    for key in ('mae', 'rmse', 'nae'):
        samples = np.array([parts[key] for parts in figures.values()]).reshape(-1, num)
        there = ~np.isnan(samples)
        with np.errstate(invalid='ignore'):
            means[key] = percentile_interval(np.where(there, samples, 0).sum(axis=0) / there.sum(axis=0), level)
    return by_group, means


def _counting_terms(pred: np.ndarray, gt: np.ndarray) -> np.ndarray:
    """(I, 5) what the counting errors are made of: one, error, squared error, error by count, image with heads."""
    pred, gt = np.asarray(pred, np.float64), np.asarray(gt, np.float64)
    error, some = np.abs(pred - gt), gt > 0
    relative = np.divide(error, gt, out=np.zeros_like(error), where=some)
    return np.stack([np.ones_like(error), error, error**2, relative, some], axis=1)


def _counting_figures(sums: np.ndarray) -> dict[str, np.ndarray]:
    """Errors of (num, 5) sums of :func:`_counting_terms`."""
    with np.errstate(invalid='ignore', divide='ignore'):
        return dict(mae=sums[:, 1] / sums[:, 0], rmse=np.sqrt(sums[:, 2] / sums[:, 0]), nae=sums[:, 3] / sums[:, 4])


def localization_intervals(
    tp: np.ndarray, fp: np.ndarray, fn: np.ndarray, num: int = 1000, level: float = 0.95, seed: int = 0
) -> dict[str, Interval]:
    """Intervals of micro-averaged ``precision``, ``recall`` and ``f1``.

    Args:
        tp: (I,) true positives per image; their means over radii give the intervals of a sweep's means.
        fp: (I,) false positives.
        fn: (I,) misses.
        num: Number of resamples.
        level: Coverage.
        seed: Seed.
    """
    t, p, n = resampled_sums(np.stack([tp, fp, fn], axis=1), num, seed).T
    figures = dict(precision=t / (t + p + EPS), recall=t / (t + n + EPS), f1=2 * t / (2 * t + p + n + EPS))
    return {name: percentile_interval(samples, level) for name, samples in figures.items()}


def mean_intervals(
    values: Mapping[str, np.ndarray], num: int = 1000, level: float = 0.95, seed: int = 0
) -> dict[str, Interval]:
    """Intervals of the means of (I,) values per image, as those of GAME; arguments as in `localization_intervals`."""
    if not values:
        return {}
    columns = np.stack(list(values.values()), axis=1)
    with np.errstate(invalid='ignore', divide='ignore'):
        means = resampled_sums(columns, num, seed) / np.float64(len(columns))
    return {name: percentile_interval(means[:, i], level) for i, name in enumerate(values)}


def ratio_interval(
    numerator: np.ndarray, denominator: np.ndarray, num: int = 1000, level: float = 0.95, seed: int = 0
) -> Interval:
    """Interval of a sum over images divided by another, as the mean localization error; (I,) values per image."""
    sums = resampled_sums(np.stack([numerator, denominator], axis=1), num, seed)
    with np.errstate(invalid='ignore', divide='ignore'):
        return percentile_interval(sums[:, 0] / sums[:, 1], level)


def level_recall_intervals(
    levels: np.ndarray,
    gt_matched: np.ndarray,
    gt_image: np.ndarray,
    num_images: int,
    num: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> dict[str, object]:
    """Intervals of the recall of every box-area level and of their average.

    Args:
        levels: (N,) int level of each head, 0 to 5.
        gt_matched: (N,) bool.
        gt_image: (N,) image index of each head.
        num_images: Number of images I.
        num: Number of resamples.
        level: Coverage.
        seed: Seed.

    Returns:
        ``level_recall`` (list of intervals) and ``level_recall_avg``; levels that a resample lacks count as 0, as in
        :func:`~.localization.level_recall`.
    """
    cell = np.asarray(gt_image, np.int64) * NUM_LEVELS + np.asarray(levels, np.int64)
    size = num_images * NUM_LEVELS
    tp, total = (np.bincount(c, minlength=size).reshape(-1, NUM_LEVELS) for c in (cell[gt_matched], cell))
    weights = resample_weights(num_images, num, seed)
    recall = (weights @ tp) / (weights @ total + EPS)
    return dict(
        level_recall=[percentile_interval(samples, level) for samples in recall.T],
        level_recall_avg=percentile_interval(recall.mean(axis=1), level),
    )
