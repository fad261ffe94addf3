"""Kuhn's augmenting paths in the order of the official NWPU-Crowd script, which decides which heads count as found.

Predictions are inserted in order; each tries its heads by ascending index, takes a free one and otherwise asks the
owner at once to move (no look-ahead). Since an inserted prediction stays matched, the result also holds the size of the
maximum matching of every prefix of the predictions.
"""

from itertools import pairwise

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from .candidates import Pairs

_DENSE_PAIRS, _DENSE_DEGREE = 4096, 64
"""Components with so many pairs are searched with bit sets if these take less memory than lists; they are looked for
only where a prediction has so many heads."""


def kuhn_matching(pairs: Pairs, num_pred: int, num_gt: int) -> np.ndarray:
    """Maximum matching in official order.

    Two shortcuts leave the result untouched: stars (one point in the centre) are solved in closed form, and the heads
    visited by a failed search, which no later search can leave with success, stay closed.

    Args:
        pairs: Candidate pairs, sorted by prediction and then by head.
        num_pred: Number of predictions M.
        num_gt: Number of heads.

    Returns:
        (M,) int64, the head of each prediction or -1.
    """
    match = np.full(num_pred, -1, np.int64)
    pair_pred, pair_gt = pairs.pred.astype(np.intp), pairs.gt.astype(np.intp)
    shared_pred = np.bincount(pair_pred, minlength=num_pred) > 1
    shared_gt = np.bincount(pair_gt, minlength=num_gt) > 1
    # A point is the centre of a star if none of its partners has another partner.
    open_pred, open_gt = np.zeros(num_pred, bool), np.zeros(num_gt, bool)
    open_pred[pair_pred[shared_gt[pair_gt]]] = True
    open_gt[pair_gt[shared_pred[pair_pred]]] = True
    star = ~(open_pred[pair_pred] & open_gt[pair_gt])
    star_pred, star_gt = pair_pred[star], pair_gt[star]
    # Of several assignments to one index the last one stays: reversed, the first pair wins.
    first = np.full(num_gt, -1, np.int64)
    first[star_gt[::-1]] = star_pred[::-1]
    owned = first[star_gt] == star_pred
    match[star_pred[owned][::-1]] = star_gt[owned][::-1]
    for component_pred, component_gt, dense in _components(pair_pred[~star], pair_gt[~star], num_pred, num_gt):
        preds, start = np.unique(component_pred, return_index=True)
        heads, local = np.unique(component_gt, return_inverse=True)
        search = _search_dense if dense else _search_sparse
        owner = search(local, np.append(start, len(local)), len(heads))
        taken = np.flatnonzero(owner >= 0)
        match[preds[owner[taken]]] = heads[taken]
    return match


def _components(pair_pred, pair_gt, num_pred, num_gt):
    """Split pairs into large dense components, one by one, and all the rest together: (pred, gt, dense)."""
    if np.bincount(pair_pred).max(initial=0) >= _DENSE_DEGREE:
        graph = coo_matrix((np.ones(len(pair_pred), bool), (pair_pred, pair_gt + num_pred)), (num_pred + num_gt,) * 2)
        label = connected_components(graph, directed=False)[1][pair_pred]
        for component in np.flatnonzero(np.bincount(label) >= _DENSE_PAIRS):
            inside = label == component
            size = len(np.unique(pair_pred[inside])) * len(np.unique(pair_gt[inside]))
            if size <= 64 * inside.sum():
                yield pair_pred[inside], pair_gt[inside], True
                pair_pred, pair_gt, label = pair_pred[~inside], pair_gt[~inside], label[~inside]
    if len(pair_pred):
        yield pair_pred, pair_gt, False


def _search_sparse(heads: np.ndarray, bounds: np.ndarray, num_gt: int) -> np.ndarray:
    """Insert predictions whose heads are ``heads[bounds[i]:bounds[i + 1]]``; returns the (num_gt,) owners or -1."""
    heads, bounds = heads.tolist(), bounds.tolist()
    owner = [-1] * num_gt
    closed = bytearray(num_gt)
    for root in range(len(bounds) - 1):
        # Most searches end with the first head or with the next head of its owner.
        head = heads[bounds[root]]
        holder = owner[head]
        if holder < 0:
            owner[head] = root
            continue
        if not closed[head]:
            for other in heads[bounds[holder] : bounds[holder + 1]]:
                if other != head and not closed[other]:
                    break
            else:
                other = head
            if owner[other] < 0:
                owner[other], owner[head] = holder, root
                continue
        _augment(root, heads, bounds, owner, closed)
    return np.array(owner, np.int64)


def _augment(root: int, heads: list[int], bounds: list[int], owner: list[int], closed: bytearray) -> None:
    """Search a path from a prediction to a free head and flip it; closes what it visited if there is none."""
    stack, path, taken, seen = [iter(heads[bounds[root] : bounds[root + 1]])], [root], [], []
    while stack:
        for head in stack[-1]:
            if not closed[head]:
                break
        else:
            stack.pop()
            path.pop()
            if taken:
                taken.pop()
            continue
        closed[head] = 1
        seen.append(head)
        taken.append(head)
        holder = owner[head]
        if holder < 0:
            for own, other in zip(path, taken, strict=True):
                owner[other] = own
            for head in seen:
                closed[head] = 0
            return
        path.append(holder)
        stack.append(iter(heads[bounds[holder] : bounds[holder + 1]]))


def _search_dense(heads: np.ndarray, bounds: np.ndarray, num_gt: int) -> np.ndarray:
    """The same search with the heads of a prediction as the bits of an integer: the next open one in one operation."""
    neighbours = []
    for a, b in pairwise(bounds.tolist()):
        row = np.zeros(num_gt, bool)
        row[heads[a:b]] = True
        neighbours.append(int.from_bytes(np.packbits(row, bitorder='little').tobytes(), 'little'))
    owner = [-1] * num_gt
    opened = (1 << num_gt) - 1
    for root in range(len(neighbours)):
        before = opened
        path, taken = [root], []
        while path:
            options = neighbours[path[-1]] & opened
            if not options:
                path.pop()
                if taken:
                    taken.pop()
                continue
            bit = options & -options
            opened ^= bit
            head = bit.bit_length() - 1
            taken.append(head)
            if owner[head] < 0:
                for own, other in zip(path, taken, strict=True):
                    owner[other] = own
                opened = before
                break
            path.append(owner[head])
    return np.array(owner, np.int64)
