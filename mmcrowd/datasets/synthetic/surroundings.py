"""Where the synthetic crowds stand, and how they are photographed: ground, houses, trees; light, blur, noise."""

from functools import lru_cache

import cv2
import numpy as np

from .objects import HEADLIKE, ball, random_colour, sign, specks

_SKIES = np.array(
    [[(215, 175, 125), (235, 225, 210)], [(200, 200, 200), (235, 235, 235)], [(60, 40, 30), (110, 80, 80)]]
)
"""BGR at the top and above the houses: clear, overcast, night."""
_PATCH = np.array([[-1, -0.3], [0.6, -0.4], [1.2, 0.3], [-0.7, 0.4]])
"""A stain or a repair in the ground, of unit size."""


def _field(rng: np.random.Generator, height: int, width: int, cells: float, aspect: float = 1.0) -> np.ndarray:
    """(height, width) float32 smooth noise in [-1, 1] with about ``cells`` bumps along the longer side."""
    longer = max(height, width)
    rows, columns = max(2, round(cells * height / longer * aspect)), max(2, round(cells * width / longer))
    coarse = rng.uniform(-1, 1, (rows, columns)).astype(np.float32)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)


@lru_cache(maxsize=1)
def _noise() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((1024, 1024), dtype=np.float32)


def _grain(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """(height, width) float32 white noise of unit variance: a random part of one sheet, since drawing anew is slow."""
    sheet = _noise()
    down, right = rng.integers(0, 1024, 2)
    if down + height > 1024 or right + width > 1024:
        sheet = np.tile(sheet, ((down + height) // 1024 + 1, (right + width) // 1024 + 1))
    return sheet[down : down + height, right : right + width]


def _modulate(img: np.ndarray, gain: np.ndarray) -> None:
    """Multiply the (h, w, 3) uint8 view ``img`` by the (h, w) float ``gain``, in place."""
    np.copyto(img, cv2.multiply(img, cv2.merge([gain] * 3).astype(np.float32), dtype=cv2.CV_8U))


# ---------------------------------------------------------------------- surroundings


def paint_surroundings(
    rng: np.random.Generator, width: int, height: int, wall: float, vanish: tuple[float, float], size: float
) -> np.ndarray:
    """Ground, and above it sky, houses, trees or a hall.

    Args:
        rng: Source of all choices.
        width: Image width, pixels.
        height: Image height, pixels.
        wall: Row where ground and wall meet; at or above 0 there is only ground.
        vanish: (x, y) point that the lines on the ground run to, pixels.
        size: Head height at the wall, pixels: the measure of windows and lamps.

    Returns:
        (height, width, 3) uint8 BGR.
    """
    img = np.empty((height, width, 3), np.uint8)
    img[:] = np.array(random_colour(rng, 60, 200), np.uint8)
    foot = int(np.clip(wall, 0, height))
    _ground(rng, img, foot, vanish)
    if foot > 4:
        above = img[:foot]
        _sky(rng, above)
        kind = rng.random()
        if kind < 0.6:
            _houses(rng, above, size)
        elif kind < 0.8:
            _hall(rng, above, size)
        if rng.random() < 0.6:
            _trees(rng, above, int(rng.integers(1, 6)))
        if rng.random() < 0.3:
            _round_things(rng, above, size)
    return img


def _ground(rng: np.random.Generator, img: np.ndarray, foot: int, vanish: tuple[float, float]) -> None:
    height, width = img.shape[:2]
    if foot >= height:
        return
    base = rng.uniform(50, 185) + rng.uniform(-14, 14, 3)
    if rng.random() < 0.25:
        base = np.array([60, 120, 90]) * rng.uniform(0.6, 1.2)
    img[foot:] = np.clip(base, 0, 255).astype(np.uint8)
    lines = rng.random()
    shade = tuple(np.clip(base * rng.uniform(0.7, 1.25), 0, 255))
    if lines < 0.6:
        for x in np.linspace(-2 * width, 3 * width, int(rng.integers(12, 60))):
            apex = round(vanish[0]), round(vanish[1]) - foot
            cv2.line(img[foot:], apex, (int(x), height - foot), shade, 1, cv2.LINE_AA)
    if lines < 0.4:
        depth = height - vanish[1]
        for row in vanish[1] + depth / np.arange(1, 12, rng.uniform(0.1, 0.5)):
            cv2.line(img, (0, max(foot, int(row))), (width, max(foot, int(row))), shade, 1, cv2.LINE_AA)
    for _ in range(rng.integers(0, 4)):
        patch = _PATCH * rng.uniform(0.05, 0.4, (4, 2)) * (width, height - foot)
        centre = rng.uniform((0, 0), (width, height - foot))
        tint = np.clip(base * rng.uniform(0.75, 1.25) * rng.uniform(0.92, 1.08, 3), 0, 255)
        cv2.fillPoly(img[foot:], [np.int32(patch + centre)], tuple(tint))
    grain = 1 + 0.12 * _field(rng, height - foot, width, 12, 3) + 0.05 * _grain(rng, height - foot, width)
    _modulate(img[foot:], grain)


def _sky(rng: np.random.Generator, img: np.ndarray) -> None:
    height, width = img.shape[:2]
    top, bottom = _SKIES[rng.choice(len(_SKIES), p=[0.45, 0.4, 0.15])]
    ramp = np.linspace(0, 1, height)[:, None, None]
    clouds = 1 + 0.12 * _field(rng, height, width, 6, 2)
    img[:] = np.clip((top * (1 - ramp) + bottom * ramp) * clouds[..., None], 0, 255).astype(np.uint8)


def _houses(rng: np.random.Generator, img: np.ndarray, size: float) -> None:
    height, width = img.shape[:2]
    x = -int(rng.uniform(0, 0.2) * width)
    while x < width:
        wide = int(rng.uniform(0.12, 0.45) * width)
        roof = int(rng.uniform(-0.6, 0.75) * height)
        wall = np.array(random_colour(rng, 70, 200))
        cv2.rectangle(img, (x, roof), (x + wide, height), tuple(wall), -1)
        _windows(rng, img, x, roof, wide, height, wall, size)
        if rng.random() < 0.5:
            sign(rng, img, x + 0.1 * wide, height - rng.uniform(4, 9) * size, 0.8 * wide, rng.uniform(1, 2.2) * size)
        x += wide + int(rng.uniform(0, 0.05) * width)
    _modulate(img, 1 + 0.04 * _grain(rng, height, width) + 0.1 * _field(rng, height, width, 10))


def _windows(
    rng: np.random.Generator, img: np.ndarray, x: int, roof: int, wide: int, height: int, wall: np.ndarray, size: float
) -> None:
    step = max(5.0, size * rng.uniform(3.0, 6.0))
    glass, frame = tuple(wall * rng.uniform(0.25, 0.6)), tuple(np.clip(wall * 1.3, 0, 255))
    arched = rng.random() < 0.25
    columns, rows = min(40, int(wide / step)), min(30, int((height - roof) / (1.3 * step)))
    for column in range(columns):
        for row in range(rows):
            left, top = int(x + (column + 0.25) * step), int(roof + (row + 0.3) * 1.3 * step)
            right, bottom = int(left + 0.5 * step), int(top + 0.75 * step)
            if arched:
                cv2.circle(img, ((left + right) // 2, top), (right - left) // 2, glass, -1, cv2.LINE_AA)
            cv2.rectangle(img, (left, top), (right, bottom), glass, -1)
            cv2.rectangle(img, (left, top), (right, bottom), frame, 1)


def _hall(rng: np.random.Generator, img: np.ndarray, size: float) -> None:
    height, width = img.shape[:2]
    img[:] = np.array(random_colour(rng, 30, 170), np.uint8)
    for _ in range(rng.integers(2, 7)):
        a = rng.uniform((0, 0), (width, height))
        b = a + rng.uniform(0.05, 0.4, 2) * (width, height)
        cv2.rectangle(img, tuple(np.int32(a)), tuple(np.int32(b)), random_colour(rng, 20, 200), -1)
    radius = max(1, round(size * rng.uniform(0.3, 0.7)))
    row = int(rng.uniform(0.05, 0.6) * height)
    for x in np.arange(rng.uniform(0, 30), width, rng.uniform(3, 8) * size):
        cv2.circle(img, (int(x), row), radius, (225, 245, 255), -1, cv2.LINE_AA)
    _modulate(img, 1 + 0.2 * _field(rng, height, width, 5) + 0.03 * _grain(rng, height, width))


def _trees(rng: np.random.Generator, img: np.ndarray, count: int) -> None:
    height, width = img.shape[:2]
    leaf = np.array([40, 95, 70]) * rng.uniform(0.4, 1.2) + rng.uniform(-15, 15, 3)
    for _ in range(count):
        x, y, crown = rng.uniform(0, width), rng.uniform(0.1, 0.8) * height, rng.uniform(0.15, 0.6) * height
        bark = tuple(np.array([30, 40, 55]) * rng.uniform(0.6, 1.4))
        cv2.line(img, (int(x), int(y)), (int(x), height), bark, max(1, int(crown / 12)))
        for _ in range(rng.integers(3, 8)):
            dx, dy = rng.uniform(-0.45, 0.45, 2) * crown
            wide, tall = rng.uniform(0.4, 0.9, 2) * crown
            tint = leaf * rng.uniform(0.75, 1.2)
            specks(rng, img, x + dx, y + dy, wide, tall, max(1.0, 0.035 * crown), tint, 90, 0.35)


def _round_things(rng: np.random.Generator, img: np.ndarray, size: float) -> None:
    """Rows or heaps of round things of head size and head colours, without shoulders: pots, lanterns, fruit, stones."""
    height, width = img.shape[:2]
    count = int(rng.integers(6, 50))
    corner, extent = rng.uniform((0, 0), (width, height)), rng.uniform(2, 12, 2) * size
    colours = [HEADLIKE[k] for k in rng.integers(0, len(HEADLIKE), 3)]
    for k, (x, y) in enumerate(corner + rng.uniform(0, 1, (count, 2)) * extent):
        ball(img, x, y, 0.42 * size * rng.uniform(0.7, 1.2), colours[k % 3], rng.uniform(0.15, 0.45))


# ---------------------------------------------------------------------- light and camera


def take_photo(rng: np.random.Generator, img: np.ndarray) -> np.ndarray:
    """Light, shadows, haze, colour cast, blur, noise, compression; sometimes a grey picture.

    Args:
        rng: Source of all choices.
        img: (h, w, 3) uint8 BGR.

    Returns:
        (h, w, 3) uint8 BGR.
    """
    height, width = img.shape[:2]
    light = 1 + rng.uniform(0, 0.4) * _field(rng, height, width, 3)
    if rng.random() < 0.4:
        corners = rng.uniform((-0.5, -0.2), (1.5, 1.2), (4, 2)) * (width, height)
        shadow = np.ones((height, width), np.float32)
        cv2.fillConvexPoly(shadow, cv2.convexHull(np.int32(corners)), rng.uniform(0.5, 0.8))
        blur = 2 * int(max(height, width) / 50) + 3
        light *= cv2.blur(shadow, (blur, blur))
    gain = rng.uniform(0.6, 1.15) * rng.uniform(0.9, 1.1, 3)
    lift = rng.uniform(0, 22)
    haze = (rng.uniform(0, 45) if rng.random() < 0.4 else 0.0) * np.linspace(1, 0, height, dtype=np.float32)[:, None]
    noise = rng.uniform(0, 5) * _grain(rng, height, width) + (lift + haze)
    shift = int(rng.integers(1, 64))
    planes = []
    for channel in range(3):
        plane = cv2.multiply(img[..., channel], light, scale=gain[channel], dtype=cv2.CV_32F)
        planes.append(cv2.add(plane, np.roll(noise, channel * shift, axis=1), dtype=cv2.CV_8U))
    if rng.random() < 0.1:
        planes = [cv2.cvtColor(cv2.merge(planes), cv2.COLOR_BGR2GRAY)] * 3
    out = cv2.merge(planes)
    sigma = rng.uniform(0, 0.9)
    if sigma > 0.3:
        out = cv2.GaussianBlur(out, (0, 0), sigma)
    # Real compression, not an imitation: its block edges are what a network meets in photographs.
    quality = int(rng.integers(40, 96))
    return cv2.imdecode(cv2.imencode('.jpg', out, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)
