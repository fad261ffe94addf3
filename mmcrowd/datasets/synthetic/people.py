"""Sprites of people for the synthetic crowds: drawn once, large, then shrunk to the size the scene asks for."""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np

HEAD_HALF_WIDTH = 0.39
"""Half width of a head as a fraction of its height; half the height is 0.5 by definition."""
ELEVATIONS = (8.0, 34.0, 56.0)
"""Angles (degrees) from which people are drawn: eye level, first floor, high mast."""
FACINGS = ('front', 'back', 'side')
_SIZE_STEP = 1.07
_SKIN = np.array([(170, 190, 225), (146, 174, 218), (122, 154, 206), (98, 134, 190), (66, 98, 150), (40, 62, 102)])
_HAIR = np.array(
    [
        (18, 16, 16),
        (26, 24, 30),
        (30, 38, 54),
        (36, 56, 86),
        (60, 96, 140),
        (96, 160, 206),
        (132, 132, 134),
        (210, 212, 214),
        (34, 60, 150),
    ]
)
_HAIR_SHARE = np.array([0.24, 0.16, 0.16, 0.13, 0.08, 0.07, 0.07, 0.05, 0.04])

# Red, orange, yellow, green, denim, navy, violet, pink: shares by eye, from photographs of crowds in the street.
_HUES = np.array([178, 12, 26, 62, 104, 115, 140, 165])
_HUE_SHARE = np.array([0.22, 0.07, 0.08, 0.1, 0.24, 0.16, 0.05, 0.08])


class Sprite(NamedTuple):
    """A person at one size, ready to be blended.

    Attributes:
        colour: (h, w, 3) uint8 BGR, multiplied by alpha.
        keep: (h, w, 3) uint8, 255 - alpha: the share of the picture behind that stays.
        solid: (h, w) bool, pixels that hide what is behind.
        head: (h, w) bool, visible pixels of the head ellipse (hair and hat within it included).
        centre: (x, y) of the head ellipse in sprite pixels.
        half: half (width, height) of the head ellipse, pixels.
    """

    colour: np.ndarray
    keep: np.ndarray
    solid: np.ndarray
    head: np.ndarray
    centre: tuple[float, float]
    half: tuple[float, float]


class _Canvas:
    """A BGRA drawing surface measured in head heights, origin at the head's centre, y down."""

    WIDTH, ABOVE, BELOW = 4.4, 1.7, 8.2

    def __init__(self, unit: int) -> None:
        self.unit = unit
        shape = (round((self.ABOVE + self.BELOW) * unit), round(self.WIDTH * unit))
        self.bgr = np.zeros((*shape, 3), np.uint8)
        self.alpha = np.zeros(shape, np.uint8)

    def to_px(self, points: np.ndarray) -> np.ndarray:
        """(..., 2) head units -> pixels."""
        return (np.asarray(points, np.float64) + (self.WIDTH / 2, self.ABOVE)) * self.unit

    def polygon(self, points, colour, alpha: int = 255) -> None:
        fixed = np.round(self.to_px(points) * 16 - 8).astype(np.int32)
        cv2.fillPoly(self.bgr, [fixed], tuple(map(float, colour)), cv2.LINE_AA, 4)
        cv2.fillPoly(self.alpha, [fixed], alpha, cv2.LINE_8, 4)

    def ellipse(self, x, y, a, b, colour, start: float = 0, end: float = 360, alpha: int = 255) -> None:
        t = np.radians(np.linspace(start, end, 40))
        self.polygon(np.stack([x + a * np.cos(t), y + b * np.sin(t)], 1), colour, alpha)

    def limb(self, points, widths, colour) -> None:
        """A tube through ``points`` with half width ``widths`` at each of them, with round ends."""
        points, widths = np.asarray(points, float), np.asarray(widths, float)
        direction = np.gradient(points, axis=0)
        normal = np.stack([-direction[:, 1], direction[:, 0]], 1)
        normal *= (widths / np.maximum(np.linalg.norm(normal, axis=1), 1e-6))[:, None]
        self.polygon(np.concatenate([points + normal, (points - normal)[::-1]]), colour)
        self.ellipse(*points[0], widths[0], widths[0], colour)
        self.ellipse(*points[-1], widths[-1], widths[-1], colour)


