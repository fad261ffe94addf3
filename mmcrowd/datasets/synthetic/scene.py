"""One synthetic crowd: a pinhole camera above a plane of heads, people painted from far to near."""

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from .objects import DOWN, IN_FIELDS, OBJECTS
from .people import ELEVATIONS, FACINGS, Sprite, person_bank
from .surroundings import paint_surroundings, take_photo

HEAD_METRES = 0.23
"""Height of a head; it turns pixels into metres."""
EYE_METRES = 1.58
"""Height of the centre of a head above the ground."""
_CLOSEST = 0.4
"""Metres between neighbours in the densest crowd (6 people per square metre), as long as the head sizes allow it."""


@dataclass(frozen=True)
class SceneSpec:
    """What a synthetic picture shall show; with ``index`` it determines every pixel.

    Attributes:
        seed: Seed of the population and of all pictures.
        size: (width, height), pixels.
        heads: (least, most) people, both included.
        min_head: Least head height, pixels (individual people vary by a few percent around the perspective's value).
        max_head: Greatest head height, pixels.
        negative_fraction: Share of pictures without people, spread evenly over the indices.
        min_visible: Least visible share of a head's area for it to be annotated.
        clutter: How many objects stand among the people, relative to the normal number.
    """

    seed: int
    size: tuple[int, int]
    heads: tuple[int, int]
    min_head: float
    max_head: float
    negative_fraction: float
    min_visible: float
    clutter: float


class Scene(NamedTuple):
    """A painted crowd.

    Attributes:
        img: (h, w, 3) uint8 BGR.
        heads: (N, 6) float32: x, y, x1, y1, x2, y2, pixels; boxes are clipped to the picture.
        visible: (N,) float32, visible share of each head's area inside the picture, at least ``min_visible``.
        num_hidden: People whose head's centre is in the picture but hidden by others, hence not annotated.
    """

    img: np.ndarray
    heads: np.ndarray
    visible: np.ndarray
    num_hidden: int


@dataclass(frozen=True)
class Camera:
    """A pinhole camera without roll; heads lie on a plane ``above`` metres below it.

    Attributes:
        focal: Focal length, pixels.
        horizon: Row of the horizon (often above the picture, then negative).
        above: Height of the camera above the plane of the heads, metres.
        centre: Column of the principal point.
    """

    focal: float
    horizon: float
    above: float
    centre: float

    def head_size(self, depth: np.ndarray | float):
        """Head height in pixels at ``depth`` metres."""
        return self.focal * HEAD_METRES / depth

    def row(self, depth: np.ndarray | float, below: np.ndarray | float = 0.0):
        """Row of a point ``below`` metres under the plane of the heads."""
        return self.horizon + self.focal * (self.above + below) / depth

    def depth(self, row: float) -> float:
        """Depth (metres) of the plane of the heads seen at ``row``."""
        return self.focal * self.above / (row - self.horizon)


def is_negative(index: int, fraction: float) -> bool:
    """Whether picture ``index`` shows nobody: every ``1 / fraction``-th, so that any run of pictures has its share."""
    return int((index + 1) * fraction + 1e-9) > int(index * fraction + 1e-9)


def render_scene(spec: SceneSpec, index: int) -> Scene:
    """Paint picture ``index``. The result depends on ``spec`` and ``index`` only.

    Args:
        spec: What to paint.
        index: Number of the picture.

    Returns:
        The picture and its annotated heads.
    """
    rng = np.random.default_rng([spec.seed, index])
    count = 0 if is_negative(index, spec.negative_fraction) else int(rng.integers(spec.heads[0], spec.heads[1] + 1))
    camera, angle, far, near, pitch = _place_camera(rng, spec, count)
    width, height = spec.size
    wall = camera.row(far * rng.uniform(1.05, 1.5), EYE_METRES)
    size = float(camera.head_size(far))
    img = paint_surroundings(rng, width, height, wall, (camera.centre, camera.horizon), size)
    people = _place_people(rng, spec, camera, count, far, near, pitch)
    sprites = _choose_sprites(rng, spec, people, angle)
    objects = _place_objects(rng, spec, camera, count, far, near)
    owner = _paint(rng, img, people, sprites, objects)
    heads, visible, hidden = _annotate(people, sprites, owner, spec.min_visible)
    return Scene(take_photo(rng, img), heads, visible, hidden)


