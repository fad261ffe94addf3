"""Bootstrap confidence intervals: images drawn with replacement, seeded."""

from collections.abc import Mapping

import numpy as np

from .localization import EPS

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
    pred, gt = np.asarray(pred, np.float64), np.asarray(gt, np.float64)
    error, some = np.abs(pred - gt), gt > 0
    relative = np.divide(error, gt, out=np.zeros_like(error), where=some)
    sums = resampled_sums(np.stack([np.ones_like(error), error, error**2, relative, some], axis=1), num, seed)
    with np.errstate(invalid='ignore', divide='ignore'):
        figures = dict(mae=sums[:, 1] / sums[:, 0], rmse=np.sqrt(sums[:, 2] / sums[:, 0]), nae=sums[:, 3] / sums[:, 4])
    return {name: percentile_interval(samples, level) for name, samples in figures.items()}


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
