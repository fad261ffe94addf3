"""Points from densities by optimal transport."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

_LINKS = 8
"""Points among which the mass of a cell may be divided: the nearest ones."""
_SOFTNESS = (0.25, 0.01)
"""How soft the transport is at first and in the end, relative to the squared distance of the third nearest point."""


def place_heads(
    cells: np.ndarray, mass: np.ndarray, number: int, stride: int, steps: int = 24
) -> tuple[np.ndarray, np.ndarray]:
    """Place a number of points so that each takes an equal share of a density, and the mass moves as little as can be.

    Source of the idea: Lin and Chan, "Optimal Transport Minimization: Crowd Localization on Density Maps for
    Semi-Supervised Counting", which alternates between the transport from cells to points and moving every point to the
    centre of what it gets. Here a cell is linked to its nearest points only, with distances relative to how far apart
    these are, so a step is linear in the number of cells; the points start in equal shares along a curve through all
    cells, and the transport sharpens from step to step. The order of the cells does not matter.

    Args:
        cells: (M, 2) xy centres of the cells, pixels.
        mass: (M,) positive mass of each.
        number: Points to place.
        stride: Side of a cell, pixels.
        steps: Times that the points move.

    Returns:
        (N, 2) xy, pixels, and (N,) scores: the mean mass of the cells that a point is made of; ``number`` of them, or
        none where there is no mass.
    """
    if number == 0 or len(cells) == 0:
        return np.zeros((0, 2)), np.zeros(0)
    order = np.argsort(_curve((np.asarray(cells) / stride).astype(np.uint64)))
    cells, mass = np.asarray(cells, np.float64)[order], np.asarray(mass, np.float64)[order]
    share = mass.sum() / number
    taken = np.searchsorted(np.cumsum(mass), (np.arange(number) + 0.5) * share).clip(max=len(cells) - 1)
    # Several points of one cell start apart, or they would stay together.
    points = cells[taken] + stride * (np.modf(np.outer(np.arange(number), (0.7549, 0.5698)))[0] - 0.5)
    potential = np.zeros(number)
    for softness in np.geomspace(*_SOFTNESS, steps):
        distance, link = cKDTree(points).query(cells, k=min(_LINKS, number))
        distance, link = distance.reshape(len(cells), -1) ** 2, link.reshape(len(cells), -1)
        third = distance[:, min(2, distance.shape[1] - 1), None]
        cost = distance / np.maximum(softness * third, (0.25 * stride) ** 2)
        for _ in range(10):
            gain = potential[link] - cost
            plan = np.exp(gain - gain.max(axis=1, keepdims=True))
            plan *= (mass / plan.sum(axis=1))[:, None]
            got = _per_point(link, plan, number)
            potential += 0.7 * np.log(share / np.maximum(got, 1e-3 * share))
            potential -= potential.mean()
        centres = np.stack([_per_point(link, plan * cells[:, axis, None], number) for axis in (0, 1)], axis=1)
        moved = got > 1e-3 * share
        points[moved] = centres[moved] / got[moved, None]
    scores = _per_point(link, plan * mass[:, None], number) / np.maximum(got, 1e-12)
    return points, scores


def _per_point(link: np.ndarray, values: np.ndarray, number: int) -> np.ndarray:
    """Sum values (M, k) of links by the point that they lead to, (number,)."""
    return np.bincount(link.ravel(), values.ravel(), number)


def _curve(cells: np.ndarray) -> np.ndarray:
    """Place of cells (M, 2) along a curve on which neighbours are mostly near: the bits of both indices interleaved."""
    code = np.zeros(len(cells), np.uint64)
    for bit in range(24):
        for axis in (0, 1):
            code |= ((cells[:, axis] >> np.uint64(bit)) & np.uint64(1)) << np.uint64(2 * bit + axis)
    return code
