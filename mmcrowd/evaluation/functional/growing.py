"""A maximum matching that follows a growing graph: pairs arrive in steps, the matching is maximum after each.

The alternating forest of the failed searches is kept between steps instead of being searched again: after a step it
holds every vertex that a free first vertex can reach. New pairs extend it; when it meets a free second vertex, the path
is flipped, the tree that held it is taken apart, and what other trees still reach of it is attached to them. All trees
grow at once in numpy, so many images cost as little overhead as one. (The grafting idea is from Azad, Buluc and Pothen,
"Computing maximum cardinality matchings in parallel on bipartite graphs via tree-grafting", IEEE TPDS 28, 2017.)
"""

from collections.abc import Iterator

import numpy as np

MAX_STEPS = 256
"""Steps are stored in a byte."""


class _Rows:
    """Neighbours of each vertex in the order in which the pairs arrive."""

    def __init__(self, own: np.ndarray, other: np.ndarray, step: np.ndarray, num: int) -> None:
        # One sort of packed integers: vertex and step (8 bits) in the high half, neighbour in the low half.
        key = own.astype(np.int64) << 40 | step.astype(np.int64) << 32 | other
        key.sort()
        self.other = (key & 0xFFFFFFFF).astype(np.int32)
        self.start = np.searchsorted(key, np.arange(num) << 40)
        self.degree = np.zeros(num, np.int64)

    def pairs(self, vertices: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pairs of some vertices with their wanted neighbours: (vertex, neighbour)."""
        n = self.degree[vertices]
        ends = np.cumsum(n)
        entry = np.repeat(self.start[vertices] - ends + n, n)
        entry += np.arange(len(entry))
        other = self.other[entry]
        hit = np.flatnonzero(wanted[other])
        return np.repeat(vertices, n)[hit], other[hit]


class GrowingMatching:
    """Maximum matching after each step of arriving pairs.

    Args:
        pair_a: (E,) first ends. Searches start here: let it be the side with fewer vertices.
        pair_b: (E,) second ends.
        step: (E,) step in which a pair arrives, 0 to 255.
        num_a: Number of first vertices.
        num_b: Number of second vertices.

    Attributes:
        match_a: (A,) partner of each first vertex or -1.
        match_b: (B,) partner of each second vertex or -1.
    """

    def __init__(self, pair_a: np.ndarray, pair_b: np.ndarray, step: np.ndarray, num_a: int, num_b: int) -> None:
        self.match_a, self.match_b = np.full(num_a, -1, np.int64), np.full(num_b, -1, np.int64)
        self._rows_a, self._rows_b = _Rows(pair_a, pair_b, step, num_a), _Rows(pair_b, pair_a, step, num_b)
        order = np.argsort(step.astype(np.uint8), kind='stable')
        self._pair_a, self._pair_b = pair_a[order].astype(np.int32), pair_b[order].astype(np.int32)
        self._bounds = np.concatenate([[0], np.cumsum(np.bincount(step, minlength=MAX_STEPS))])
        # Free first vertices are the roots; the root of a vertex outside the forest is kept but not used.
        self._root_a, self._root_b = np.arange(num_a), np.zeros(num_b, np.int64)
        self._in_a, self._out_b = np.ones(num_a, bool), np.ones(num_b, bool)
        self._parent = np.zeros(num_b, np.int64)
        self._slot = np.empty(num_b, np.int64)
        self._end = np.full(num_a, -1, np.int64)

    def steps(self, num: int) -> Iterator[int]:
        """Let the pairs of steps 0 to ``num - 1`` arrive; the matching is maximum at each yield."""
        for step in range(num):
            new = slice(self._bounds[step], self._bounds[step + 1])
            a, b = self._pair_a[new], self._pair_b[new]
            self._rows_a.degree += np.bincount(a, minlength=len(self.match_a))
            self._rows_b.degree += np.bincount(b, minlength=len(self.match_b))
            inside = self._in_a[a]
            a, b = a[inside], b[inside]
            while len(roots := self._grow(a, b)):
                self._flip(roots)
                a, b = self._take_apart(roots)
            yield step

    def _grow(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Extend the trees along pairs that leave them; returns the roots whose tree met a free second vertex."""
        met = [np.zeros(0, np.int64)]
        while len(a):
            fresh = np.flatnonzero(self._out_b[b])
            a, b = a[fresh], b[fresh]
            index = np.arange(len(b))
            self._slot[b] = index
            once = self._slot[b] == index
            a, b = a[once], b[once]
            root = self._root_a[a]
            self._parent[b], self._root_b[b], self._out_b[b] = a, root, False
            holder = self.match_b[b]
            free = holder < 0
            self._end[root[free]] = b[free]
            met.append(root[free])
            going = ~free & (self._end[root] < 0)
            holder = holder[going]
            self._root_a[holder], self._in_a[holder] = root[going], True
            a, b = self._rows_a.pairs(holder, self._out_b)
        return np.unique(np.concatenate(met))

    def _flip(self, roots: np.ndarray) -> None:
        """Flip one path per root; trees share no vertex, so all at once."""
        b = self._end[roots]
        while len(b):
            a = self._parent[b]
            before = self.match_a[a]
            self.match_a[a], self.match_b[b] = b, a
            b = before[before >= 0]

    def _take_apart(self, roots: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Drop the trees of the roots; returns the pairs by which other trees reach what was dropped."""
        self._in_a[self._in_a & (self._end[self._root_a] >= 0)] = False
        dropped = np.flatnonzero(~self._out_b & (self._end[self._root_b] >= 0))
        self._out_b[dropped] = True
        self._end[roots] = -1
        b, a = self._rows_b.pairs(dropped, self._in_a)
        return a, b
