"""Heads as arrays, read from whatever holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch


def to_numpy(value: Any) -> np.ndarray:
    """Tensor, box object or array to a numpy array on the CPU."""
    value = getattr(value, 'tensor', value)
    return value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)


@dataclass(frozen=True)
class Heads:
    """Heads of one image, in the frame they were read from.

    Attributes:
        points: (N, 2) float64 xy.
        boxes: (N, 4) float64 xyxy, NaN where unknown.
        scores: (N,) float64, None where there are none.
    """

    points: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.points)

    @classmethod
    def none(cls) -> Heads:
        """No heads."""
        return cls(np.zeros((0, 2)), np.zeros((0, 4)))

    @classmethod
    def read(cls, instances: Mapping | Any | None) -> Heads | None:
        """Read heads from instances (InstanceData or dict of tensors, arrays or mmdet boxes).

        A detector without points gives the centres of its boxes. What holds neither points nor boxes is None: no heads
        were asked for, which is something else than no heads found.
        """
        if instances is None or ('points' not in instances and 'bboxes' not in instances):
            return None
        boxes, scores = instances.get('bboxes'), instances.get('scores')
        if boxes is not None:
            boxes = to_numpy(boxes).astype(np.float64).reshape(-1, 4)
        if 'points' in instances:
            points = to_numpy(instances.get('points')).astype(np.float64).reshape(-1, 2)
        else:
            points = (boxes[:, :2] + boxes[:, 2:]) / 2
        if boxes is None:
            boxes = np.full((len(points), 4), np.nan)
        return cls(points, boxes, None if scores is None else to_numpy(scores).astype(np.float64).reshape(-1))

    def select(self, keep: np.ndarray) -> Heads:
        """The heads where ``keep`` (N,) bool holds."""
        return Heads(self.points[keep], self.boxes[keep], None if self.scores is None else self.scores[keep])