def _cloth_colour(rng: np.random.Generator) -> np.ndarray:
    kind = rng.random()
    if kind < 0.3:
        value = rng.uniform(12, 70)
        return value + rng.uniform(-8, 8, 3) + 8
    if kind < 0.5:
        return rng.uniform(150, 235) + rng.uniform(-12, 12, 3)
    if kind < 0.62:
        return rng.uniform(0.75, 1.1) * _SKIN[rng.integers(0, 4)]
    hue = rng.choice(_HUES, p=_HUE_SHARE) + rng.integers(-6, 7)
    hsv = np.uint8([[[hue % 180, rng.integers(50, 190), rng.integers(40, 205)]]])
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)[0, 0].astype(float)


def _draw_body(canvas: _Canvas, rng: np.random.Generator, skin: np.ndarray, facing: str, fall: float) -> np.ndarray:
    """Legs, torso, arms and neck. ``fall`` is the cosine of the elevation. Returns the colour of the clothes."""

    def low(y: float) -> float:
        return 0.45 + (y - 0.45) * fall

    top, bottom = _cloth_colour(rng), _cloth_colour(rng) * 0.75
    wide = (0.74 if facing == 'side' else 1.0) * rng.uniform(0.88, 1.12)
    drop = rng.uniform(0.76, 0.9)
    _draw_legs(canvas, rng, bottom, low, fall)
    if facing == 'back':
        _draw_arms(canvas, rng, skin, top, (0.98 * wide, low(drop + 0.3)), low, fall)
    torso = [(-0.2, 0.42), (-0.62 * wide, low(drop - 0.12)), (-0.98 * wide, low(drop + 0.2))]
    torso += [(-0.82 * wide, low(2.0)), (-0.74 * wide, low(3.5))]
    canvas.polygon(torso + [(-x, y) for x, y in torso[::-1]], top)
    canvas.ellipse(0, low(drop + 0.12), 0.98 * wide, 0.16 + 0.3 * (1 - fall), top * 0.97 + 6)
    _decorate(canvas, rng, top, wide, facing, low)
    if facing != 'back':
        _draw_arms(canvas, rng, skin, top, (0.98 * wide, low(drop + 0.3)), low, fall)
    neck = [(-0.21, 0.25), (0.21, 0.25), (0.25, low(0.78)), (0, low(0.95)), (-0.25, low(0.78))]
    canvas.polygon(neck, skin * (0.82 if facing == 'back' else 0.72))
    return top


def _draw_legs(canvas: _Canvas, rng: np.random.Generator, colour: np.ndarray, low: Callable, fall: float) -> None:
    canvas.ellipse(rng.uniform(-0.5, 0.5), low(6.75), 1.2, 0.25 + 0.35 * (1 - fall), (0, 0, 0), alpha=90)
    stride = rng.uniform(0.0, 0.35)
    for side in (-1, 1):
        foot = side * (0.3 + stride * rng.random())
        joints = [(side * 0.3, low(3.2)), (side * 0.32, low(4.9)), (foot, low(6.6))]
        canvas.limb(joints, [0.36, 0.27, 0.2], colour * rng.uniform(0.85, 1.1))
        canvas.ellipse(foot + 0.06 * side, low(6.7), 0.24, 0.12, (30, 30, 36))


def _draw_arms(
    canvas: _Canvas,
    rng: np.random.Generator,
    skin: np.ndarray,
    top: np.ndarray,
    shoulder: tuple[float, float],
    low: Callable,
    fall: float,
) -> None:
    """Two arms from ``shoulder`` and its mirror image; one in fourteen is raised."""
    sleeve, bare = top * rng.uniform(0.8, 0.95), rng.random() < 0.5
    for side in (-1, 1):
        start = np.array([side * (shoulder[0] - 0.16), shoulder[1]])
        if rng.random() < 0.07:
            elbow = start + (side * 0.45, -0.35)
            hand = elbow + (-side * rng.uniform(-0.2, 0.3), -0.95)
        else:
            elbow = np.array([side * (shoulder[0] + rng.uniform(-0.02, 0.16)), low(2.25)])
            hand = elbow + (-side * rng.uniform(0.0, 0.9), rng.uniform(-0.5, 1.1) * fall)
        canvas.limb([start, elbow], [0.24, 0.19], sleeve)
        canvas.limb([elbow, hand], [0.17, 0.12], skin * 0.92 if bare else sleeve)
        canvas.ellipse(*hand, 0.15, 0.17, skin * 0.95)


