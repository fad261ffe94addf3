"""Hopcroft-Karp augmentation of a bipartite matching: layers in numpy, paths in Python over the layers that matter.

Reference: Hopcroft and Karp, "An n^5/2 algorithm for maximum matchings in bipartite graphs", SIAM J. Comput. 2, 1973.
"""

import numpy as np


def hopcroft_karp(pair_a: np.ndarray, pair_b: np.ndarray, match_a: np.ndarray, match_b: np.ndarray) -> None:
    """Grow a matching to maximum cardinality, in place.

    Every phase finds the shortest augmenting paths by breadth-first layers, drops the pairs that lie on none of them,
    and flips a maximal set of disjoint paths; there are O(sqrt(V)) phases, each linear in the number of pairs.

    Args:
        pair_a: (E,) index of the first end of each pair.
        pair_b: (E,) index of the second end.
        match_a: (A,) int64 partner of each first vertex or -1; vertices matched outside the pairs stay as they are.
        match_b: (B,) int64 partner of each second vertex or -1, consistent with ``match_a``.
    """
    # Searching from the side with fewer free vertices keeps the last phase, which fails, small.
    if len(_free(pair_a, match_a)) > len(_free(pair_b, match_b)):
        pair_a, pair_b, match_a, match_b = pair_b, pair_a, match_b, match_a
    order = np.argsort(pair_a, kind='stable')
    heads = pair_b[order]
    degree = np.bincount(pair_a, minlength=len(match_a))
    start = np.concatenate([[0], np.cumsum(degree)])
    augment(heads, start, degree, match_a, match_b)


def augment(heads: np.ndarray, start: np.ndarray, degree: np.ndarray, match_a: np.ndarray, match_b: np.ndarray) -> None:
    """The phases of :func:`hopcroft_karp` over adjacency rows.

    Args:
        heads: (E,) second ends, row by row.
        start: (A,) first entry of each row, or longer.
        degree: (A,) number of entries in use from the start of each row.
        match_a: (A,) partners, changed in place.
        match_b: (B,) partners, changed in place.
    """
    while True:
        layers = _layers(np.flatnonzero((match_a < 0) & (degree > 0)), heads, start, degree, match_b)
        if layers is None:
            return
        _flip_paths(_prune(layers, match_a, match_b), match_a, match_b)


def _free(pair: np.ndarray, match: np.ndarray) -> np.ndarray:
    return np.unique(pair[match[pair] < 0])


def _layers(frontier, heads, start, degree, match_b):
    """Breadth-first layers of pairs up to the nearest free end; None if there is no augmenting path."""
    visited = np.zeros(len(match_b), bool)
    slot = np.empty(len(match_b), np.int64)
    layers = []
    while len(frontier):
        n = degree[frontier]
        index = np.arange(int(n.sum())) + np.repeat(start[frontier] - (np.cumsum(n) - n), n)
        a, b = np.repeat(frontier, n), heads[index]
        new = ~visited[b]
        a, b = a[new], b[new]
        visited[b] = True
        free = match_b[b] < 0
        if free.any():
            layers.append((a[free], b[free]))
            return layers
        layers.append((a, b))
        slot[b] = np.arange(len(b))
        frontier = match_b[b[slot[b] == np.arange(len(b))]]
    return None


def _prune(layers, match_a, match_b):
    """Keep the pairs from which the last layer can be reached."""
    useful = np.zeros(len(match_a), bool)
    kept = [layers[-1]]
    useful[layers[-1][0]] = True
    for a, b in reversed(layers[:-1]):
        keep = useful[match_b[b]]
        kept.append((a[keep], b[keep]))
        useful[a[keep]] = True
    return kept[::-1]


def _flip_paths(layers, match_a, match_b):
    """Flip a maximal set of vertex-disjoint shortest paths through the layers."""
    neighbours: dict[int, list[int]] = {}
    for a, b in layers:
        for i, j in zip(a.tolist(), b.tolist(), strict=True):
            neighbours.setdefault(i, []).append(j)
    owner = {}
    for _, b in layers[:-1]:
        owner.update(zip(b.tolist(), match_b[b].tolist(), strict=True))
    used: set[int] = set()
    flipped_a, flipped_b = [], []
    for root in dict.fromkeys(layers[0][0].tolist()):
        stack, path = [root], []
        while stack:
            options = neighbours[stack[-1]]
            while options and options[-1] in used:
                options.pop()
            if not options:
                stack.pop()
                if path:
                    path.pop()
                continue
            b = options.pop()
            used.add(b)
            path.append(b)
            if b not in owner:
                flipped_a += stack
                flipped_b += path
                break
            stack.append(owner[b])
    match_a[flipped_a] = flipped_b
    match_b[flipped_b] = flipped_a
