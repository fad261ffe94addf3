"""Intervals of counts by split conformal prediction, from counts of images that the model did not learn from.

Of n images and one more that is drawn as they were, the score of the last is at most the ``ceil((n + 1) * level)``-th
smallest of the n with probability ``level`` or more, whatever the model and the distribution (Vovk et al., Algorithmic
Learning in a Random World, 2005; Lei et al., JASA 2018). The score is the error of a count over how large errors of
such counts are, so that the interval of a dense crowd is wider than that of a sparse one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def conformal_quantile(scores: np.ndarray, level: float) -> float:
    """The score that one more image stays at or below with probability ``level``.

    Args:
        scores: (n,) of the images at hand.
        level: Above 0, below 1.

    Returns:
        The ``ceil((n + 1) * level)``-th smallest score; infinity where n is too small to say anything.

    Raises:
        ValueError: The level is none, or a score is not finite.
    """
    if not 0 < level < 1:
        raise ValueError(f'level: expected a number above 0 and below 1, found {level}')
    scores = np.asarray(scores, np.float64).reshape(-1)
    if not np.isfinite(scores).all():
        raise ValueError(f'expected finite scores, found {scores[~np.isfinite(scores)][0]}')
    rank = math.ceil((len(scores) + 1) * level - 1e-9)  # (9 + 1) * 0.9 is 9, not 9.000000000000002
    return float(np.sort(scores)[rank - 1]) if rank <= len(scores) else math.inf


def count_scale(pred: np.ndarray, offset: float, power: float) -> np.ndarray:
    """How large errors of such counts are up to a factor, ``(pred + offset) ** power``; (I,) -> (I,).

    A count below 0, which the sum of a density may be, is as unsure as 0.
    """
    return (np.maximum(np.asarray(pred, np.float64), 0) + offset) ** power


def count_scores(pred: np.ndarray, gt: np.ndarray, offset: float, power: float) -> np.ndarray:
    """Errors over their scale, ``|gt - pred| / (pred + offset) ** power``; (I,) counts -> (I,)."""
    return np.abs(np.asarray(gt, np.float64) - pred) / count_scale(pred, offset, power)


def quantiles_by_range(
    pred: np.ndarray, scores: np.ndarray, level: float, edges: Sequence[float]
) -> list[tuple[int, float | None]]:
    """The quantile of each range of predicted counts.

    Args:
        pred: (I,) predicted counts.
        scores: (I,) their scores.
        level: As of :func:`conformal_quantile`.
        edges: Where ranges meet, rising; k edges make k + 1 ranges, an edge belongs to the range above it.

    Returns:
        Images and quantile per range. A range of fewer than ``2 / (1 - level)`` images has None: one image alone, the
        one of the largest score, would decide there.
    """
    place = np.searchsorted(np.asarray(edges, np.float64), np.asarray(pred, np.float64), side='right')
    groups = [np.asarray(scores)[place == number] for number in range(len(edges) + 1)]
    least = 2 / (1 - level) - 1e-9
    return [(len(group), conformal_quantile(group, level) if len(group) >= least else None) for group in groups]