def _decorate(
    canvas: _Canvas, rng: np.random.Generator, top: np.ndarray, wide: float, facing: str, low: Callable
) -> None:
    """Stripes, prints, open jackets and backpacks."""
    kind, other = rng.random(), _cloth_colour(rng)
    half = 0.72 * wide
    if kind < 0.14:
        for y in np.arange(1.15, 3.2, rng.uniform(0.3, 0.5)):
            canvas.polygon([(-half, low(y)), (half, low(y)), (half, low(y + 0.14)), (-half, low(y + 0.14))], other)
    elif kind < 0.3 and facing == 'front':
        canvas.polygon([(-0.22, low(0.75)), (0.22, low(0.75)), (0.3, low(3.3)), (-0.3, low(3.3))], other)
    elif kind < 0.45:
        y = rng.uniform(1.3, 1.9)
        canvas.ellipse(rng.uniform(-0.15, 0.15), low(y), rng.uniform(0.2, 0.4), 0.3 * rng.uniform(0.4, 1), other)
    elif kind < 0.62 and facing != 'front':
        pack = [
            (-0.55, low(1.0)),
            (-0.4, low(0.8)),
            (0.4, low(0.8)),
            (0.55, low(1.0)),
            (0.58, low(2.5)),
            (-0.58, low(2.5)),
        ]
        canvas.polygon(pack, other * 0.8)
        canvas.polygon([(-0.4, low(1.6)), (0.4, low(1.6)), (0.42, low(2.35)), (-0.42, low(2.35))], other * 0.6)


def _draw_head(
    canvas: _Canvas, rng: np.random.Generator, skin: np.ndarray, facing: str, elevation: float, cloth: np.ndarray
) -> None:
    """Hair, face and headgear; the head itself is the ellipse with half axes (HEAD_HALF_WIDTH, 0.5)."""
    half = HEAD_HALF_WIDTH
    hair = _HAIR[rng.choice(len(_HAIR), p=_HAIR_SHARE)] * rng.uniform(0.8, 1.2)
    bald, long = rng.random() < 0.09, rng.random() < 0.36
    turn = {'front': rng.uniform(-0.1, 0.1), 'side': rng.choice((-1, 1)) * rng.uniform(0.14, 0.22), 'back': 0.0}[facing]
    rise = np.sin(np.radians(elevation))
    if long and not bald:
        drop = rng.uniform(0.6, 1.3)
        canvas.polygon(
            [
                (-half, -0.1),
                (half, -0.1),
                (half + 0.08, drop),
                (0.2, drop + 0.1),
                (-0.2, drop + 0.1),
                (-half - 0.08, drop),
            ],
            hair * 0.85,
        )
        if facing != 'back':
            canvas.polygon([(-0.18, 0.3), (0.18, 0.3), (0.22, 0.75), (-0.22, 0.75)], skin * 0.75)
    canvas.ellipse(0, 0, half, 0.5, skin * 0.9 if bald else hair)
    if not long and facing != 'side':
        for side in (-1, 1):
            canvas.ellipse(side * (half - 0.01), 0.08, 0.06, 0.1, skin * 0.85)
    if facing == 'back':
        if not long and not bald:
            canvas.ellipse(0, 0.36, 0.24, 0.14, skin * 0.8)
    else:
        _draw_face(canvas, rng, skin, hair, turn, 0.1 + 0.24 * rise, 0.4 - 0.14 * rise)
    _draw_headgear(canvas, rng, turn, facing, rise, cloth, skin)


