"""Regions of RAZ-Net as one would first write them: anchor by anchor, the mean from the map itself, pair by pair."""

from __future__ import annotations

import itertools

import numpy as np
import torch


def overlap_of(a: list[int], b: list[int]) -> float:
    """Intersection over union of two boxes xyxy."""
    width, height = (min(a[i + 2], b[i + 2]) - max(a[i], b[i]) for i in (0, 1))
    both = max(width, 0) * max(height, 0)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def naive_regions(
    attention: np.ndarray,
    shape: tuple[int, int],
    stride: int,
    seed: int,
    num_points: int = 200,
    threshold: float = 0.01,
    overlap: float = 0.5,
    number: int = 10,
    align: int = 8,
) -> list[tuple[list[int], float]]:
    """Boxes and scores, best first. Arguments as those of :func:`mmcrowd.models.zooming.propose_regions`."""
    height, width = shape
    rows, cols = -(-height // align), -(-width // align)
    step = align // stride
    cells = attention[: -(-height // stride), : -(-width // stride)].astype(np.float64)
    weights = [
        cells[r * step : (r + 1) * step, c * step : (c + 1) * step].sum() for r in range(rows) for c in range(cols)
    ]
    running = np.cumsum(weights)
    draws = torch.rand(num_points, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)).numpy()
    found = []
    for draw in draws if running[-1] > 0 else ():
        row, col = divmod(int(np.searchsorted(running, draw * running[-1], side='right')), cols)
        for factor, ratio in itertools.product((1, 2), (1.0, 0.5, 2.0)):
            side = factor * min(shape) / 3
            wide = min(max(round(side / ratio**0.5 / align), 1), cols)
            high = min(max(round(side * ratio**0.5 / align), 1), rows)
            x1 = min(max(col - (wide - 1) // 2, 0), cols - wide) * align
            y1 = min(max(row - (high - 1) // 2, 0), rows - high) * align
            x2, y2 = min(x1 + wide * align, width), min(y1 + high * align, height)
            inside = cells[y1 // stride : -(-y2 // stride), x1 // stride : -(-x2 // stride)]
            if inside.mean() >= threshold:
                found.append(([x1, y1, x2, y2], inside.mean()))
    kept = []
    for box, score in sorted(found, key=lambda each: -each[1]):
        if all(overlap_of(box, better) <= overlap for better, _ in kept):
            kept.append((box, score))
    return kept[:number]
