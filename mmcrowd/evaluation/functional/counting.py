"""Counting errors, overall and by groups of images."""

from collections.abc import Sequence

import numpy as np


def counting_errors(pred: np.ndarray, gt: np.ndarray) -> dict[str, float]:
    """MAE, RMSE and NAE.

    RMSE is what most papers print as "MSE". NAE averages ``|pred - gt| / gt`` over images that have heads.

    Args:
        pred: (I,) predicted count per image, may be fractional.
        gt: (I,) annotated count per image.

    Returns:
        ``mae``, ``rmse``, ``nae`` (NaN when they average over nothing), ``num_images``, ``nae_images``.

    Raises:
        ValueError: If the lengths differ, a count is not finite or an annotated one is negative.
    """
    pred, gt = _counts(pred, 'predicted'), _counts(gt, 'annotated')
    if pred.shape != gt.shape:
        raise ValueError(f'expected one predicted count per annotated one, found {len(pred)} and {len(gt)}')
    if (gt < 0).any():
        raise ValueError(f'annotated count of image {int(np.argmin(gt))} is negative: {gt.min()}')
    error, some = np.abs(pred - gt), gt > 0
    return dict(
        mae=_mean(error),
        rmse=_mean(error**2) ** 0.5,
        nae=_mean(error[some] / gt[some]),
        num_images=len(gt),
        nae_images=int(some.sum()),
    )


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float('nan')


def _counts(values: np.ndarray, name: str) -> np.ndarray:
    counts = np.asarray(values, np.float64).reshape(-1)
    if not np.isfinite(counts).all():
        row = int(np.flatnonzero(~np.isfinite(counts))[0])
        raise ValueError(f'{name} count of image {row} is not finite: {counts[row]}')
    return counts


def counting_errors_by(
    pred: np.ndarray, gt: np.ndarray, groups: Sequence[str], names: Sequence[str] | None = None
) -> dict[str, dict[str, float]]:
    """:func:`counting_errors` of each group of images.

    Args:
        pred: (I,) predicted counts.
        gt: (I,) annotated counts.
        groups: (I,) group name of each image.
        names: Order of the groups; groups without an image are left out. None sorts by name.

    Returns:
        Errors by group name.
    """
    pred, gt, groups = np.asarray(pred, np.float64), np.asarray(gt, np.float64), np.asarray(groups)
    if len(groups) != len(gt):
        raise ValueError(f'expected one group name per image ({len(gt)}), found {len(groups)}')
    return {name: counting_errors(pred[groups == name], gt[groups == name]) for name in group_order(groups, names)}


def group_order(groups: np.ndarray, names: Sequence[str] | None = None) -> list[str]:
    """The groups that have an image, in the order of ``names`` or sorted.

    Raises:
        ValueError: If a group is not among the names.
    """
    present = set(groups.tolist())
    order = sorted(present) if names is None else [n for n in names if n in present]
    if present - set(order):
        raise ValueError(f'groups not among {list(names)}: {sorted(present - set(order))}')
    return order


def mean_of_groups(by_group: dict[str, dict[str, float]], key: str = 'mae') -> float:
    """Unweighted mean of a figure over groups, as the "Avg" of NWPU-Crowd's levels and WorldExpo'10's scenes."""
    return float(np.mean([errors[key] for errors in by_group.values()])) if by_group else float('nan')


SCENE_LEVELS = ('S0', 'S1', 'S2', 'S3', 'S4')
"""NWPU-Crowd's scene levels by annotated count: 0, (0, 100], (100, 500], (500, 5000], more."""


def scene_levels(gt: np.ndarray) -> np.ndarray:
    """Scene level name of each image by its annotated count, (I,) -> (I,) str."""
    return np.asarray(SCENE_LEVELS)[np.searchsorted([0, 100, 500, 5000], np.asarray(gt), side='left')]


JHU_CATEGORIES = ('low', 'medium', 'high')
"""JHU-Crowd++'s categories by annotated count: 0 to 50, 51 to 500, more."""


def jhu_categories(gt: np.ndarray) -> np.ndarray:
    """JHU-Crowd++ category of each image by its annotated count, (I,) -> (I,) str."""
    return np.asarray(JHU_CATEGORIES)[np.searchsorted([50, 500], np.asarray(gt), side='left')]


LUMINANCE_LEVELS = ('L0', 'L1', 'L2', 'L3')
"""NWPU-Crowd's luminance levels by mean luminance: up to 0.25, 0.5, 0.75, and more."""


def luminance_levels(luminance: np.ndarray) -> np.ndarray:
    """Level name of each image by its mean luminance, (I,) fractions -> (I,) str."""
    return np.asarray(LUMINANCE_LEVELS)[np.searchsorted([0.25, 0.5, 0.75], np.asarray(luminance), side='left')]


def mean_luminance(image: np.ndarray) -> float:
    """Mean luminance ``0.299 R + 0.587 G + 0.114 B`` as a fraction of (H, W, 3) BGR uint8."""
    return float(np.asarray(image, np.float64).reshape(-1, 3).mean(axis=0) @ [0.114, 0.587, 0.299] / 255)