def _draw_face(canvas: _Canvas, rng, skin, hair, turn: float, y: float, tall: float) -> None:
    wide = HEAD_HALF_WIDTH - 0.05 - 0.35 * abs(turn)
    canvas.ellipse(turn * 0.9, y, wide, tall, skin)
    canvas.ellipse(turn * 0.9 + 0.05, y + 0.45 * tall, wide * 0.7, tall * 0.45, skin * 0.95)
    if rng.random() < 0.2:
        canvas.ellipse(turn * 1.1, y + 0.62 * tall, wide * 0.75, tall * 0.36, hair * 0.6 + skin * 0.35)
    spread, eye = 0.16 * (1 - abs(turn)), y - 0.22 * tall
    glasses = rng.random() < 0.2
    for side in (-1, 1):
        x = turn * 1.4 + side * spread
        canvas.ellipse(
            x, eye, 0.1 if glasses else 0.065, 0.065 if glasses else 0.035, (24, 24, 28) if glasses else skin * 0.28
        )
        canvas.ellipse(x, eye - 0.09, 0.085, 0.022, hair * 0.7 + skin * 0.1)
    canvas.ellipse(turn * 1.6, y + 0.18 * tall, 0.05, 0.1, skin * 0.8)
    canvas.ellipse(turn * 1.4, y + 0.55 * tall, 0.11, 0.03, skin * np.array([0.55, 0.5, 0.75]))


def _draw_headgear(canvas: _Canvas, rng, turn: float, facing: str, rise: float, cloth, skin) -> None:
    kind, colour = rng.random(), _cloth_colour(rng)
    edge = -0.1 + 0.18 * rise
    half = HEAD_HALF_WIDTH
    if kind < 0.1:
        canvas.ellipse(0, edge, half + 0.02, 0.42 + edge, colour, 180, 360)
        if facing != 'back':
            canvas.ellipse(turn * 2.2, edge + 0.03, 0.34, 0.07 + 0.12 * rise, colour * 0.65)
    elif kind < 0.15:
        canvas.ellipse(0, edge + 0.06, half + 0.02, 0.57 + edge, colour, 180, 360)
        canvas.polygon([(-half, edge), (half, edge), (half, edge + 0.12), (-half, edge + 0.12)], colour * 0.8)
    elif kind < 0.2:
        straw = colour if rng.random() < 0.4 else np.array([130, 190, 215]) * rng.uniform(0.7, 1.1)
        canvas.ellipse(0, edge, 0.72, 0.13 + 0.4 * rise, straw * 0.85)
        canvas.ellipse(0, edge - 0.02, half - 0.03, 0.42, straw, 180, 360)
    elif kind < 0.25:
        scarf = cloth if rng.random() < 0.3 else colour
        canvas.ellipse(0, 0.04, half + 0.05, 0.55, scarf)
        canvas.ellipse(0, 0.6, 0.5, 0.3, scarf * 0.9)
        if facing != 'back':
            canvas.ellipse(turn, 0.08 + 0.2 * rise, 0.27 - abs(turn) * 0.3, 0.33 - 0.1 * rise, skin)
            for side in (-1, 1):
                canvas.ellipse(turn * 1.3 + side * 0.12, 0.03 + 0.2 * rise, 0.06, 0.03, skin * 0.3)


