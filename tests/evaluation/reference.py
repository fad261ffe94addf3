"""Slow, literal references for the fast functions, and the mistakes an evaluator can make."""

import numpy as np
from scipy.optimize import linear_sum_assignment


def admissible(pred: np.ndarray, gt: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """(M, N) bool by the full distance matrix."""
    pred, gt = np.asarray(pred, float).reshape(-1, 2), np.asarray(gt, float).reshape(-1, 2)
    radii = np.broadcast_to(np.asarray(radii, float), (len(gt),))
    return np.sqrt(((pred[:, None] - gt[None]) ** 2).sum(-1)) <= radii[None]


def kuhn(allowed: np.ndarray) -> np.ndarray:
    """Augmenting paths by recursion over a dense matrix: predictions in order, heads by index, no look-ahead."""
    num_pred, num_gt = allowed.shape
    owner = np.full(num_gt, -1)

    def place(p: int, visited: np.ndarray) -> bool:
        for g in range(num_gt):
            if allowed[p, g] and not visited[g]:
                visited[g] = True
                if owner[g] < 0 or place(owner[g], visited):
                    owner[g] = p
                    return True
        return False

    for p in range(num_pred):
        place(p, np.zeros(num_gt, bool))
    match = np.full(num_pred, -1)
    match[owner[owner >= 0]] = np.flatnonzero(owner >= 0)
    return match


def brute_force_size(allowed: np.ndarray) -> int:
    """Size of the maximum matching by trying everything; for a handful of points."""
    if not len(allowed):
        return 0
    best = brute_force_size(allowed[1:])
    for g in np.flatnonzero(allowed[0]):
        rest = allowed[1:].copy()
        rest[:, g] = False
        best = max(best, 1 + brute_force_size(rest))
    return best


def greedy(pred: np.ndarray, gt: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Nearest pair first, ties by prediction and head."""
    allowed = admissible(pred, gt, radii)
    dist2 = ((np.asarray(pred, float)[:, None] - np.asarray(gt, float)[None]) ** 2).sum(-1)
    match = np.full(len(pred), -1)
    for _, p, g in sorted((dist2[p, g], p, g) for p, g in zip(*np.nonzero(allowed), strict=True)):
        if match[p] < 0 and g not in match:
            match[p] = g
    return match


def greedy_in_file_order(allowed_pairs, num_gt: int) -> int:
    """Each prediction in order takes its first free head; the size."""
    free, last, size = np.ones(num_gt, bool), -1, 0
    for p, g in zip(allowed_pairs.pred.tolist(), allowed_pairs.gt.tolist(), strict=True):
        if p != last and free[g]:
            free[g], last, size = False, p, size + 1
    return size


def nearest_assignment_size(pred: np.ndarray, gt: np.ndarray, radius: float) -> int:
    """The mistake of assigning by minimum total distance first and applying the radius after."""
    if not len(pred) or not len(gt):
        return 0
    dist = np.linalg.norm(np.asarray(pred, float)[:, None] - np.asarray(gt, float)[None], axis=-1)
    return int((dist[linear_sum_assignment(dist)] <= radius).sum())