def _place_camera(rng: np.random.Generator, spec: SceneSpec, count: int) -> tuple[Camera, float, float, float, float]:
    """A camera under which ``count`` people of the wanted head sizes find room.

    Returns:
        Camera, its angle below the horizontal (degrees), farthest and nearest depth and the pitch of places (metres).
    """
    width, height = spec.size
    focal, centre = max(width, height) * rng.uniform(0.9, 1.7), width * rng.uniform(0.4, 0.6)
    angle = rng.uniform(8, 50)
    smallest = min(1.5 * spec.min_head, spec.max_head)
    near_size = rng.uniform(smallest, spec.max_head)
    start, fill = rng.uniform(0.0, 0.35) * height, rng.uniform(0.55, 0.85)
    for _ in range(20):
        ratio = min(spec.min_head / near_size, 0.95)
        # Heads must still be min_head high at 0.6 of the picture's height, where every crowd reaches at least.
        horizon = min(0.55 * height - focal * np.tan(np.radians(angle)), height * (0.6 - ratio) / (1 - ratio))
        camera = Camera(focal, horizon, HEAD_METRES * (height - horizon) / near_size, centre)
        start_row = max(start, horizon + (height - horizon) * ratio)
        far, near = camera.depth(start_row), camera.depth(height + 0.4 * near_size)
        pitch = np.sqrt(fill * width / (2 * focal) * (far**2 - near**2) / max(count, 1))
        if pitch >= _CLOSEST:
            break
        near_size = max(near_size * max(pitch / _CLOSEST, 0.85), smallest)
        angle = min(angle + 2, 58)
        start *= 0.5
    angle = np.degrees(np.arctan2(0.55 * height - horizon, focal))
    return camera, angle, far, near, min(pitch, 1.6)


def _place_people(
    rng: np.random.Generator, spec: SceneSpec, camera: Camera, count: int, far: float, near: float, pitch: float
) -> np.ndarray:
    """People on the ground between ``near`` and ``far``, in clusters.

    Returns:
        (M, 4) float64: x, y, head height in pixels, depth; sorted from far to near. ``count`` of them are centred in
        the picture; a few more stand just outside and reach in.
    """
    if count == 0:
        return np.zeros((0, 4))
    width, height = spec.size
    while True:
        places = _places(rng, spec, camera, far, near, pitch)
        x, y, size, _ = places.T
        # Sprites are put on whole pixels: half a pixel of margin, so that nobody changes sides.
        inside = _within(x, y, width, height, -0.5)
        room = int(inside.sum())
        if room >= count:
            break
        pitch *= 0.9
    weight = _clusters(rng, x / width, y / height) + rng.gumbel(0, 1, len(x))
    order = np.argsort(-np.where(inside, weight, -np.inf))[:count]
    border = _within(x, y, width, height, 1.5 * size) & ~_within(x, y, width, height, 0.5)
    chance = count / room if count > 1 else 0.0
    extra = np.flatnonzero(border & (rng.random(len(x)) < chance))
    people = places[np.concatenate([order, extra])]
    return people[np.argsort(-people[:, 3], kind='stable')]