def _shade(canvas: _Canvas, rng: np.random.Generator, head: np.ndarray) -> np.ndarray:
    """Light from one side and folds on the body, a rounder shade on the head. Returns (h, w, 3) uint8."""
    height, width = canvas.alpha.shape
    light = rng.uniform(-0.22, 0.22)
    folds = cv2.resize(
        rng.uniform(-0.2, 0.2, (20, 8)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC
    )
    x = (np.arange(width, dtype=np.float32) - canvas.to_px((0, 0))[0]) / canvas.unit
    y = ((np.arange(height, dtype=np.float32) - canvas.to_px((0, 0))[1]) / canvas.unit)[:, None]
    body = (1 + light * x - 0.03 * np.maximum(y - 1, 0)) * (1 + folds)
    ball = 1.02 + 1.4 * light * x - 0.28 * y - 0.75 * (x * x + y * y * 0.6) + 0.35 * folds
    # A chin throws its shadow on neck and chest; without it heads melt into shirts of the same colour.
    body *= 1 - 0.35 * np.exp(-((x / 0.4) ** 2 + ((y - 0.6) / 0.22) ** 2))
    gain = np.where(head, ball, body)
    return np.clip(canvas.bgr * gain[..., None], 0, 255).astype(np.uint8)


class PersonBank:
    """A population of drawn people, the same for a given seed in every process.

    Drawings and sizes are made when first asked for and kept.

    Args:
        seed (int): Another seed gives other people.
        max_head (float): Largest head height (pixels) that will be asked for.
        population (int): Number of different people per elevation and facing.
    """

    def __init__(self, seed: int, max_head: float, population: int = 24) -> None:
        self.seed, self.population = seed, population
        self.unit = int(np.clip(round(1.5 * max_head), 32, 160))
        self._masters: dict[tuple[int, int, int], tuple] = {}
        self._sprites: dict[tuple[int, int, int, int], Sprite] = {}

    def sprite(self, elevation: int, facing: int, person: int, head: float) -> Sprite:
        """Person number ``person`` of ``FACINGS[facing]`` from ``ELEVATIONS[elevation]``, head ``head`` pixels high."""
        step = max(0, round(np.log(max(head, 2.0) / 2.0) / np.log(_SIZE_STEP)))
        key = (elevation, facing, person, step)
        found = self._sprites.get(key)
        if found is None:
            if key[:3] not in self._masters:
                self._masters[key[:3]] = self._draw(*key[:3])
            found = self._sprites[key] = _shrink(self.unit, 2.0 * _SIZE_STEP**step, *self._masters[key[:3]])
        return found

    def _draw(self, elevation: int, facing: int, person: int) -> tuple:
        """Draws a master: premultiplied (h, w, 4) colours, (h, w) head mask, (x, y) of the head's centre in pixels."""
        rng = np.random.default_rng([self.seed, 7001, elevation, facing, person])
        angle = ELEVATIONS[elevation]
        pick = rng.uniform(0, len(_SKIN) - 1)
        skin = _SKIN[int(pick)] * (1 - pick % 1) + _SKIN[min(int(pick) + 1, len(_SKIN) - 1)] * (pick % 1)
        canvas = _Canvas(self.unit)
        cloth = _draw_body(canvas, rng, skin, FACINGS[facing], np.cos(np.radians(angle)))
        _draw_head(canvas, rng, skin, FACINGS[facing], angle, cloth)
        outline = _Canvas(self.unit)
        outline.ellipse(0, 0, HEAD_HALF_WIDTH, 0.5, (0, 0, 0))
        head = outline.alpha > 0
        bgr = _shade(canvas, rng, head)
        bgra = np.dstack([bgr * (canvas.alpha[..., None] / 255.0), canvas.alpha]).astype(np.uint8)
        x, y, w, h = cv2.boundingRect(canvas.alpha)
        centre = canvas.to_px((0, 0)) - (x, y)
        return bgra[y : y + h, x : x + w].copy(), head[y : y + h, x : x + w].astype(np.uint8) * 255, centre


def _shrink(unit: int, size: float, bgra: np.ndarray, head: np.ndarray, centre: np.ndarray) -> Sprite:
    height, width = head.shape
    out = max(3, round(width * size / unit)), max(6, round(height * size / unit))
    scale = np.array([out[0] / width, out[1] / height])
    mode = cv2.INTER_AREA if size < unit else cv2.INTER_LINEAR
    small = cv2.resize(bgra, out, interpolation=mode)
    solid = small[..., 3] > 127
    mask = cv2.resize(head, out, interpolation=mode) > 127
    half = np.array([HEAD_HALF_WIDTH, 0.5]) * unit * scale
    keep = cv2.merge([255 - small[..., 3]] * 3)
    return Sprite(np.ascontiguousarray(small[..., :3]), keep, solid, mask, tuple(centre * scale), tuple(half))


@lru_cache(maxsize=4)
def person_bank(seed: int, max_head: float) -> PersonBank:
    """The bank of this process for ``seed``, kept between images."""
    return PersonBank(seed, max_head)
