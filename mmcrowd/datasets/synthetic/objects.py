"""Objects of the synthetic crowds: things among the people, many as round as heads and of the same colours."""

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np

Colour = tuple[float, float, float]
HEADLIKE: list[Colour] = [
    (30.0, 26.0, 26.0),
    (40.0, 50.0, 70.0),
    (60.0, 90.0, 130.0),
    (80.0, 110.0, 150.0),
    (120.0, 155.0, 205.0),
    (165.0, 190.0, 230.0),
    (205.0, 208.0, 210.0),
]
"""BGR colours of hair, skin and hats."""


def random_colour(rng: np.random.Generator, low: float = 30, high: float = 220) -> Colour:
    """BGR of a random brightness in [low, high], mostly of little saturation, as walls and ground are."""
    grey = rng.uniform(low, high)
    return tuple(np.clip(grey + rng.uniform(-1, 1, 3) * rng.choice([8, 24, 70], p=[0.55, 0.35, 0.1]), 0, 255))


def ball(img: np.ndarray, x: float, y: float, radius: float, colour: Colour | np.ndarray, gloss: float) -> None:
    """A sphere lit from above left."""
    radius = max(1.0, radius)
    for part, offset in ((0.75, 0.0), (1.0, 0.16), (1.0 + 0.6 * gloss, 0.34)):
        shift = offset * radius
        centre = (int((x - 0.5 * shift) * 16), int((y - shift) * 16))
        shade = tuple(np.minimum(np.asarray(colour, float) * part, 255))
        cv2.circle(img, centre, int((radius - 1.25 * shift) * 16), shade, -1, cv2.LINE_AA, 4)


def specks(
    rng: np.random.Generator,
    img: np.ndarray,
    x: float,
    y: float,
    wide: float,
    tall: float,
    radius: float,
    base: np.ndarray,
    count: int,
    spread: float,
) -> None:
    """A cloud of discs around (x, y): leaves, flowers, goods on a stall."""
    angle, out = rng.uniform(0, 2 * np.pi, count), np.sqrt(rng.random(count))
    px, py = x + 0.5 * wide * out * np.cos(angle), y + 0.5 * tall * out * np.sin(angle)
    radii = np.maximum(1, radius * rng.uniform(0.6, 1.8, count)).astype(int)
    # Lit from above: the lower discs are darker.
    light = (1 - 0.4 * (py - y) / max(tall, 1)) * rng.uniform(1 - spread, 1 + spread, count)
    colours = np.clip(base * light[:, None], 0, 255)
    for k in range(count):
        cv2.circle(img, (int(px[k]), int(py[k])), int(radii[k]), tuple(colours[k]), -1)


def sign(rng: np.random.Generator, img: np.ndarray, x: float, y: float, wide: float, tall: float) -> None:
    """A board with letters, upper left corner (x, y)."""
    x, y, wide, tall = int(x), int(y), max(6, int(wide)), max(4, int(tall))
    board = np.array(random_colour(rng))
    cv2.rectangle(img, (x, y), (x + wide, y + tall), tuple(board), -1)
    ink = tuple(255 - board)
    text = ''.join(rng.choice(list('AOEMKRSTDCQG08 '), 12))
    scale = tall / 40
    text, origin = text[: max(1, int(wide / (scale * 20)))], (x + 2, y + int(0.75 * tall))
    cv2.putText(img, text, origin, cv2.FONT_HERSHEY_DUPLEX, scale, ink, max(1, int(scale * 2)), cv2.LINE_AA)


def _post(img: np.ndarray, x: float, top: float, bottom: float, thick: float, colour: Colour) -> None:
    cv2.line(img, (int(x), int(top)), (int(x), int(bottom)), tuple(colour), max(1, int(thick)), cv2.LINE_AA)


def _lamp(rng: np.random.Generator, img: np.ndarray, x: float, y: float, s: float) -> None:
    top = y - rng.uniform(0, 6) * s
    _post(img, x, top, y + 7 * s, 0.15 * s, random_colour(rng, 20, 90))
    glow = HEADLIKE[rng.integers(0, len(HEADLIKE))] if rng.random() < 0.5 else (215, 240, 250)
    for dx in rng.permutation([0.0, -1.0, 1.0])[: rng.integers(1, 4)]:
        ball(img, x + dx * s, top, rng.uniform(0.35, 0.6) * s, glow, 0.4)


def _balloons(rng: np.random.Generator, img: np.ndarray, x: float, y: float, s: float) -> None:
    for _ in range(rng.integers(1, 7)):
        bx, by = x + rng.uniform(-1, 1) * s, y - rng.uniform(0.5, 4) * s
        cv2.line(img, (int(bx), int(by)), (int(x), int(y + 2 * s)), (200, 200, 200), 1, cv2.LINE_AA)
        tint = HEADLIKE[rng.integers(0, len(HEADLIKE))] if rng.random() < 0.5 else random_colour(rng)
        ball(img, bx, by, rng.uniform(0.35, 0.6) * s, tint, 0.6)


