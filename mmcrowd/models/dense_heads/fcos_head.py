"""FCOS for crowds."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from mmdet.models.dense_heads import FCOSHead
from mmengine.structures import InstanceData
from torch import Tensor

from mmcrowd.models.task_modules.chunked_max_iou_assigner import check_max_pairs
from mmcrowd.registry import MODELS

from .crowd_box_head import CrowdBoxMixin


@MODELS.register_module()
class CrowdFCOSHead(CrowdBoxMixin, FCOSHead):
    """mmdet's ``FCOSHead`` for crowds: see :class:`CrowdBoxMixin`, and target assignment in bounded memory.

    Targets are those of the parent, which holds some 130 bytes for each pair of location and head (9 GB for 5,000 heads
    in 608x1088 pixels). Here locations are assigned part by part, and only heads that reach into a part are compared.

    Args:
        *args: Those of ``FCOSHead``.
        max_pairs (int): Pairs of location and head that are held at once; 2**22 keeps a large accelerator busier.
        **kwargs: Those of ``FCOSHead``.

    Raises:
        ValueError: ``max_pairs`` is out of range.
    """

    def __init__(self, *args, max_pairs: int = 2**16, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.max_pairs = check_max_pairs(max_pairs)

    def _get_targets_single(
        self, gt_instances: InstanceData, points: Tensor, regress_ranges: Tensor, num_points_per_lvl: Sequence[int]
    ) -> tuple[Tensor, Tensor]:
        """Class indices (M,) and distances (M, 4) of the locations (M, 2) of one image.

        They are those of the parent, but for the distances of the background, which nothing reads.
        """
        heads = gt_instances
        if len(points) * len(heads) > self.max_pairs:
            heads = gt_instances[_reach_into(gt_instances.bboxes, points)]
        if len(points) * len(heads) <= self.max_pairs or len(points) == 1:
            return super()._get_targets_single(heads, points, regress_ranges, num_points_per_lvl)
        half = len(points) // 2
        parts = (slice(0, half), slice(half, len(points)))
        labels, distances = zip(
            *(
                self._get_targets_single(heads, points[p], regress_ranges[p], _clip_counts(num_points_per_lvl, p))
                for p in parts
            ),
            strict=True,
        )
        return torch.cat(labels), torch.cat(distances)


def _reach_into(boxes: Tensor, points: Tensor) -> Tensor:
    """Which boxes (N, 4) xyxy overlap the bounding box of points (M, 2), (N,) bool. No other holds one of them."""
    low, high = points.amin(dim=0), points.amax(dim=0)
    return ((boxes[:, :2] < high) & (boxes[:, 2:] > low)).all(dim=1)


def _clip_counts(counts: Sequence[int], part: slice) -> list[int]:
    """How many of each run of ``counts`` consecutive items lie in a part of all items."""
    ends = torch.tensor([0, *counts]).cumsum(0).clamp(part.start, part.stop).tolist()
    return [stop - start for start, stop in pairwise(ends)]
