"""Average precision and recall of ranked points (Liu et al., "Recurrent Attentive Zooming", CVPR 2019, section 4.2)."""

import numpy as np
from scipy.spatial import cKDTree

from .bootstrap import percentile_interval, resample_weights
from .candidates import unsorted_pairs
from .localization import PointSets

SIGMAS = (40.0, 20.0, 5.0)
"""Widths of the affinity, pixels."""
THRESHOLDS = tuple(i / 100 for i in range(50, 100, 5))
"""Affinity thresholds 0.50 to 0.95."""
_RECALLS = np.linspace(0, 1, 101)


def nearest_heads(sets: PointSets) -> tuple[np.ndarray, np.ndarray]:
    """Nearest head of each prediction in its own image, the one of lowest index among equally near ones.

    Returns:
        (M,) int64 head or -1 in images without heads; (M,) float64 squared distance, infinite there.
    """
    distance = np.full(len(sets.pred), np.inf)
    p_start = np.searchsorted(sets.pred_image, np.arange(sets.num_images + 1))
    g_start = np.searchsorted(sets.gt_image, np.arange(sets.num_images + 1))
    for i in range(sets.num_images):
        p, g = slice(p_start[i], p_start[i + 1]), slice(g_start[i], g_start[i + 1])
        if p.stop > p.start and g.stop > g.start:
            distance[p] = cKDTree(sets.gt[g]).query(sets.pred[p])[0]
    reach = np.where(np.isfinite(distance), distance * (1 + 1e-9) + 1e-9, -1.0)
    pairs = unsorted_pairs(sets.gt, sets.pred, reach, sets.gt_image, sets.pred_image)
    order = np.lexsort((pairs.pred, pairs.dist2, pairs.gt))
    which, first = np.unique(pairs.gt[order], return_index=True)
    head, dist2 = np.full(len(sets.pred), -1, np.int64), np.full(len(sets.pred), np.inf)
    head[which], dist2[which] = pairs.pred[order][first], pairs.dist2[order][first]
    return head, dist2


def affinity(dist2: np.ndarray, sigma: float, two_in_exponent: bool = True) -> np.ndarray:
    """Un-normalised Gaussian of the distance: ``exp(-d^2 / (2 sigma^2))``, or ``exp(-d^2 / sigma^2)``.

    The paper does not say which; the second is the form of its density maps.
    """
    return np.exp(-np.asarray(dist2) / ((2 if two_in_exponent else 1) * sigma**2))


def average_precision(hit: np.ndarray, num_gt: float, weight: np.ndarray | None = None) -> float:
    """Precision averaged over 101 recall values (COCO), each the highest precision at that recall or above.

    Args:
        hit: (M,) bool, whether a prediction is a true positive, by descending score.
        num_gt: Number of heads (of weighted heads with ``weight``).
        weight: (M,) weight of each prediction, for resampled images.

    Returns:
        AP, NaN without heads.
    """
    if not num_gt:
        return float('nan')
    weight = np.ones(len(hit)) if weight is None else weight
    tp, total = np.cumsum(hit * weight), np.cumsum(weight)
    precision = np.maximum.accumulate((tp / np.maximum(total, 1e-20))[::-1])[::-1]
    index = np.searchsorted(tp / num_gt, _RECALLS - 1e-12, side='left')
    return float(np.append(precision, 0.0)[index].mean())


def ranked_hits(
    sets: PointSets, scores: np.ndarray, sigma: float, threshold: float, two_in_exponent: bool = True, nearest=None
) -> tuple[np.ndarray, np.ndarray]:
    """Which predictions are true positives, all images pooled.

    By descending score, each prediction is compared with its nearest head; it is a true positive if that head is still
    free and the affinity exceeds the threshold, which takes the head.

    Args:
        sets: Points of all images.
        scores: (M,) scores.
        sigma: Width of the affinity, pixels.
        threshold: Affinity to exceed.
        two_in_exponent: See :func:`affinity`.
        nearest: Result of :func:`nearest_heads`, to share it.

    Returns:
        (M,) int64 predictions by descending score; (M,) bool true positives in that order.
    """
    scores = np.asarray(scores, np.float64)
    if scores.shape != (len(sets.pred),) or np.isnan(scores).any():
        raise ValueError(f'scores: expected {len(sets.pred)} numbers, found shape {scores.shape}')
    head, dist2 = nearest_heads(sets) if nearest is None else nearest
    rank = np.argsort(-scores, kind='stable')
    close = np.flatnonzero(affinity(dist2[rank], sigma, two_in_exponent) > threshold)
    hit = np.zeros(len(rank), bool)
    hit[close[np.unique(head[rank][close], return_index=True)[1]]] = True
    return rank, hit


def ranked_point_figures(
    sets: PointSets,
    scores: np.ndarray,
    sigmas: tuple[float, ...] = SIGMAS,
    thresholds: tuple[float, ...] = THRESHOLDS,
    two_in_exponent: bool = True,
) -> dict[str, float]:
    """AP and AR of ranked points; AR is the highest recall.

    Returns:
        For each sigma, for example 40: ``ap50_s40`` ... at every threshold (percent in the name), ``ar50_s40`` ...,
        and the means ``map_s40`` and ``mar_s40``. Fractions; NaN without heads.
    """
    nearest, num_gt = nearest_heads(sets), len(sets.gt)
    figures: dict[str, float] = {}
    for sigma in sigmas:
        ap, ar = [], []
        for threshold in thresholds:
            hit = ranked_hits(sets, scores, sigma, threshold, two_in_exponent, nearest)[1]
            ap.append(average_precision(hit, num_gt))
            ar.append(float(hit.sum() / num_gt) if num_gt else float('nan'))
            name = f'{round(threshold * 100)}_s{sigma:g}'
            figures |= {f'ap{name}': ap[-1], f'ar{name}': ar[-1]}
        figures |= {f'map_s{sigma:g}': float(np.mean(ap)), f'mar_s{sigma:g}': float(np.mean(ar))}
    return figures


def ranked_point_intervals(
    sets: PointSets,
    scores: np.ndarray,
    sigmas: tuple[float, ...] = SIGMAS,
    two_in_exponent: bool = True,
    num: int = 200,
    level: float = 0.95,
    seed: int = 0,
) -> dict[str, tuple[float, float]]:
    """Bootstrap intervals over images of ``map_s..``, ``mar_s..`` and of AP and AR at 0.50 and 0.75.

    Matches do not cross images, so each resample only weighs the matches of its images anew; arguments as in
    :func:`ranked_point_figures`.
    """
    nearest, weights = nearest_heads(sets), resample_weights(sets.num_images, num, seed)
    heads = weights @ sets.gt_count
    intervals = {}
    for sigma in sigmas:
        ap, ar = np.full((len(THRESHOLDS), num), np.nan), np.full((len(THRESHOLDS), num), np.nan)
        for k, threshold in enumerate(THRESHOLDS):
            rank, hit = ranked_hits(sets, scores, sigma, threshold, two_in_exponent, nearest)
            image = sets.pred_image[rank]
            for i in np.flatnonzero(heads):
                weight = weights[i][image]
                ap[k, i], ar[k, i] = average_precision(hit, heads[i], weight), hit @ weight / heads[i]
        for name, samples in (('ap', ap), ('ar', ar)):
            intervals[f'm{name}_s{sigma:g}'] = percentile_interval(samples.mean(axis=0), level)
            for shown in (0.5, 0.75):
                row = samples[THRESHOLDS.index(shown)]
                intervals[f'{name}{round(shown * 100)}_s{sigma:g}'] = percentile_interval(row, level)
    return intervals
