"""Independent regions of heads, from boxes or points: the labels of instance maps (IIM).

A region is a rectangle of map cells ``x1, y1, x2, y2``, half open.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

NEIGHBOURS = 4
"""Nearest heads that a region is kept apart from."""

SMALLEST_HALF = 3
"""Half sides of boxes are raised to this before regions are kept apart, pixels."""


def point_regions(points: np.ndarray, stride: int, cap: int, no_touch: bool) -> np.ndarray:
    """Squares around points, a quarter of the distance to the nearest head to either side.

    Source: Gao et al., "Learning Independent Instance Maps for Crowd Localization", whose code takes the half side
    :math:`k = \\min(15, \\lfloor \\min(7.5, d / 8) \\cdot 2 + 0.5 \\rfloor)` of a square of 2k + 1 pixels.

    Args:
        points (np.ndarray): (N, 2) xy, pixels.
        stride (int): Pixels per cell.
        cap (int): Largest k, pixels.
        no_touch (bool): Whether to shrink squares until a cell lies between them and those of all other heads. Heads
            in the same or in touching cells get a cell each and stay joined.

    Returns:
        np.ndarray: (N, 4) int64, cells.
    """
    points = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    cells = np.floor(points / stride).astype(np.int64)
    half = np.floor(np.minimum(cap, _nearest(points, 2) / 4) / stride + 0.5)
    if no_touch:
        half = np.minimum(half, np.maximum(np.floor(_nearest(cells, np.inf) / 2 - 1), 0))
    half = half.astype(np.int64)[:, None]
    return np.concatenate([cells - half, cells + half + 1], axis=1)


def _nearest(points: np.ndarray, p: float) -> np.ndarray:
    """(N,) distance to the nearest other of (N, 2) ``points`` in the norm ``p``, inf for a lone one."""
    if len(points) == 0:
        return np.zeros(0)
    return cKDTree(points).query(points, k=2, p=p)[0][:, 1]


def box_regions(
    points: np.ndarray,
    boxes: np.ndarray,
    stride: int,
    rule: str,
    cap: int,
    min_half: int,
    overlap_correction: bool = True,
    third_gap: int | None = 3,
) -> np.ndarray:
    """Boxes around points, shrunk until they lie apart from those of the nearest heads.

    Args:
        points (np.ndarray): (N, 2) xy, pixels: the centres of the regions.
        boxes (np.ndarray): (N, 4) xyxy, pixels; only their sizes count.
        stride (int): Pixels per cell. The rules work on pixels; a region has the cells whose centre it holds, and
            those up to its point's.
        rule (str): 'sequential' (:func:`shrink_in_order`) or 'parallel' (:func:`shrink_at_once`).
        cap (int): Largest half side, pixels.
        min_half (int): Half sides do not shrink below, pixels; 0 leaves a single pixel.
        overlap_correction (bool): See :func:`required_gap`.
        third_gap (int, optional): See :func:`shrink_in_order`.

    Returns:
        np.ndarray: (N, 4) int64, cells.
    """
    centres = np.floor(np.asarray(points, dtype=np.float64).reshape(-1, 2)).astype(np.int64)
    sides = (boxes[:, 2:] - boxes[:, :2]).astype(np.float64)
    half = np.minimum(np.maximum(sides / 2, SMALLEST_HALF).astype(np.int64), cap)
    if rule == 'sequential':
        half = shrink_in_order(centres, half, min_half, overlap_correction, third_gap)
    else:
        half = shrink_at_once(centres, half, min_half, overlap_correction, cell_gap(stride))
    low, high = centres - half, centres + np.maximum(half, 1)
    # A cell's centre lies at pixel (cell + 1/2) * stride; the smallest cell with its centre at or beyond x follows.
    low, high = ((2 * x + stride - 1) // (2 * stride) for x in (low, high))
    cells = centres // stride
    return np.concatenate([np.minimum(low, cells), np.maximum(high, cells + 1)], axis=1)


def cell_gap(stride: int) -> int:
    """Gap between regions, pixels, that leaves a cell between those that :func:`box_regions` gives them.

    A cell's centre must lie in it, even where a region was extended to the cell of its point: by less than half a cell,
    or by the rest of the cell beyond a region of a single pixel.
    """
    return 1 if stride == 1 else 3 * stride // 2 + 1


def required_gap(distance: np.ndarray, one: np.ndarray, other: np.ndarray, overlap_correction: bool) -> np.ndarray:
    """Gap that must lie between two regions along x or along y, pixels: half the larger half side.

    Args:
        distance (np.ndarray): (..., 2) distance of the centres along x and y, integers.
        one (np.ndarray): (..., 2) half width and height of the one.
        other (np.ndarray): (..., 2) half width and height of the other.
        overlap_correction (bool): Whether half of the overlap is first taken off the half sides of regions that
            overlap along both axes.

    Returns:
        np.ndarray: (..., 2) int64 along x and y.
    """
    plain = np.maximum(one, other) // 2
    if not overlap_correction:
        return plain
    overlapping = (distance < one + other).all(axis=-1, keepdims=True)
    # max(one, other) - (one + other - distance) / 2, halved
    return np.where(overlapping, (np.abs(one - other) + distance) // 4, plain)


def shrink_in_order(
    centres: np.ndarray, half: np.ndarray, min_half: int, overlap_correction: bool, third_gap: int | None
) -> np.ndarray:
    """Shrink regions pair by pair in the order of the heads, as the released code of IIM does.

    For every head and its four nearest neighbours, nearest first: while the gap is too small along both axes, the
    half sides of the larger region (of equal ones the head's) fall to nine tenths, rounded down. So does, each time,
    the region of the neighbour that comes next in distance, where it is larger than both and comes nearer than
    ``third_gap`` to the head's along both axes. The released code reads that neighbour beyond the end of the list in
    images of 3 to 5 heads and fails; here it is left out where there is none. Equally near heads come in the order
    of the list, to some extent (:func:`nearest_heads`).

    The result depends on the order of the heads and, through chains of neighbours, on heads far away.

    Args:
        centres (np.ndarray): (N, 2) int64 xy, pixels.
        half (np.ndarray): (N, 2) int64 half width and height, pixels.
        min_half (int): Smallest half side, pixels.
        overlap_correction (bool): See :func:`required_gap`.
        third_gap (int, optional): Pixels; None takes the required gap of the pair along each axis.

    Returns:
        np.ndarray: (N, 2) int64 half width and height.
    """
    index, _ = nearest_heads(centres)
    head, rank = np.indices((len(index), NEIGHBOURS))
    other = index[:, :NEIGHBOURS]
    known = other < len(centres)
    head, rank, other = head[known], rank[known], other[known]
    # Shrinking never brings regions nearer, nor does it raise the gap that they need: only these pairs can shrink.
    distance = np.abs(centres[head] - centres[other])
    required = required_gap(distance, half[head], half[other], overlap_correction)
    close = (distance - half[head] - half[other] < required).all(axis=1)
    sizes, places = half.tolist(), centres.tolist()
    smaller = [max(size * 9 // 10, min_half) for size in range(int(half.max(initial=0)) + 1)]
    third = index[head, rank + 1]
    for a, b, c in zip(head[close].tolist(), other[close].tolist(), third[close].tolist(), strict=True):
        beyond = c if c < len(centres) else None
        _part(places, sizes, a, b, beyond, smaller, overlap_correction, third_gap)
    return np.array(sizes, dtype=np.int64).reshape(-1, 2)


def _part(
    places: list[list[int]],
    sizes: list[list[int]],
    a: int,
    b: int,
    c: int | None,
    smaller: list[int],
    overlap_correction: bool,
    third_gap: int | None,
) -> None:
    """Shrink the regions of heads ``a``, ``b`` and, if it is in the way, ``c`` in place until a and b lie apart.

    The released code stops after 41 or 51 rounds. Half sides up to 25 are at their smallest before that, so the end
    here is a round that changes nothing. ``smaller`` maps a half side to the next.
    """
    (ax, ay), (bx, by) = places[a], places[b]
    dx, dy = abs(ax - bx), abs(ay - by)
    (aw, ah), (bw, bh) = sizes[a], sizes[b]
    if overlap_correction and dx < aw + bw and dy < ah + bh:
        need_x, need_y = (abs(aw - bw) + dx) // 4, (abs(ah - bh) + dy) // 4
    else:
        need_x, need_y = max(aw, bw) // 2, max(ah, bh) // 2
    changed = True
    while changed and dx - aw - bw < need_x and dy - ah - bh < need_y:
        before = aw, ah, bw, bh
        if aw * ah >= bw * bh:
            aw, ah = smaller[aw], smaller[ah]
        else:
            bw, bh = smaller[bw], smaller[bh]
        changed = before != (aw, ah, bw, bh)
        if c is None:
            continue
        (cx, cy), (cw, ch) = places[c], sizes[c]
        limit_x, limit_y = (need_x, need_y) if third_gap is None else (third_gap, third_gap)
        near = abs(ax - cx) - aw - cw < limit_x and abs(ay - cy) - ah - ch < limit_y
        if near and cw * ch > max(aw * ah, bw * bh):
            sizes[c] = [smaller[cw], smaller[ch]]
            changed |= sizes[c] != [cw, ch]
    sizes[a], sizes[b] = [aw, ah], [bw, bh]


def shrink_at_once(
    centres: np.ndarray, half: np.ndarray, min_half: int, overlap_correction: bool, least_gap: int = 1
) -> np.ndarray:
    """Shrink all regions at once, whatever the order of the heads.

    Every pair of a head and one of its four nearest neighbours (all that are as near as the fourth) that comes too
    close along both axes asks its heads for factors on the sides they came with: the larger region shrinks until both
    have the same area, then both shrink, until the required gap, or ``least_gap``, is reached along one axis. A head
    obeys the smallest factor. So regions of such pairs never touch unless ``min_half`` stops them, and a region depends
    on heads near it only.

    Args:
        centres (np.ndarray): (N, 2) int64 xy, pixels.
        half (np.ndarray): (N, 2) int64 half width and height, pixels.
        min_half (int): Smallest half side, pixels.
        overlap_correction (bool): See :func:`required_gap`.
        least_gap (int): Least required gap, pixels.

    Returns:
        np.ndarray: (N, 2) int64 half width and height.
    """
    index, distance = nearest_heads(centres)
    if len(index) == 0:
        return half
    near = np.isfinite(distance) & (distance <= distance[:, NEIGHBOURS - 1 : NEIGHBOURS])
    one, rank = near.nonzero()
    other = index[one, rank]
    area = half.prod(axis=1)
    swap = area[one] < area[other]
    large, small = np.where(swap, other, one), np.where(swap, one, other)
    apart = np.abs(centres[large] - centres[small])
    gap = np.maximum(required_gap(apart, half[large], half[small], overlap_correction), least_gap)
    close = (apart - half[large] - half[small] < gap).all(axis=1)
    large, small, room = large[close], small[close], (apart - gap)[close]
    # Along one axis: the factor of the larger while only it shrinks, ended where both have the same area.
    equal = np.sqrt(area[small] / area[large])[:, None]
    alone = (room - half[small]) / half[large]
    both = np.maximum(room, 0) / (equal * half[large] + half[small])
    factor_small = np.where(alone >= equal, 1, both).max(axis=1)
    factor_large = np.where(alone >= equal, alone, equal * both).max(axis=1)
    factor = np.ones(len(half))
    np.minimum.at(factor, large, factor_large)
    np.minimum.at(factor, small, factor_small)
    # The last bit of a product decides nothing: a factor made for 5 pixels gives 5, not 4.
    return np.maximum(np.floor(half * factor[:, None] + 1e-9).astype(np.int64), min_half)


def nearest_heads(centres: np.ndarray, number: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Nearest other heads, by distance and, among equally near ones, by index.

    Of more than ``number`` heads within the same distance as the last, any may be returned.

    Args:
        centres (np.ndarray): (N, 2) xy.
        number (int): Neighbours to find.

    Returns:
        tuple[np.ndarray, np.ndarray]: (N, number) indices, N where there are fewer heads, and distances, then inf.
    """
    total = len(centres)
    if total == 0:
        return np.zeros((0, number), np.int64), np.zeros((0, number))
    distance, index = cKDTree(centres).query(centres, k=number + 1)
    # Of more than `number` coincident heads, a head itself may be missing: the last of the others gives way.
    own = index == np.arange(total)[:, None]
    own[~own.any(axis=1), -1] = True
    index, distance = (x[~own].reshape(total, number) for x in (index, distance))
    order = np.lexsort((index, distance))
    return np.take_along_axis(index, order, axis=1), np.take_along_axis(distance, order, axis=1)


def draw_regions(regions: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Draw rectangles, those of a whole crowd at once.

    Every row of a rectangle adds one where it starts and takes one off where it ends; the running sum is positive
    inside.

    Args:
        regions (np.ndarray): (N, 4) int64 x1, y1, x2, y2, cells, half open; they may lie beyond the map.
        shape (tuple[int, int]): Rows and columns of the map.

    Returns:
        np.ndarray: (h, w) float32, 1 inside and 0 outside.
    """
    height, width = shape
    low, high = regions[:, :2].clip(0, (width, height)), regions[:, 2:].clip(0, (width, height))
    drawn = (high > low).all(axis=1)
    low, high = low[drawn], high[drawn]
    rows = high[:, 1] - low[:, 1]
    ends = np.cumsum(rows)
    row = np.arange(rows.sum()) + np.repeat(low[:, 1] - (ends - rows), rows)
    step = np.zeros(height * width + 1, np.int32)
    np.add.at(step, row * width + np.repeat(low[:, 0], rows), 1)
    np.subtract.at(step, row * width + np.repeat(high[:, 0], rows), 1)
    np.cumsum(step, out=step)
    return (step[:-1] > 0).astype(np.float32).reshape(shape)
