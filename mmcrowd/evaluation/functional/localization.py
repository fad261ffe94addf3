"""Localization figures: true and false positives, misses, precision, recall, F1, recall per head-size level."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .candidates import Pairs, as_points, as_radii, candidate_pairs
from .matching import match_pairs

EPS = 1e-20
"""Added to the denominators of precision and recall, as the official scripts do."""
NUM_LEVELS = 6
"""Box-area levels A0 to A5 of NWPU-Crowd: up to 10, 100, 1000, 10^4, 10^5 square pixels, and more."""


@dataclass(frozen=True)
class PointSets:
    """Predictions and heads of many images, stacked.

    Attributes:
        pred: (M, 2) xy, original pixels.
        gt: (N, 2) xy, original pixels.
        pred_image: (M,) image index of each prediction, ascending.
        gt_image: (N,) image index of each head, ascending.
        num_images: Number of images, empty ones included.
    """

    pred: np.ndarray
    gt: np.ndarray
    pred_image: np.ndarray
    gt_image: np.ndarray
    num_images: int

    @classmethod
    def stack(cls, preds: Sequence[np.ndarray], gts: Sequence[np.ndarray]) -> 'PointSets':
        """Stack lists of (n, 2) arrays, one per image and of the same length."""
        if len(preds) != len(gts):
            raise ValueError(f'expected as many prediction arrays as head arrays, found {len(preds)} and {len(gts)}')
        pred, pred_image = _concatenate(preds, 'predictions')
        gt, gt_image = _concatenate(gts, 'heads')
        return cls(pred, gt, pred_image, gt_image, len(preds))

    @cached_property
    def pred_count(self) -> np.ndarray:
        """(I,) number of predictions per image."""
        return np.bincount(self.pred_image, minlength=self.num_images)

    @cached_property
    def gt_count(self) -> np.ndarray:
        """(I,) number of heads per image."""
        return np.bincount(self.gt_image, minlength=self.num_images)

    def pairs(self, radius: float | np.ndarray) -> Pairs:
        """Candidate pairs within the radius, a number or (N,) per head, pixels."""
        return candidate_pairs(self.pred, self.gt, radius, self.pred_image, self.gt_image)


def _concatenate(images: Sequence[np.ndarray], name: str) -> tuple[np.ndarray, np.ndarray]:
    """Points of all images and the image index of each; a bad array is named by its image."""
    images = [np.asarray(points) for points in images]
    count = [len(points) if points.size else 0 for points in images]
    try:
        points = as_points(np.concatenate([np.zeros((0, 2)), *(image for image in images if image.size)]))
    except ValueError:
        for i, image in enumerate(images):
            as_points(image, f'{name} of image {i}')
        raise
    return points, np.repeat(np.arange(len(images)), count)


@dataclass(frozen=True)
class Localization:
    """Outcome of one matching over many images.

    Attributes:
        match: (M,) head of each prediction, an index into the stacked heads, or -1.
        gt_matched: (N,) bool, whether a head was found.
        tp: (I,) true positives per image.
        fp: (I,) false positives per image.
        fn: (I,) missed heads per image.
    """

    match: np.ndarray
    gt_matched: np.ndarray
    tp: np.ndarray
    fp: np.ndarray
    fn: np.ndarray

    def summary(self) -> dict[str, float]:
        """Totals and micro-averaged figures: tp, fp, fn, precision, recall, f1 (fractions)."""
        return precision_recall_f1(int(self.tp.sum()), int(self.fp.sum()), int(self.fn.sum()))


def localize(
    sets: PointSets,
    radius: float | np.ndarray,
    matching: str = 'max',
    order: str = 'any',
    pairs: Pairs | None = None,
) -> Localization:
    """Match all images at one radius.

    Args:
        sets: Points of all images.
        radius: One radius or (N,) radii of the stacked heads, pixels; admissible means distance <= radius.
        matching: ``max`` or ``greedy``, see :func:`~mmcrowd.evaluation.functional.matching.match_points`.
        order: ``any`` or ``official``.
        pairs: Candidate pairs at this radius or a larger one, to share them between radii.
    """
    radii = as_radii(radius, len(sets.gt))
    pairs = sets.pairs(radii) if pairs is None else pairs.within(radii)
    match = match_pairs(pairs, len(sets.pred), len(sets.gt), matching, order)
    found = np.flatnonzero(match >= 0)
    gt_matched = np.zeros(len(sets.gt), bool)
    gt_matched[match[found]] = True
    tp = np.bincount(sets.pred_image[found], minlength=sets.num_images)
    return Localization(match, gt_matched, tp, sets.pred_count - tp, sets.gt_count - tp)


def localize_at(
    sets: PointSets, radii: Mapping[str, float | np.ndarray], matching: str = 'max', order: str = 'any'
) -> dict[str, Localization]:
    """Match at several named radii with one search for candidate pairs; arguments as in :func:`localize`."""
    spread = {name: as_radii(radius, len(sets.gt)) for name, radius in radii.items()}
    if not spread:
        return {}
    pairs = sets.pairs(np.maximum.reduce(list(spread.values())))
    return {name: localize(sets, radius, matching, order, pairs) for name, radius in spread.items()}


def precision_recall_f1(tp: int, fp: int, fn: int) -> dict[str, float]:
    """Precision, recall and F1 (fractions) of summed counts; F1 is 0 when nothing is found."""
    precision, recall = tp / (tp + fp + EPS), tp / (tp + fn + EPS)
    f1 = 2 * precision * recall / (precision + recall) if tp else 0.0
    return dict(tp=tp, fp=fp, fn=fn, precision=precision, recall=recall, f1=f1)


def sigma_from_boxes(boxes: np.ndarray, kind: str, rounding: str = 'half_up') -> np.ndarray:
    """Radii of the NWPU-Crowd protocol from head boxes.

    ``s``: ``min(w, h) / 2``; ``l``: ``sqrt(w^2 + h^2) / 2``.

    Args:
        boxes: (N, 4) x1 y1 x2 y2, original pixels.
        kind: ``s`` or ``l``.
        rounding: ``half_up`` as in NWPU-Crowd's ground truth, ``floor`` as IIM does for other datasets, or ``none``.

    Returns:
        (N,) float64 radii, pixels; NaN where the box is unknown (NaN).
    """
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    w, h = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    if kind not in ('s', 'l'):
        raise ValueError(f"sigma: expected 's' or 'l', found {kind!r}")
    sigma = np.minimum(w, h) / 2 if kind == 's' else np.sqrt(w**2 + h**2) / 2
    if rounding == 'half_up':
        return np.floor(sigma + 0.5)
    if rounding == 'floor':
        return np.floor(sigma)
    if rounding == 'none':
        return sigma
    raise ValueError(f"rounding: expected 'half_up', 'floor' or 'none', found {rounding!r}")


def area_levels(boxes: np.ndarray) -> np.ndarray:
    """Level 0 to 5 of each head by box area: up to 10, 100, 1000, 10^4, 10^5 square pixels, and more.

    For files that carry a level, read it: a few heads of NWPU-Crowd have one their boxes do not.

    Args:
        boxes: (N, 4) x1 y1 x2 y2, original pixels.

    Returns:
        (N,) int64.
    """
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return np.searchsorted([1e1, 1e2, 1e3, 1e4, 1e5], area, side='left')


def level_recall(levels: np.ndarray, gt_matched: np.ndarray, num_levels: int = NUM_LEVELS) -> dict[str, object]:
    """Recall by the level of the head, under a matching in which all levels competed together.

    The figures depend on which maximum matching was taken: use ``order='official'`` to compare with published ones.

    Args:
        levels: (N,) int level of each head, 0 to ``num_levels - 1``.
        gt_matched: (N,) bool.
        num_levels: Number of levels; empty ones enter the average as 0.

    Returns:
        ``level_tp``, ``level_fn`` (lists of int), ``level_recall`` (list of fractions), ``level_recall_avg``.
    """
    levels = np.asarray(levels, np.int64)
    if len(levels) and not 0 <= levels.min() <= levels.max() < num_levels:
        raise ValueError(f'levels: expected 0 to {num_levels - 1}, found {levels.min()} to {levels.max()}')
    tp = np.bincount(levels[gt_matched], minlength=num_levels)
    fn = np.bincount(levels, minlength=num_levels) - tp
    recall = tp / (tp + fn + EPS)
    return dict(
        level_tp=tp.tolist(), level_fn=fn.tolist(), level_recall=recall.tolist(), level_recall_avg=float(recall.mean())
    )


def localization_errors(sets: PointSets, penalty: float = 16.0) -> np.ndarray:
    """(I,) localization error of each image in pixels, summed over its points.

    Distances of the pairs matched within ``penalty`` pixels in official order, plus the penalty for each of the larger
    of false positives and misses.
    """
    outcome = localize(sets, penalty, order='official')
    matched = np.flatnonzero(outcome.match >= 0)
    distance = np.linalg.norm(sets.pred[matched] - sets.gt[outcome.match[matched]], axis=1)
    by_image = np.bincount(sets.pred_image[matched], distance, minlength=sets.num_images)
    return by_image + penalty * np.maximum(outcome.fp, outcome.fn)


def mean_localization_error(sets: PointSets, penalty: float = 16.0) -> float:
    """Mean localization error in pixels (LSC-CNN; the form and matching of STEERER's script).

    The :func:`localization_errors` of all images divided by the number of heads. The matching is of maximum size, not
    of minimum distance, so the figure depends on the order of the points.

    Returns:
        Pixels per head, NaN without heads.
    """
    return float(localization_errors(sets, penalty).sum() / len(sets.gt)) if len(sets.gt) else float('nan')
