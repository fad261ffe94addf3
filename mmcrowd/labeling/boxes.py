"""A box for every head of a scene, from boxes drawn around a few of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from .perspective import Belief, PerspectiveModel, places, two_nearest

METHODS = ('combined', 'perspective', 'two_nearest')
"""How sizes follow from presets: the combination chosen by leave-one-out errors, or one of its parts."""

FAR = 0.35
"""Relative deviation of a size from which on it is called extrapolated."""
_PARTS = ('perspective', 'perspective and spacing', 'two nearest')
_BELIEFS = (Belief(), Belief(spacing=0.2, spacing_deviation=0.15))
_BEFORE = np.array([1.0, 1.0, 0.05])
"""What the parts weigh before any error is known."""
_PATIENCE = 0.4
"""Difference of summed leave-one-out errors that counts e-fold in the combination."""
_ASPECT = -0.15
"""Logarithm of width per height of a head, as good as one preset."""
_MOST_BEYOND = 3.0
"""A head is at most so many times larger than the largest preset, or smaller than the smallest."""
_CANDIDATES = 400


@dataclass
class MarkedImage:
    """An image with its heads, and the boxes that somebody drew.

    Attributes:
        points: (N, 2) float64 xy, pixels.
        presets: (K, 4) float64 xyxy, pixels.
        size: (width, height), pixels.
    """

    points: np.ndarray
    presets: np.ndarray
    size: tuple[int, int]

    def __post_init__(self) -> None:
        self.points = np.asarray(self.points, np.float64).reshape(-1, 2)
        self.presets = np.asarray(self.presets, np.float64).reshape(-1, 4)

    @cached_property
    def described(self) -> np.ndarray:
        """(N, 3) where the heads are; see :func:`places`."""
        return places(self.points, self.size)

    @cached_property
    def matched(self) -> np.ndarray:
        """(K,) heads of the presets; see :func:`match_presets`."""
        return match_presets(self.points, self.presets)


@dataclass
class Estimate:
    """Boxes of the heads of one image.

    Attributes:
        boxes: (N, 4) float64 xyxy, clipped to the image; heads outside it keep theirs.
        deviation: (N,) relative standard deviation of the size; 0 where the box is a preset.
        extrapolated: (N,) bool, the size is little more than a guess: more presets are needed near there.
        preset: (N,) int64, the preset that is the box of this head, or -1.
    """

    boxes: np.ndarray
    deviation: np.ndarray
    extrapolated: np.ndarray
    preset: np.ndarray


def preset_faults(presets: np.ndarray, size: tuple[int, int]) -> dict[int, str]:
    """What is wrong with presets (K, 4) xyxy in an image of (width, height): row -> a phrase; usually nothing."""
    faults = {}
    for row, (x1, y1, x2, y2) in enumerate(np.asarray(presets, np.float64).reshape(-1, 4).tolist()):
        if not np.isfinite([x1, y1, x2, y2]).all() or x2 <= x1 or y2 <= y1:
            faults[row] = 'has no area'
        elif not (0 <= (x1 + x2) / 2 <= size[0] and 0 <= (y1 + y2) / 2 <= size[1]):
            faults[row] = f'is outside the image of {size[0]}x{size[1]} pixels'
    return faults


def match_presets(points: np.ndarray, presets: np.ndarray) -> np.ndarray:
    """Find the head that each preset is the box of: of the heads inside it, the nearest to its centre; each once.

    Args:
        points: (N, 2) xy, pixels.
        presets: (K, 4) xyxy, pixels.

    Returns:
        (K,) int64 indices of heads, -1 for a preset without head.
    """
    found, taken = np.full(len(presets), -1, np.int64), set()
    pairs = []
    for row, (x1, y1, x2, y2) in enumerate(presets):
        inside = ((points >= (x1, y1)) & (points <= (x2, y2))).all(axis=1).nonzero()[0]
        away = (points[inside] * 2 - (x1 + x2, y1 + y2)) / (x2 - x1, y2 - y1)
        pairs += zip((away**2).sum(axis=1).tolist(), [row] * len(inside), inside.tolist(), strict=True)
    for _, row, head in sorted(pairs):
        if found[row] < 0 and head not in taken:
            found[row] = head
            taken.add(head)
    return found


@dataclass
class _Known:
    """The presets of a scene: (K, 3) places, (K, 2) sides per longer side of the image, (K, 2) centres from the points
    of their heads per side."""

    places: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    sides: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    shifts: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))

    @classmethod
    def of(cls, images: Sequence[MarkedImage]) -> _Known:
        parts = []
        for image in images:
            if len(image.presets):
                heads, alone = image.matched, image.matched < 0
                sides = image.presets[:, 2:] - image.presets[:, :2]
                centres = (image.presets[:, :2] + image.presets[:, 2:]) / 2
                at, described = centres.copy(), np.zeros((len(heads), 3))
                at[~alone], described[~alone] = image.points[heads[~alone]], image.described[heads[~alone]]
                if alone.any():
                    described[alone] = places(image.points, image.size, at[alone])
                parts.append((described, sides / max(image.size), (centres - at) / sides))
        return cls(*map(np.concatenate, zip(*parts, strict=True))) if parts else cls()


def _log_size(sides: np.ndarray) -> np.ndarray:
    return np.log(sides).mean(axis=-1)


class SceneSizes:
    """Sizes of heads in one scene: images of one camera at rest, or one image.

    Args:
        images: The images with presets; others add nothing. Presets must be without :func:`preset_faults`.
        method: One of :data:`METHODS`.

    Attributes:
        presets: How many there are.
        shares: Part of the combination -> its weight, 0 to 1.
        errors: (K,) what the others say of the size of each preset, relative to it, less 1, in the order of the images;
            NaN for a single one.
        outliers: (K,) bool, presets that the others contradict; the perspective does not follow them.

    Raises:
        ValueError: Another method.
    """

    def __init__(self, images: Sequence[MarkedImage], method: str = 'combined') -> None:
        if method not in METHODS:
            raise ValueError(f'method must be one of {METHODS}, found {method!r}')
        self._known, self._method = _Known.of(images), method
        self.presets = len(self._known.sides)
        sizes = _log_size(self._known.sides)
        self._models = [PerspectiveModel(self._known.places, sizes, belief) for belief in _BELIEFS]
        residuals = np.stack([*(model.residuals for model in self._models), self._two_nearest_residuals(sizes)])
        wanted = dict(combined=(1, 1, 1), perspective=(1, 0, 0), two_nearest=(0, 0, 1))[method]
        weights = _weigh(residuals) * wanted
        self._shares = weights / weights.sum()
        self.shares = dict(zip(_PARTS, self._shares.tolist(), strict=True))
        self.errors = np.expm1(-(self._shares @ residuals))
        self.outliers, trust = self._models[0].outliers, self._models[0].weights
        aspects = np.log(self._known.sides[:, 0] / self._known.sides[:, 1])
        self._aspect = (trust @ aspects + _ASPECT) / (trust.sum() + 1)
        self._shift = np.median(self._known.shifts, axis=0) if self.presets else np.zeros(2)

    def _two_nearest_residuals(self, sizes: np.ndarray) -> np.ndarray:
        if self.presets < 2:
            return np.full(self.presets, np.nan)
        centres = self._known.places[:, :2]
        return sizes - _log_size(two_nearest(centres, self._known.sides, centres, leave_out=True))

    def estimate(self, image: MarkedImage) -> Estimate:
        """Boxes of all heads of an image of the scene; heads with a preset have that box.

        Raises:
            ValueError: The scene has no preset.
        """
        if not self.presets:
            raise ValueError('the scene has no preset: draw at least one box')
        sides, deviation = self._sides(image.described)
        sides = np.maximum(sides * max(image.size), 1.0)
        centres = image.points + self._shift * sides
        boxes = np.concatenate([centres - sides / 2, centres + sides / 2], axis=1)
        heads = image.matched
        preset = np.full(len(boxes), -1, np.int64)
        preset[heads[heads >= 0]] = (heads >= 0).nonzero()[0]
        boxes[preset >= 0] = image.presets[preset[preset >= 0]]
        deviation[preset >= 0] = 0
        return Estimate(clip_boxes(boxes, image.points, image.size), deviation, deviation > FAR, preset)

    def _sides(self, described: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(N, 2) width and height per longer side, and the (N,) relative deviation of the size."""
        predicted = [model.predict(described) for model in self._models]
        nearest = two_nearest(self._known.places[:, :2], self._known.sides, described[:, :2])
        if self._method == 'two_nearest':
            return nearest, predicted[0][1]
        sizes = self._shares @ np.stack([*(mean for mean, _ in predicted), _log_size(nearest)])
        trusted = _log_size(self._known.sides[~self.outliers])
        beyond = np.log(_MOST_BEYOND)
        sizes = sizes.clip(trusted.min() - beyond, trusted.max() + beyond)
        sides = np.exp(sizes[:, None] + np.array([self._aspect, -self._aspect]) / 2)
        return sides, np.minimum(predicted[0][1], predicted[1][1])

    def suggest(self, image: MarkedImage, number: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Find the heads whose boxes would tell most: where a preset lowers the variance of all sizes most.

        Args:
            image: Of the scene.
            number: How many at most; each one takes those before it as drawn.

        Returns:
            (M,) int64 heads of the image, the best first; and (M,) the part of the deviation of all sizes, 0 to 1,
            that is left after each.
        """
        free = np.setdiff1d(np.arange(len(image.points)), image.matched)
        if len(free) > _CANDIDATES:
            free = np.sort(np.random.default_rng(0).choice(free, _CANDIDATES, replace=False))
        number = min(number, len(free))
        model = self._models[0]
        unknown = model.covariance(image.described[free])
        before = np.trace(unknown)
        chosen, left = [], []
        for _ in range(number):
            gain = (unknown**2).sum(axis=0) / (np.diag(unknown) + model.noise**2)
            gain[chosen] = -1
            best = int(gain.argmax())
            chosen.append(best)
            unknown = unknown - np.outer(unknown[:, best], unknown[best]) / (unknown[best, best] + model.noise**2)
            left.append(np.sqrt(max(np.trace(unknown), 0.0) / before))
        return free[chosen].astype(np.int64), np.array(left)


def _weigh(residuals: np.ndarray) -> np.ndarray:
    """(3,) weights of the parts, by their (3, K) leave-one-out errors."""
    if residuals.shape[1] < 2:
        return _BEFORE
    errors = np.minimum(np.abs(residuals), 1.0).sum(axis=1)
    return _BEFORE * np.exp((errors.min() - errors) / _PATIENCE).clip(1e-9)


def clip_boxes(boxes: np.ndarray, points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Clip boxes (N, 4) xyxy to an image of (width, height); those that would lose their whole area stay as they are,
    as do those of heads (N, 2) outside the image."""
    limits = np.array([*size, *size], np.float64)
    clipped = np.clip(boxes, 0, limits)
    inside = ((points >= 0) & (points <= size)).all(axis=1) & (clipped[:, 2:] > clipped[:, :2]).all(axis=1)
    return np.where(inside[:, None], clipped, boxes)
