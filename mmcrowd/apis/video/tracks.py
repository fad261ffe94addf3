"""Short-term tracks of points, and the lines that they cross."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching
from scipy.spatial import KDTree

from .regions import crosses, side


class PointTracker:
    """Follows points from frame to frame by an optimal assignment; there are no identities beyond the next step.

    A track that was last seen k frames ago may step at most ``k * max_step``. The assignment minimizes
    ``sum(d^2 / (k * max_step)^2)`` over the steps, and 1 for each track without a point. Points that are left begin new
    tracks; tracks that found no point wait for ``patience`` frames.

    Args:
        max_step: Farthest way between two frames, pixels.
        patience: Frames in a row in which a head may be missed.
    """

    def __init__(self, max_step: float, patience: int = 3) -> None:
        self.max_step, self.patience = max_step, patience
        self.points, self.age = np.zeros((0, 2)), np.zeros(0, np.int64)

    def update(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Take the points of the next frame.

        Args:
            points: ``(N, 2)`` xy, pixels.

        Returns:
            Where the steps of tracks that went on begin and where they end, ``(M, 2)`` each.
        """
        points, age = np.asarray(points, np.float64).reshape(-1, 2), self.age + 1
        track, found = assign(self.points, points, age * self.max_step)
        steps = self.points[track], points[found]
        waits = age <= self.patience
        waits[track] = False
        self.points = np.concatenate([points, self.points[waits]])
        self.age = np.concatenate([np.zeros(len(points), np.int64), age[waits]])
        return steps

    def state(self) -> dict:
        """What the next frame depends on: numbers and arrays that do not change any more."""
        return dict(points=self.points, age=self.age)

    def restore(self, state: dict) -> None:
        """Go on from :meth:`state`."""
        self.points = np.array(state['points'], np.float64).reshape(-1, 2)
        self.age = np.array(state['age'], np.int64)


def assign(tracks: np.ndarray, points: np.ndarray, reach: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The cheapest assignment of points to tracks: squared distances relative to the reach, 1 for an idle track.

    Args:
        tracks: ``(T, 2)`` xy.
        points: ``(N, 2)`` xy.
        reach: ``(T,)`` farthest distance of each track, above 0.

    Returns:
        Indices of tracks and of their points, ``(M,)`` each.
    """
    none = np.zeros(0, np.int64)
    if not len(tracks) or not len(points):
        return none, none
    near = KDTree(points).query_ball_point(tracks, reach)
    row = np.repeat(np.arange(len(tracks)), [len(found) for found in near])
    column = np.concatenate([none, *(np.array(found, np.int64) for found in near)])
    cost = ((tracks[row] - points[column]) ** 2).sum(axis=1) / reach[row] ** 2
    # Each track has an idle column of its own, so that every track is assigned; 1 is added to all costs, since the
    # solver takes an explicit zero for no edge.
    idle = np.arange(len(tracks))
    costs = np.concatenate([cost, np.ones(len(tracks))]) + 1
    at = (np.concatenate([row, idle]), np.concatenate([column, len(points) + idle]))
    graph = coo_array((costs, at), shape=(len(tracks), len(points) + len(tracks))).tocsr()
    track, found = min_weight_full_bipartite_matching(graph)
    real = found < len(points)
    return track[real].astype(np.int64), found[real].astype(np.int64)


class LineCounter:
    """Counts how often tracks cross lines, per direction.

    Only points near a line are followed: within all that a track can go while it is waited for, twice over.

    Args:
        lines: Segments ``(2, 2)`` xy by name.
        max_step: As of :class:`PointTracker`.
        patience: As of :class:`PointTracker`.
    """

    def __init__(self, lines: dict[str, np.ndarray], max_step: float, patience: int = 3) -> None:
        self.lines = lines
        self.tracker = PointTracker(max_step, patience)
        self.margin = 2 * max_step * (patience + 1)
        self.crossings = dict.fromkeys(lines, (0, 0))

    def update(self, points: np.ndarray) -> dict[str, tuple[int, int]]:
        """Take the points ``(N, 2)`` of the next frame.

        Returns:
            Crossings so far by line: to the right and to the left of the way from its first point to its second.
        """
        points = np.asarray(points, np.float64).reshape(-1, 2)
        near = np.zeros(len(points), bool)
        for line in self.lines.values():
            near |= _distance(points, line) <= self.margin
        start, end = self.tracker.update(points[near])
        for name, (first, second) in self.lines.items():
            crossed = crosses(start, end, first, second)
            right = int((crossed & side(end, first, second)).sum())
            before = self.crossings[name]
            self.crossings[name] = (before[0] + right, before[1] + int(crossed.sum()) - right)
        return self.crossings

    def state(self) -> dict:
        """What the next frame depends on: numbers and arrays that do not change any more."""
        return dict(tracks=self.tracker.state(), crossings=dict(self.crossings))

    def restore(self, state: dict) -> None:
        """Go on from :meth:`state`."""
        self.tracker.restore(state['tracks'])
        self.crossings = {name: tuple(state['crossings'][name]) for name in self.lines}


def _distance(points: np.ndarray, line: np.ndarray) -> np.ndarray:
    """Distance of points ``(N, 2)`` to a segment ``(2, 2)``."""
    first, way = line[0], line[1] - line[0]
    along = np.clip((points - first) @ way / (way @ way), 0, 1)
    return np.linalg.norm(points - first - along[:, None] * way, axis=1)