def _places(
    rng: np.random.Generator, spec: SceneSpec, camera: Camera, far: float, near: float, pitch: float
) -> np.ndarray:
    """Places where somebody could stand: staggered rows, ``pitch`` metres apart, with jitter.

    Returns:
        (P, 4) float64: x, y, head height in pixels, depth.
    """
    rows = np.arange(near, far, pitch)
    reach = 2 * max(camera.centre, spec.size[0] - camera.centre) / camera.focal
    across = np.ceil((reach * rows + 1.0) / pitch).astype(int) + 1
    depth, first = np.repeat(rows, across), np.repeat(np.cumsum(across) - across, across)
    step = np.arange(len(depth)) - first - np.repeat(across, across) / 2
    stagger = np.repeat(0.5 * (np.arange(len(rows)) % 2) + rng.uniform(-0.2, 0.2, len(rows)), across)
    ground_x = (step + stagger + rng.uniform(-0.3, 0.3, len(depth))) * pitch
    depth = depth + rng.uniform(-0.35, 0.35, len(depth)) * pitch
    size = camera.head_size(depth) * np.clip(rng.normal(1, 0.06, len(depth)), 0.85, 1.15)
    x, y = camera.centre + camera.focal * ground_x / depth, camera.row(depth, rng.normal(0, 0.08, len(depth)))
    return np.stack([x, y, size, depth], axis=1)


def _within(x: np.ndarray, y: np.ndarray, width: int, height: int, margin: np.ndarray | float) -> np.ndarray:
    """Which (x, y) lie in the picture enlarged by ``margin`` pixels on each side."""
    return (x >= -margin) & (x < width + margin) & (y >= -margin) & (y < height + margin)


