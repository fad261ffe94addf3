"""A synthetic crowd that walks: frames of a video whose truth is known, in pixels and in metres."""

from functools import cached_property

import numpy as np

from .people import ELEVATIONS, person_bank
from .scene import EYE_METRES, Camera, Scene, _annotate, _paint
from .surroundings import paint_surroundings

_NEAR, _FAR = 3.5, 18.0
_ASIDE = 11.0


class WalkingCrowd:
    """People who walk straight on over a flat ground before a camera that stands still.

    The ground has metres ``(x, z)``: to the right of the camera, and ahead of it. People stand on 22 x 14.5 metres, of
    which the camera sees a part; who leaves at one end comes in at the other. They do not give way to each other.

    Args:
        people: How many there are, seen or not.
        size: (width, height), pixels.
        fps: Frames per second.
        seed: Another seed gives other people on other ways.
        above: Metres of the camera above the plane of heads.
    """

    def __init__(
        self,
        people: int = 120,
        size: tuple[int, int] = (640, 480),
        fps: float = 25.0,
        seed: int = 0,
        above: float = 4.5,
    ) -> None:
        self.size, self.fps, self.seed = size, fps, seed
        width, height = size
        self.camera = Camera(focal=0.9 * width, horizon=-0.12 * height, above=above, centre=width / 2)
        self.camera_height, self.head_height = above + EYE_METRES, EYE_METRES
        rng = np.random.default_rng([seed, 11])
        self._start = rng.uniform((-_ASIDE, _NEAR), (_ASIDE, _FAR), (people, 2))
        heading = rng.choice([0.0, np.pi], people) + rng.normal(0, 0.35, people)
        self._speed = rng.normal(1.3, 0.2, people)[:, None] * np.stack([np.cos(heading), np.sin(heading)], axis=1)
        self._grown = np.clip(rng.normal(1, 0.06, people), 0.85, 1.15)
        # Facing the camera, away from it, to a side.
        ahead, aside = self._speed[:, 1], np.abs(self._speed[:, 0])
        self._facing = np.where(aside > np.abs(ahead), 2, np.where(ahead > 0, 1, 0))
        self._person = rng.integers(0, 24, people)

    def ground(self, frame: int) -> np.ndarray:
        """Where everybody stands at a frame: ``(people, 2)`` metres."""
        low, span = np.array([-_ASIDE, _NEAR]), np.array([2 * _ASIDE, _FAR - _NEAR])
        return low + (self._start + frame / self.fps * self._speed - low) % span

    def to_pixels(self, ground: np.ndarray, height: float = EYE_METRES) -> np.ndarray:
        """Pixels ``(N, 2)`` of points ``height`` metres above places ``(N, 2)`` on the ground."""
        x, z = np.asarray(ground, np.float64).T
        column = self.camera.centre + self.camera.focal * x / z
        return np.stack([column, self.camera.row(z, EYE_METRES - height)], axis=1)

    def render(self, frame: int) -> Scene:
        """Paint a frame; its heads are those of which at least a third can be seen."""
        ground = self.ground(frame)
        order = np.argsort(-ground[:, 1], kind='stable')
        heads, depth = self.to_pixels(ground)[order], ground[order, 1]
        sizes = self.camera.head_size(depth) * self._grown[order]
        img, bank = self._background.copy(), person_bank(self.seed, 40.0)
        angle = np.degrees(np.arctan2(0.55 * self.size[1] - self.camera.horizon, self.camera.focal))
        elevation = int(np.argmin(np.abs(np.array(ELEVATIONS) - angle)))
        chosen = zip(self._facing[order], self._person[order], sizes, strict=True)
        sprites = [bank.sprite(elevation, int(facing), int(person), float(size)) for facing, person, size in chosen]
        people = np.column_stack([heads, sizes, depth])
        owner = _paint(np.random.default_rng(0), img, people, sprites, [])
        return Scene(img, *_annotate(people, sprites, owner, 1 / 3))

    @cached_property
    def _background(self) -> np.ndarray:
        wall = self.camera.row(1.05 * _FAR, EYE_METRES)
        rng = np.random.default_rng([self.seed, 12])
        vanish = (self.camera.centre, self.camera.horizon)
        return paint_surroundings(rng, *self.size, wall, vanish, float(self.camera.head_size(_FAR)))
