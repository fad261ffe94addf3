"""Instance maps as the released code of IIM makes and reads them, written out: slow, for tests and benchmarks."""

import cv2
import numpy as np
import torch
from torch import Tensor


def reference_halves(
    points: np.ndarray,
    boxes: np.ndarray,
    cap: int = 25,
    min_half: int = 2,
    overlap_correction: bool = True,
    third_gap: int | None = 3,
) -> list[list[int]]:
    """Half width and height of every head's region, pair by pair in plain Python.

    The head itself is put first among coincident ones, and the neighbour after the last is left out.
    """
    centres = [(int(x), int(y)) for x, y in points]
    halves = [
        [min(int(max((x2 - x1) / 2, 3)), cap), min(int(max((y2 - y1) / 2, 3)), cap)]
        for x1, y1, x2, y2 in boxes.tolist()
    ]
    places = np.array(centres, dtype=float).reshape(-1, 2)

    def gap(a: int, b: int, axis: int) -> int:
        return abs(centres[a][axis] - centres[b][axis]) - halves[a][axis] - halves[b][axis]

    def area(a: int) -> int:
        return halves[a][0] * halves[a][1]

    def shrink(a: int) -> None:
        halves[a] = [max(int(half * 0.9), min_half) for half in halves[a]]

    for a in range(len(centres)):
        distance = np.sqrt(((places - places[a]) ** 2).sum(axis=1))
        distance[a] = -1
        order = np.argsort(distance, kind='stable').tolist()
        for rank in range(1, min(5, len(order))):
            b = order[rank]
            c = order[rank + 1] if rank + 1 < len(order) else None
            taken = [0.0, 0.0]
            if overlap_correction and gap(a, b, 0) < 0 and gap(a, b, 1) < 0:
                taken = [-gap(a, b, 0) / 2, -gap(a, b, 1) / 2]
            need = [int(max(halves[a][k] - taken[k], halves[b][k] - taken[k]) / 2) for k in (0, 1)]
            for _ in range(41):
                if gap(a, b, 0) >= need[0] or gap(a, b, 1) >= need[1]:
                    break
                shrink(a if area(a) >= area(b) else b)
                limit = need if third_gap is None else [third_gap, third_gap]
                if c is None or area(c) <= max(area(a), area(b)):
                    continue
                if gap(a, c, 0) < limit[0] and gap(a, c, 1) < limit[1]:
                    shrink(c)
    return halves


def reference_mask(
    points: np.ndarray, halves: list[list[int]], shape: tuple[int, int], drop_border: bool = False
) -> np.ndarray:
    """Regions filled head by head: (h, w) float32. ``drop_border`` leaves out heads in column or row 0."""
    mask = np.zeros(shape, np.float32)
    for (x, y), (half_width, half_height) in zip(points, halves, strict=True):
        col, row = int(x), int(y)
        if drop_border and (col == 0 or row == 0):
            continue
        right, bottom = col + max(half_width, 1), row + max(half_height, 1)
        mask[max(row - half_height, 0) : bottom, max(col - half_width, 0) : right] = 1
    return mask


def tile_windows(shape: tuple[int, int], tile: tuple[int, int] = (512, 1024)) -> list[tuple[slice, slice]]:
    """Rows and columns of the tiles that cover a map; the last ones are moved back inside."""
    starts = [
        [max(min(side - step, i), 0) for i in range(0, side, step)] for side, step in zip(shape, tile, strict=True)
    ]
    return [
        (slice(top, min(top + tile[0], shape[0])), slice(left, min(left + tile[1], shape[1])))
        for top in starts[0]
        for left in starts[1]
    ]


def reference_decode(tiles: list[Tensor], shape: tuple[int, int], min_area: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Centroids (N, 2), cells, and bounding rectangles (N, 4) x, y, width, height of averaged tiles.

    Every tile, (2, h, w) confidence and threshold, has a mask of the whole image, all of them joined before they are
    added up.
    """
    windows = tile_windows(shape)
    masks = []
    for rows, cols in windows:
        mask = torch.zeros(1, 1, *shape)
        mask[:, :, rows, cols] = 1
        masks.append(mask)
    masks = torch.cat(masks)
    confidence, threshold = torch.zeros(1, 1, *shape), torch.zeros(1, 1, *shape)
    for (rows, cols), tile in zip(windows, tiles, strict=True):
        confidence[:, :, rows, cols] += tile[:1]
        threshold[:, :, rows, cols] += tile[1:]
    hits = masks.sum(dim=0)
    confidence, threshold = confidence / hits, threshold / hits
    binary = torch.where(confidence >= threshold, torch.ones_like(confidence), torch.zeros_like(confidence))
    binary = binary[0, 0].numpy().astype(np.uint8)
    _, _, stats, centroids = cv2.connectedComponentsWithStats(binary, connectivity=4)
    keep = stats[1:, cv2.CC_STAT_AREA] >= min_area
    return centroids[1:][keep], stats[1:, :4][keep]
