"""A dense-matrix evaluator of points, as the field's scripts work: slow on purpose, the reference of the benchmark.

All distances of an image in one matrix, a full pass over ``visited`` for every prediction, recursion for every
augmenting path, and a dense assignment matrix to read the result from.
"""

import sys

import numpy as np
from scipy.spatial import distance_matrix


def read_lines(path: str, columns: int) -> dict[int, np.ndarray]:
    """Points by id from an official text file, line by line."""
    images = {}
    with open(path) as file:
        for line in file:
            numbers = [int(token) for token in line.strip().split(' ')]
            images[numbers[0]] = np.array(numbers[2:]).reshape(-1, columns)
    return images


def dense_true_positives(pred: np.ndarray, gt: np.ndarray, radii: dict[str, np.ndarray]) -> dict[str, int]:
    """Size of the maximum matching of one image at each radius, from one distance matrix."""
    if not len(pred) or not len(gt):
        return dict.fromkeys(radii, 0)
    distance = distance_matrix(pred, gt)
    return {name: int(_match(distance <= radius[None, :]).sum()) for name, radius in radii.items()}


def _match(allowed: np.ndarray) -> np.ndarray:
    num_pred, num_gt = allowed.shape
    neighbours = [np.nonzero(row)[0].tolist() for row in allowed]
    owner = [-1] * num_gt
    visited = [False] * num_gt

    def place(p: int) -> bool:
        for g in neighbours[p]:
            if visited[g]:
                continue
            visited[g] = True
            if owner[g] == -1 or place(owner[g]):
                owner[g] = p
                return True
        return False

    for p in range(num_pred):
        for g in range(num_gt):
            visited[g] = False
        place(p)
    assignment = np.zeros((num_pred, num_gt), dtype=bool)
    for g, p in enumerate(owner):
        if p >= 0:
            assignment[p, g] = True
    return assignment


def dense_evaluation(gt_path: str, pred_path: str) -> dict[str, int]:
    """Total true positives at sigma_s and sigma_l, reading included."""
    sys.setrecursionlimit(20000)
    gts, preds = read_lines(gt_path, 5), read_lines(pred_path, 2)
    totals = dict(sigma_s=0, sigma_l=0)
    for i, gt in gts.items():
        found = dense_true_positives(preds[i], gt[:, :2], dict(sigma_s=gt[:, 2], sigma_l=gt[:, 3]))
        totals = {name: totals[name] + found[name] for name in totals}
    return totals