def _clusters(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Log density of the crowd at (x, y), picture-relative: a few groups and gaps of random strength."""
    total = np.zeros_like(x)
    strength = rng.uniform(0, 3)
    for _ in range(rng.integers(2, 6)):
        u, v = rng.uniform(-0.1, 1.1, 2)
        spread = rng.uniform(0.08, 0.35)
        total += strength * rng.choice([-0.7, 1.0]) * np.exp(-((x - u) ** 2 + 2 * (y - v) ** 2) / (2 * spread**2))
    return total


def _choose_sprites(rng: np.random.Generator, spec: SceneSpec, people: np.ndarray, angle: float) -> list[Sprite]:
    """A drawing for everyone: the crowd mostly looks one way, and some of its clothes are more common than others."""
    bank = person_bank(spec.seed, spec.max_head)
    elevation = int(np.argmin(np.abs(np.array(ELEVATIONS) - angle)))
    facing = rng.choice(len(FACINGS), len(people), p=rng.dirichlet([0.6] * len(FACINGS)))
    share = rng.gamma(1.5, 1.0, bank.population) + 0.02
    person = rng.choice(bank.population, len(people), p=share / share.sum())
    sizes = people[:, 2]
    return [bank.sprite(elevation, int(f), int(p), float(s)) for f, p, s in zip(facing, person, sizes, strict=True)]


def _place_objects(
    rng: np.random.Generator, spec: SceneSpec, camera: Camera, count: int, far: float, near: float
) -> list[tuple]:
    """Objects among the people, some of them in fields: list of (depth, kind, x, y, head height there), far to near."""
    kinds = list(OBJECTS)
    scale = max(1.0, np.sqrt(spec.size[0] * spec.size[1]) / 300)
    number = int(rng.poisson(spec.clutter * scale * (14 if count == 0 else 4)))
    chosen = [
        (kinds[rng.integers(0, len(kinds))], rng.uniform(0, spec.size[0]), rng.uniform(near, far))
        for _ in range(number)
    ]
    for _ in range(rng.binomial(3, min(1.0, spec.clutter * (0.5 if count == 0 else 0.05)))):
        kind = IN_FIELDS[rng.integers(0, len(IN_FIELDS))]
        field = _place_people(rng, spec, camera, int(rng.integers(8, 80)), far, near, rng.uniform(0.7, 1.4))
        chosen += [(kind, x, depth) for x, _, _, depth in field]
    objects = [(depth, kind, x, float(camera.row(depth)), float(camera.head_size(depth))) for kind, x, depth in chosen]
    return sorted(objects, key=lambda item: -item[0])


def _paint(
    rng: np.random.Generator, img: np.ndarray, people: np.ndarray, sprites: list[Sprite], objects: list[tuple]
) -> np.ndarray:
    """Paint people and objects into ``img`` from far to near.

    Returns:
        (h, w) int32: at each pixel the index of the person whose head is seen there, else -1.
    """
    owner = np.full(img.shape[:2], -1, np.int32)
    waiting = list(objects)
    for k, (x, y, _, depth) in enumerate(people):
        while waiting and waiting[0][0] > depth:
            _paint_over(rng, img, owner, waiting.pop(0))
        _blend(img, owner, sprites[k], *_corner(x, y, sprites[k]), k)
    for item in waiting:
        _paint_over(rng, img, owner, item)
    return owner


def _paint_over(rng: np.random.Generator, img: np.ndarray, owner: np.ndarray, item: tuple) -> None:
    """Paint an object; heads behind it lose the pixels that it changed."""
    _, kind, x, y, size = item
    painter = OBJECTS[kind]
    # Two pixels more, for strokes that are never thinner than one.
    aside, up = painter.sideways * size + 2, min(painter.up * size + 2, y)
    x1, x2, y1, y2 = (max(0, int(v)) for v in (x - aside, x + aside + 1, y - up, y + DOWN * size + 2))
    before = img[y1:y2, x1:x2].copy()
    painter.paint(rng, img, x, y, size)
    changed = before != img[y1:y2, x1:x2]
    owner[y1:y2, x1:x2][changed[..., 0] | changed[..., 1] | changed[..., 2]] = -1


def _corner(x: float, y: float, sprite: Sprite) -> tuple[int, int]:
    """Upper left pixel of a sprite whose head shall be centred near (x, y)."""
    return round(x - sprite.centre[0]), round(y - sprite.centre[1])


def _blend(img: np.ndarray, owner: np.ndarray, sprite: Sprite, left: int, top: int, index: int) -> None:
    height, width = owner.shape
    tall, wide = sprite.solid.shape
    x1, y1, x2, y2 = max(left, 0), max(top, 0), min(left + wide, width), min(top + tall, height)
    if x1 >= x2 or y1 >= y2:
        return
    part = (slice(y1 - top, y2 - top), slice(x1 - left, x2 - left))
    view, ids = img[y1:y2, x1:x2], owner[y1:y2, x1:x2]
    cv2.multiply(view, sprite.keep[part], dst=view, scale=1 / 255)
    cv2.add(view, sprite.colour[part], dst=view)
    np.copyto(ids, -1, where=sprite.solid[part])
    np.copyto(ids, index, where=sprite.head[part])


def _annotate(
    people: np.ndarray, sprites: list[Sprite], owner: np.ndarray, min_visible: float
) -> tuple[np.ndarray, np.ndarray, int]:
    """Heads that a person looking at the picture could mark.

    Returns:
        (N, 6) float32 heads, (N,) float32 visible shares, number of hidden people.
    """
    height, width = owner.shape
    seen = np.bincount(owner[owner >= 0], minlength=len(people))
    heads, shares, hidden = [], [], 0
    for k, (x, y, _, _) in enumerate(people):
        left, top = _corner(x, y, sprites[k])
        cx, cy = left + sprites[k].centre[0], top + sprites[k].centre[1]
        if not (0 <= cx < width and 0 <= cy < height):
            continue
        mask = sprites[k].head[max(0, -top) : max(0, height - top), max(0, -left) : max(0, width - left)]
        share = seen[k] / max(int(np.count_nonzero(mask)), 1)
        if share < min_visible:
            hidden += 1
            continue
        a, b = sprites[k].half
        heads.append((cx, cy, max(cx - a, 0), max(cy - b, 0), min(cx + a, width), min(cy + b, height)))
        shares.append(share)
    return np.array(heads, np.float32).reshape(-1, 6), np.array(shares, np.float32), hidden