def _balls(rng: np.random.Generator, img: np.ndarray, x: float, y: float, s: float) -> None:
    for _ in range(rng.integers(1, 5)):
        tint = HEADLIKE[rng.integers(0, len(HEADLIKE))] if rng.random() < 0.7 else random_colour(rng)
        ball(img, x + rng.uniform(-1.5, 1.5) * s, y + rng.uniform(0, 6) * s, rng.uniform(0.35, 0.65) * s, tint, 0.3)


def _placard(rng: np.random.Generator, img: np.ndarray, x: float, y: float, s: float) -> None:
    wide, tall = rng.uniform(1.5, 4) * s, rng.uniform(1, 2.5) * s
    _post(img, x, y - 2 * s, y + 2 * s, 0.12 * s, (70, 100, 130))
    sign(rng, img, x - wide / 2, y - 2 * s - tall, wide, tall)


def _flag(rng: np.random.Generator, img: np.ndarray, x: float, y: float, s: float) -> None:
    top, wide, tall = y - rng.uniform(3, 6) * s, rng.uniform(2, 4) * s, rng.uniform(1.2, 2.2) * s
    _post(img, x, top, y + 2 * s, 0.1 * s, (90, 90, 90))
    sway = rng.uniform(-0.5, 0.5) * s
    for k in range(3):
        high, low = top + k * tall / 3, top + (k + 1) * tall / 3
        edge = [(x, high), (x + wide, high + sway), (x + wide, low + sway), (x, low)]
        cv2.fillPoly(img, [np.int32(edge)], random_colour(rng), cv2.LINE_AA)


def _umbrella(rng: np.random.Generator, img: np.ndarray, x: float, y: float, s: float) -> None:
    radius, base = rng.uniform(1.6, 2.8) * s, np.array(random_colour(rng))
    centre, axes = (int(x), int(y - 0.9 * s)), (int(radius), int(0.6 * radius))
    _post(img, x, y - 1.5 * s, y + 3 * s, 0.1 * s, (60, 60, 60))
    edges = np.linspace(180, 360, 6)
    for k in range(5):
        shade = tuple(np.clip(base * (0.75 + 0.12 * k), 0, 255))
        cv2.ellipse(img, centre, axes, 0, edges[k], edges[k + 1], shade, -1, cv2.LINE_AA)


def _box(img: np.ndarray, left: float, top: float, right: float, bottom: float, colour: Colour | np.ndarray) -> None:
    cv2.rectangle(img, (int(left), int(top)), (int(right), int(bottom)), tuple(colour), -1)


def _stall(rng: np.random.Generator, img: np.ndarray, x: float, y: float, s: float) -> None:
    top, half = y + 3 * s, rng.uniform(1.5, 3.5) * s
    _box(img, x - half, top, x + half, y + 7 * s, random_colour(rng, 40, 140))
    base = np.array(HEADLIKE[rng.integers(0, len(HEADLIKE))], float)
    for _ in range(rng.integers(5, 40)):
        dx, dy = rng.uniform(-1, 1) * half, rng.uniform(-0.6, 1.0) * s
        ball(img, x + dx, top + dy, 0.4 * s, base * rng.uniform(0.7, 1.3), 0.2)


def _bush(rng: np.random.Generator, img: np.ndarray, x: float, y: float, s: float) -> None:
    base = np.array([45, 90, 65]) * rng.uniform(0.4, 1.3)
    specks(rng, img, x, y + 5 * s, 6 * s, 4.5 * s, 0.2 * s, base, 120, 0.4)
    if rng.random() < 0.4:
        specks(rng, img, x, y + 4.6 * s, 5 * s, 3 * s, 0.15 * s, np.array(random_colour(rng, 100, 230)), 25, 0.2)


def _vehicle(rng: np.random.Generator, img: np.ndarray, x: float, y: float, s: float) -> None:
    wide, base = rng.uniform(8, 14) * s, np.array(random_colour(rng))
    left, right, roof, floor = x - wide / 2, x + wide / 2, y + rng.uniform(0.5, 2) * s, y + 6.5 * s
    _box(img, left + 0.1 * wide, roof, right - 0.1 * wide, floor, base * 0.9)
    _box(img, left, roof + 2 * s, right, floor, base)
    for k in range(3):
        at = left + (0.17 + 0.24 * k) * wide
        _box(img, at, roof + 0.4 * s, at + 0.19 * wide, roof + 1.9 * s, base * 0.3)
    for at in (left + 0.2 * wide, right - 0.2 * wide):
        ball(img, at, floor, 0.9 * s, (30, 30, 30), 0.2)
        ball(img, at, floor, 0.45 * s, (130, 130, 130), 0.2)


