"""Matching of predicted points to heads within each head's own radius.

``max`` is the maximum-cardinality matching that the NWPU-Crowd evaluator and its descendants compute; ``greedy`` takes
the nearest pair first. The size of a maximum matching is unique, the set of heads it covers is not:
``order='official'`` reproduces the set that the official scripts find (Kuhn's algorithm, predictions in file order,
heads by index).
"""

import numpy as np

from .candidates import Pairs, candidate_pairs
from .hopcroft_karp import hopcroft_karp
from .kuhn import kuhn_matching

MATCHINGS = ('max', 'greedy')
ORDERS = ('any', 'official')


def match_points(
    pred: np.ndarray,
    gt: np.ndarray,
    radius: float | np.ndarray,
    *,
    pred_image: np.ndarray | None = None,
    gt_image: np.ndarray | None = None,
    matching: str = 'max',
    order: str = 'any',
) -> np.ndarray:
    """Match predictions to heads.

    Args:
        pred: (M, 2) xy, pixels.
        gt: (N, 2) xy, pixels.
        radius: One radius or (N,) radii of the heads, pixels. A pair is admissible when its distance is <= the radius.
        pred_image: (M,) image index of each prediction, to match many images at once.
        gt_image: (N,) image index of each head.
        matching: ``max`` (maximum cardinality) or ``greedy`` (nearest pair first).
        order: Which of the maximum matchings: ``any`` (fastest) or ``official``.

    Returns:
        (M,) int64, the head of each prediction or -1.
    """
    pairs = candidate_pairs(pred, gt, radius, pred_image, gt_image)
    return match_pairs(pairs, len(pred), len(gt), matching, order)


def match_pairs(pairs: Pairs, num_pred: int, num_gt: int, matching: str = 'max', order: str = 'any') -> np.ndarray:
    """Match over given candidate pairs; arguments and result as in :func:`match_points`."""
    if matching not in MATCHINGS:
        raise ValueError(f'matching: expected one of {MATCHINGS}, found {matching!r}')
    if order not in ORDERS:
        raise ValueError(f'order: expected one of {ORDERS}, found {order!r}')
    if matching == 'greedy':
        return greedy_matching(pairs, num_pred, num_gt)
    if order == 'official':
        return kuhn_matching(pairs, num_pred, num_gt)
    return maximum_matching(pairs, num_pred, num_gt)


def greedy_matching(pairs: Pairs, num_pred: int, num_gt: int) -> np.ndarray:
    """Nearest pair first, ties by prediction and then by head index; arguments and result as in `match_pairs`."""
    match = np.full(num_pred, -1, np.int64)
    rank = np.lexsort((pairs.gt, pairs.pred, pairs.dist2))
    free = bytearray(b'\x01') * num_gt
    taken: dict[int, int] = {}
    for p, g in zip(pairs.pred[rank].tolist(), pairs.gt[rank].tolist(), strict=True):
        if free[g] and p not in taken:
            free[g] = 0
            taken[p] = g
    match[list(taken.keys())] = list(taken.values())
    return match


def maximum_matching(pairs: Pairs, num_pred: int, num_gt: int) -> np.ndarray:
    """Maximum matching by leaf reductions, a greedy start and Hopcroft-Karp; arguments, result as in `match_pairs`.

    At most O(sqrt(V)) phases, each linear in the number of pairs (Hopcroft and Karp, SIAM J. Comput. 2, 1973).
    """
    match_pred = np.full(num_pred, -1, np.int64)
    match_gt = np.full(num_gt, -1, np.int64)
    pair_pred, pair_gt = _match_leaves(pairs.pred, pairs.gt, match_pred, match_gt)
    if len(pair_pred):
        match_free_pairs(pair_pred, pair_gt, match_pred, match_gt)
        hopcroft_karp(pair_pred, pair_gt, match_pred, match_gt)
    return match_pred


def _match_leaves(pair_pred, pair_gt, match_pred, match_gt):
    """Match points of degree one (Karp and Sipser), which some maximum matching always does; returns what is left."""
    while len(pair_pred):
        before = len(pair_pred)
        for side in (0, 1):
            own, other = (pair_pred, pair_gt) if side == 0 else (pair_gt, pair_pred)
            own_match, other_match = (match_pred, match_gt) if side == 0 else (match_gt, match_pred)
            leaf = np.flatnonzero(np.bincount(own, minlength=len(own_match))[own] == 1)
            if not len(leaf):
                continue
            other_match[other[leaf]] = own[leaf]
            kept = leaf[other_match[other[leaf]] == own[leaf]]
            own_match[own[kept]] = other[kept]
            left = np.flatnonzero((match_pred[pair_pred] < 0) & (match_gt[pair_gt] < 0))
            pair_pred, pair_gt = pair_pred[left], pair_gt[left]
        if before - len(pair_pred) <= before // 50:
            break
    return pair_pred, pair_gt


def match_free_pairs(pair_pred, pair_gt, match_pred, match_gt):
    """Extend a matching until no pair has both ends free."""
    free = np.flatnonzero((match_pred[pair_pred] < 0) & (match_gt[pair_gt] < 0))
    pick_pred, pick_gt = np.empty_like(match_pred), np.empty_like(match_gt)
    # Rounds in which every head names one free prediction, and the prediction accepts one of those that named it. The
    # random order spreads the choices, without it equal neighbourhoods would all name the same partner.
    rng = np.random.default_rng(0)
    while len(free):
        free = rng.permutation(free)
        p, g = pair_pred[free], pair_gt[free]
        pick_gt[g] = p
        named = pick_gt[g] == p
        pick_pred[p[named]] = g[named]
        won = named & (pick_pred[p] == g)
        match_pred[p[won]], match_gt[g[won]] = g[won], p[won]
        free = free[(match_pred[p] < 0) & (match_gt[g] < 0)]
