"""FCOS for crowds."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from mmdet.models.dense_heads import FCOSHead
from mmdet.utils import reduce_mean
from mmengine.structures import InstanceData
from torch import Tensor

from mmcrowd.codecs.numerics import head_sigma
from mmcrowd.models.task_modules.chunked_max_iou_assigner import check_max_pairs
from mmcrowd.registry import MODELS

from .crowd_box_head import CrowdBoxMixin


@MODELS.register_module()
class CrowdFCOSHead(CrowdBoxMixin, FCOSHead):
    r"""mmdet's ``FCOSHead`` for crowds: see :class:`CrowdBoxMixin`, and target assignment in bounded memory.

    Targets are those of the parent, which holds some 130 bytes for each pair of location and head (9 GB for 5,000 heads
    in 608x1088 pixels). Here locations are assigned part by part, and only heads that reach into a part are compared.

    With ``soft_targets='gaussian'`` the target of a location that is assigned to a head is not 1 but

    .. math:: p = \exp(-(d_x^2 + d_y^2) / 2 \sigma^2)

    with its offset d from the centre of the box and sigma of the Mask Focal Loss paper (eq. 10), both in cells of the
    location's level. The paper trained FCOS with binary targets; this option carries its heat map over. ``loss_cls``
    must take float targets, as :class:`MaskFocalLoss` does.

    Args:
        *args: Those of ``FCOSHead``.
        soft_targets (str): 'binary' or 'gaussian'.
        eps (float): Divisor of the diameter in eq. 10, with 'gaussian'.
        eta (float): Weight of its small-object factor.
        size (str): 'full' or 'half', see :func:`mmcrowd.codecs.numerics.head_sigma`.
        max_pairs (int): Pairs of location and head that are held at once; 2**22 keeps a large accelerator busier.
        **kwargs: Those of ``FCOSHead``.

    Raises:
        ValueError: An option is out of range.
    """

    def __init__(
        self,
        *args,
        soft_targets: str = 'binary',
        eps: float = 6.0,
        eta: float = 1.0,
        size: str = 'full',
        max_pairs: int = 2**16,
        **kwargs,
    ) -> None:
        super().__init__(*args, **kwargs)
        if soft_targets not in ('binary', 'gaussian'):
            raise ValueError(f"CrowdFCOSHead: soft_targets must be 'binary' or 'gaussian', got {soft_targets!r}")
        if size not in ('full', 'half'):
            raise ValueError(f"CrowdFCOSHead: size must be 'full' or 'half', got {size!r}")
        if eps <= 0 or eta < 0:
            raise ValueError(f'CrowdFCOSHead: needs eps > 0 and eta >= 0, got {eps} and {eta}')
        self.soft_targets = soft_targets
        self.eps, self.eta, self.size = eps, eta, size
        self.max_pairs = check_max_pairs(max_pairs)

    def loss_by_feat(
        self,
        cls_scores: list[Tensor],
        bbox_preds: list[Tensor],
        centernesses: list[Tensor],
        batch_gt_instances: list[InstanceData],
        batch_img_metas: list[dict],
        batch_gt_instances_ignore: list[InstanceData] | None = None,
    ) -> dict[str, Tensor]:
        """Losses from the maps of all levels; arguments as in mmdet."""
        losses = super().loss_by_feat(
            cls_scores, bbox_preds, centernesses, batch_gt_instances, batch_img_metas, batch_gt_instances_ignore
        )
        if self.soft_targets == 'gaussian':
            scores = [s.permute(0, 2, 3, 1).reshape(-1, self.cls_out_channels) for s in cls_scores]
            heat, positives = self._make_heat(*self._targets)
            num_pos = reduce_mean(positives.float()).clamp(min=1)
            losses['loss_cls'] = self.loss_cls(torch.cat(scores), heat, avg_factor=num_pos)
            self._targets = None
        return losses

    def get_targets(
        self, points: list[Tensor], batch_gt_instances: list[InstanceData]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Class indices (M,) and distances (M, 4) of every level, as in mmdet."""
        labels, distances = super().get_targets(points, batch_gt_instances)
        if self.soft_targets == 'gaussian':
            self._targets = labels, distances
        return labels, distances

    def _make_heat(self, labels: Sequence[Tensor], distances: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Soft targets of all levels.

        Args:
            labels: (M,) class indices of each level, ``num_classes`` for the background.
            distances: (M, 4) to the left, top, right and bottom of the assigned box; in cells with ``norm_on_bbox``,
                in pixels without.

        Returns:
            tuple[Tensor, Tensor]: (sum of M, num_classes) heat, and the number of positive locations.
        """
        cells = [d if self.norm_on_bbox else d / s for d, s in zip(distances, self.strides, strict=True)]
        label, cells = torch.cat(list(labels)), torch.cat(cells)
        heat = cells.new_zeros(len(label), self.num_classes)
        positive = (label < self.num_classes).nonzero()[:, 0]
        left, top, right, bottom = cells[positive].unbind(dim=1)
        sigma = head_sigma(torch.minimum(left + right, top + bottom), self.eps, self.eta, self.size)
        squared = ((right - left) ** 2 + (bottom - top) ** 2) / 4
        value = torch.exp(-squared / (2 * sigma**2))
        # What underflows would be background to a loss whose mask is the support of its target.
        heat[positive, label[positive]] = value.clamp(min=torch.finfo(value.dtype).tiny)
        return heat, label.new_tensor(len(positive))

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
