"""How large heads are at a place: the two-nearest rule, and a perspective model that knows what it does not know.

Sizes are natural logarithms of the square root of a box's area per longer side of its image, so that they are positive
whatever is predicted, images of several resolutions agree, and errors are relative: 0.1 is a tenth of the size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

_NEIGHBOURS = 3
_MOST_SPACING = 1.0
_STEPS = 8
_FEW = 16
"""So many presets are compared one by one, faster than with a tree."""
_TAILS = 3.0
"""Degrees of freedom of the Student distribution of presets around the model: lower forgives wrong boxes more."""
_OUTLIER, _NOTHING = 0.2, 1e-4


def places(points: np.ndarray, size: tuple[int, int], at: np.ndarray | None = None) -> np.ndarray:
    """Describe where heads are.

    Args:
        points: (N, 2) xy of all heads of an image, pixels.
        size: (width, height) of the image, pixels.
        at: (M, 2) xy to describe; None takes ``points``.

    Returns:
        (M, 3) float64: x and y from the centre of the image, per longer side; and the spacing, the logarithm of the
        mean distance to the three nearest other heads, relative to its mean over the image and at most 1 away from
        it (0 where there are no two heads).
    """
    points = np.asarray(points, np.float64).reshape(-1, 2)
    wanted = points if at is None else np.asarray(at, np.float64).reshape(-1, 2)
    longer = max(size)
    spacing = np.zeros(len(wanted))
    if len(points) > 1:
        tree, number = cKDTree(points), min(_NEIGHBOURS, len(points) - 1)
        own = _log_spacing(tree, points, number, skipped=1)
        spacing = (own if at is None else _log_spacing(tree, wanted, number, skipped=0)) - own.mean()
    place = (wanted - np.asarray(size) / 2) / longer
    return np.column_stack([place, spacing.clip(-_MOST_SPACING, _MOST_SPACING)])


def _log_spacing(tree: cKDTree, at: np.ndarray, number: int, skipped: int) -> np.ndarray:
    distances = tree.query(at, k=number + skipped)[0].reshape(len(at), -1)[:, skipped:]
    return np.log(np.maximum(distances.mean(axis=1), 1.0))


def two_nearest(centres: np.ndarray, values: np.ndarray, points: np.ndarray, leave_out: bool = False) -> np.ndarray:
    """Interpolate linearly between the two closest presets, by the distances to them (Mask Focal Loss, section 3.2).

    Args:
        centres: (K, 2) xy of the presets; one is enough and is then taken everywhere.
        values: (K, 2) what the presets have: width and height.
        points: (N, 2) xy.
        leave_out: The points are the presets, and each is to follow from the others: two at least.

    Returns:
        (N, 2) float64.
    """
    centres, values = np.asarray(centres, np.float64), np.asarray(values, np.float64)
    if len(centres) - leave_out == 1:
        return values[::-1].copy() if leave_out else np.repeat(values, len(points), axis=0)
    distances, nearest = _nearest_two(centres, np.asarray(points, np.float64).reshape(-1, 2), leave_out)
    total = distances.sum(axis=1)
    share = np.where(total > 0, distances[:, 0] / np.where(total > 0, total, 1), 0.5)[:, None]
    return (1 - share) * values[nearest[:, 0]] + share * values[nearest[:, 1]]


def _nearest_two(centres: np.ndarray, points: np.ndarray, leave_out: bool) -> tuple[np.ndarray, np.ndarray]:
    """(N, 2) distances to the two closest of the presets, and these."""
    if len(centres) > _FEW:
        distances, nearest = cKDTree(centres).query(points, k=2 + leave_out)
        if leave_out:  # of presets at one place, any may come first
            others = np.argsort(nearest == np.arange(len(points))[:, None], axis=1, kind='stable')[:, :2]
            distances, nearest = (np.take_along_axis(table, others, axis=1) for table in (distances, nearest))
        return distances, nearest
    apart = np.hypot(points[:, :1] - centres[:, 0], points[:, 1:] - centres[:, 1])
    if leave_out:
        np.fill_diagonal(apart, np.inf)
    rows, first = np.arange(len(apart)), apart.argmin(axis=1)
    nearest = apart[rows, first]
    apart[rows, first] = np.inf
    second = apart.argmin(axis=1)
    return np.stack([nearest, apart[rows, second]], axis=1), np.stack([first, second], axis=1)


@dataclass(frozen=True)
class Belief:
    """What is believed of a scene before any preset, all in logarithms of size.

    Attributes:
        down: How much heads grow per longer side down the image, and
        down_deviation: how far that may be wrong: cameras look down on most crowds.
        across_deviation: The same from left to right, where nothing is expected.
        bend: Deviation of the sizes from a plane, smooth over
        reach: this part of the longer side.
        spacing: How sizes go with the spacing of heads, and
        spacing_deviation: how far that may be wrong.
        noise: Deviation of a preset from what the place says: people and hands differ.
    """

    down: float = 2.5
    down_deviation: float = 3.5
    across_deviation: float = 0.5
    bend: float = 0.25
    reach: float = 0.3
    spacing: float = 0.0
    spacing_deviation: float = 0.0
    noise: float = 0.15


_LEVEL, _LEVEL_DEVIATION = -3.5, 3.0
"""A head is some thirtieth of an image, or any other part."""


class PerspectiveModel:
    """The logarithm of a head's size as a plane over the image, bent a little, and a part of its spacing.

    A Gaussian process with a linear mean: it needs no preset at all, follows many, and says how sure it is. Presets
    that contradict the others count less (Student noise, by iterated weights) and at last nothing: a slip of the hand
    does not move the rest.

    Args:
        places: (K, 3) of the presets, as :func:`places` gives them.
        sizes: (K,) logarithms.
        belief: What is known before.

    Attributes:
        weights: (K,) 0 to 1, how far each preset is believed.
        outliers: (K,) bool, presets that the others contradict, never half of them; they are not followed at all.
        residuals: (K,) leave-one-out errors: the size less what the others say of it.
    """

    def __init__(self, places: np.ndarray, sizes: np.ndarray, belief: Belief) -> None:
        self._belief, self._places = belief, np.asarray(places, np.float64).reshape(-1, 3)
        self.weights = np.ones(len(self._places))
        self._covariance = self._between(self._places, self._places)
        offsets = np.asarray(sizes, np.float64) - self._expected(self._places)
        self.outliers = np.zeros(len(offsets), bool)
        self._solve(offsets)
        if len(offsets) > 2:
            for _ in range(_STEPS):
                before, self.weights = self.weights, np.minimum(1.0, (_TAILS + 1) / (_TAILS + self._surprise))
                if (before == self.weights).all():
                    break
                self._solve(offsets)
            if (self.weights < _OUTLIER).mean() < 0.5:
                self.outliers = self.weights < _OUTLIER
                self.weights[self.outliers] = _NOTHING
            if self.outliers.any():
                self._solve(offsets)

    def _solve(self, offsets: np.ndarray) -> None:
        """Follow the presets as far as their weights say, and see how each looks from the others."""
        noise = self._belief.noise**2 / self.weights
        self._inverse = np.linalg.inv(self._covariance + np.diag(noise))
        self._solved = self._inverse @ offsets
        variance = 1 / np.diag(self._inverse)
        self.residuals = self._solved * variance
        self._surprise = self.residuals**2 / ((variance - noise).clip(0) + self._belief.noise**2)

    def _expected(self, places: np.ndarray) -> np.ndarray:
        return _LEVEL + self._belief.down * places[:, 1] + self._belief.spacing * places[:, 2]

    def _terms(self, places: np.ndarray) -> np.ndarray:
        belief = self._belief
        deviations = (_LEVEL_DEVIATION, belief.across_deviation, belief.down_deviation, belief.spacing_deviation)
        return np.column_stack([np.ones(len(places)), places]) * deviations

    def _between(self, places: np.ndarray, others: np.ndarray) -> np.ndarray:
        """(N, M) covariance of the sizes, before any preset."""
        apart = ((places[:, None, :2] - others[None, :, :2]) ** 2).sum(axis=2)
        bend = self._belief.bend**2 * np.exp(apart / (-2 * self._belief.reach**2))
        return self._terms(places) @ self._terms(others).T + bend

    def predict(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Sizes at (N, 3) ``places``: (N,) logarithms and their (N,) standard deviations, that of one head included."""
        known = self._between(places, self._places)
        terms = self._terms(places)
        before = (terms**2).sum(axis=1) + self._belief.bend**2 + self._belief.noise**2
        variance = before - ((known @ self._inverse) * known).sum(axis=1)
        return self._expected(places) + known @ self._solved, np.sqrt(variance.clip(self._belief.noise**2))

    def covariance(self, places: np.ndarray) -> np.ndarray:
        """(N, N) covariance of what is not known yet at ``places``, without the noise of single heads."""
        known = self._between(places, self._places)
        return self._between(places, places) - known @ self._inverse @ known.T

    @property
    def noise(self) -> float:
        """Standard deviation of one head from the model."""
        return self._belief.noise
