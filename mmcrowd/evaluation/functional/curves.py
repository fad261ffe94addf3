"""Precision and recall over the score threshold."""

from dataclasses import dataclass

import numpy as np

from .bootstrap import Interval, percentile_interval, resample_weights
from .candidates import as_radii, candidate_pairs
from .kuhn import kuhn_matching
from .localization import EPS, PointSets


@dataclass(frozen=True)
class ScoreCurve:
    """Figures at every score threshold that changes something, from the highest to the lowest.

    Attributes:
        threshold: (T,) predictions with a score >= threshold are kept.
        tp: (T,) true positives.
        num_pred: (T,) predictions kept.
        gt_count: (I,) number of heads per image.
        image: (M,) image index of every prediction, by descending score.
        found: (M,) bool, whether its entry adds a true positive.
    """

    threshold: np.ndarray
    tp: np.ndarray
    num_pred: np.ndarray
    gt_count: np.ndarray
    image: np.ndarray
    found: np.ndarray

    @property
    def num_gt(self) -> int:
        """Number of heads."""
        return int(self.gt_count.sum())

    @property
    def precision(self) -> np.ndarray:
        """(T,) fractions."""
        return self.tp / (self.num_pred + EPS)

    @property
    def recall(self) -> np.ndarray:
        """(T,) fractions."""
        return self.tp / (self.num_gt + EPS)

    @property
    def f1(self) -> np.ndarray:
        """(T,) fractions."""
        return 2 * self.tp / (self.num_pred + self.num_gt + EPS)

    def best(self) -> dict[str, float]:
        """The threshold of the highest F1, the highest such threshold if several: threshold, f1, precision, recall.

        Without a prediction the threshold is 0 and the figures are 0.
        """
        if not len(self.threshold):
            return dict(threshold=0.0, f1=0.0, precision=0.0, recall=0.0)
        i = int(np.argmax(self.f1))
        values = dict(threshold=self.threshold, f1=self.f1, precision=self.precision, recall=self.recall)
        return {name: float(value[i]) for name, value in values.items()}

    def best_intervals(self, num: int = 1000, level: float = 0.95, seed: int = 0) -> dict[str, Interval]:
        """Bootstrap intervals over images of what :meth:`best` returns.

        Matches do not cross images, so each resample only weighs them anew; it chooses its own threshold.
        """
        samples = []
        last = self.num_pred - 1
        for weight in resample_weights(len(self.gt_count), num, seed):
            each = weight[self.image]
            tp, kept = np.cumsum(each * self.found)[last], np.cumsum(each)[last]
            drawn = ScoreCurve(self.threshold, tp, kept, weight * self.gt_count, self.image, self.found)
            samples.append(drawn.best())
        return {name: percentile_interval([s[name] for s in samples], level) for name in samples[0]}


def score_curve(sets: PointSets, scores: np.ndarray, radius: float | np.ndarray) -> ScoreCurve:
    """Maximum matching at every score threshold, in one pass.

    Predictions enter by descending score; each entry keeps the matching maximum, so the matches among the first k
    predictions number exactly the true positives of the threshold that keeps k.

    Args:
        sets: Points of all images.
        scores: (M,) score of each stacked prediction.
        radius: One radius or (N,) radii of the heads, pixels.

    Raises:
        ValueError: If there is not one finite score per prediction.
    """
    scores = np.asarray(scores, np.float64)
    if scores.shape != (len(sets.pred),) or not np.isfinite(scores).all():
        raise ValueError(f'scores: expected {len(sets.pred)} finite numbers, found shape {scores.shape}')
    radii = as_radii(radius, len(sets.gt))
    rank = np.argsort(-scores, kind='stable')
    pairs = candidate_pairs(sets.pred[rank], sets.gt, radii, sets.pred_image[rank], sets.gt_image)
    found = kuhn_matching(pairs, len(rank), len(sets.gt)) >= 0
    ranked = scores[rank]
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) if len(ranked) else np.zeros(0, np.int64)
    tp = np.cumsum(found)[last]
    return ScoreCurve(ranked[last], tp, last + 1, sets.gt_count, sets.pred_image[rank], found)


def counting_curve(scores: np.ndarray, image: np.ndarray, gt_count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """MAE of the count at every score threshold that changes something, from the highest to the lowest.

    Args:
        scores: (M,) scores of all predictions.
        image: (M,) image index of each.
        gt_count: (I,) annotated counts.

    Returns:
        (T,) thresholds, (T,) MAE when predictions with a score >= threshold are counted.
    """
    gt_count = np.asarray(gt_count, np.int64)
    rank = np.argsort(-np.asarray(scores, np.float64), kind='stable')
    image, ranked = np.asarray(image, np.int64)[rank], np.asarray(scores, np.float64)[rank]
    # The k-th prediction of an image brings its count closer while k <= annotated count, and away after that.
    by_image = np.argsort(image, kind='stable')
    start = np.searchsorted(image[by_image], np.arange(len(gt_count)))
    kth = np.empty(len(rank), np.int64)
    kth[by_image] = np.arange(len(rank)) - start[image[by_image]]
    error = gt_count.sum() + np.cumsum(np.where(kth < gt_count[image], -1, 1))
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) if len(ranked) else np.zeros(0, np.int64)
    return ranked[last], error[last] / max(len(gt_count), 1)