def _column(rng: np.random.Generator, img: np.ndarray, x: float, y: float, s: float) -> None:
    base, half = np.array(random_colour(rng, 40, 180)), rng.uniform(0.2, 0.9) * s
    for k in range(4):
        left = x - half + 0.5 * half * k
        _box(img, left, 0, left + 0.5 * half, y + 7 * s, np.clip(base * (0.7 + 0.13 * k), 0, 255))


def _coat(rng: np.random.Generator, img: np.ndarray, x: float, y: float, s: float) -> None:
    """A jacket on a stand: shoulders, sleeves, and no head."""
    base = np.array(HEADLIKE[rng.integers(0, len(HEADLIKE))]) if rng.random() < 0.3 else np.array(random_colour(rng))
    _post(img, x, y + 0.3 * s, y + 7 * s, 0.12 * s, (70, 70, 80))
    half = [(0.15, 0.6), (0.6, 0.75), (1.0, 1.1), (1.15, 2.6), (0.8, 2.7), (0.75, 3.7)]
    outline = np.array(half + [(-a, b) for a, b in half[::-1]]) * s + (x, y)
    cv2.fillPoly(img, [np.int32(outline * 16)], tuple(base), cv2.LINE_AA, 4)
    _post(img, x, y + 0.9 * s, y + 3.6 * s, 0.08 * s, tuple(base * 0.5))
    for side in (-1, 1):
        _post(img, x + 0.78 * side * s, y + 1.3 * s, y + 2.6 * s, 0.08 * s, tuple(base * 0.6))


def _seat(rng: np.random.Generator, img: np.ndarray, x: float, y: float, s: float) -> None:
    """An empty chair with a rounded back, about as wide as shoulders."""
    base = np.array(random_colour(rng, 50, 190))
    top, half = y + 1.6 * s, 0.75 * s
    for leg in (-0.6, 0.6):
        _post(img, x + leg * s, top, y + 6.8 * s, 0.12 * s, (60, 60, 60))
    cv2.ellipse(img, (int(x), int(top + 0.4 * s)), (int(half), int(0.6 * s)), 0, 180, 360, tuple(base), -1, cv2.LINE_AA)
    _box(img, x - half, top + 0.4 * s, x + half, top + 1.6 * s, base * 0.95)
    _box(img, x - 1.1 * half, top + 2.4 * s, x + 1.1 * half, top + 2.9 * s, base * 0.7)


def _bollard(rng: np.random.Generator, img: np.ndarray, x: float, y: float, s: float) -> None:
    """A post with a ball on it, or a mushroom: a round top on a straight body, narrower than a person's."""
    base = np.array(HEADLIKE[rng.integers(0, len(HEADLIKE))], float)
    top = y + rng.uniform(0, 4) * s
    _box(img, x - 0.28 * s, top, x + 0.28 * s, y + 6.9 * s, base * rng.uniform(0.5, 0.9))
    ball(img, x, top, rng.uniform(0.38, 0.55) * s, base, 0.25)


class Painter(NamedTuple):
    """How to paint a kind of object, and how far from the place of a head it reaches.

    Attributes:
        paint: f(rng, img, x, y, size): paints it where a person with a head ``size`` pixels high at (x, y) would stand.
        sideways: Reach to the left and to the right, head heights.
        up: Reach upwards, head heights; downwards all reach less than ``DOWN``.
    """

    paint: Callable[[np.random.Generator, np.ndarray, float, float, float], None]
    sideways: float
    up: float


DOWN = 9.0
OBJECTS = dict(
    lamp=Painter(_lamp, 2, 7),
    balloons=Painter(_balloons, 2, 5),
    balls=Painter(_balls, 3, 1),
    placard=Painter(_placard, 2.5, 5),
    flag=Painter(_flag, 4.5, 7),
    umbrella=Painter(_umbrella, 3.5, 3),
    stall=Painter(_stall, 4.5, 0),
    bush=Painter(_bush, 4, 0),
    vehicle=Painter(_vehicle, 7.5, 0),
    column=Painter(_column, 1.5, np.inf),
    coat=Painter(_coat, 1.5, 0),
    seat=Painter(_seat, 1.5, 0),
    bollard=Painter(_bollard, 1, 1),
)
IN_FIELDS = ('seat', 'bollard', 'balls', 'bush', 'coat', 'umbrella')
"""Objects that also come in fields, as rows of chairs do: texture like a crowd's, without a head."""
