"""Overlap of boxes that belong together."""

import numpy as np


def paired_iou(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of each box with its counterpart.

    Args:
        boxes: (N, 4) xyxy.
        others: (N, 4) xyxy.

    Returns:
        (N,) in [0, 1]; 0 where both boxes have no area.
    """
    boxes, others = (np.asarray(x, np.float64).reshape(-1, 4) for x in (boxes, others))
    sides = np.minimum(boxes[:, 2:], others[:, 2:]) - np.maximum(boxes[:, :2], others[:, :2])
    common = sides.clip(0).prod(axis=1)
    areas = [(x[:, 2:] - x[:, :2]).clip(0).prod(axis=1) for x in (boxes, others)]
    union = areas[0] + areas[1] - common
    return np.divide(common, union, out=np.zeros_like(common), where=union > 0)
