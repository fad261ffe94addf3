"""FoveaBox for crowds."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmdet.models.dense_heads import FoveaHead
from mmengine.structures import InstanceData
from torch import Tensor

from mmcrowd.registry import MODELS

from .crowd_box_head import CrowdBoxMixin


@MODELS.register_module()
class CrowdFoveaHead(CrowdBoxMixin, FoveaHead):
    """mmdet's ``FoveaHead`` for crowds: see :class:`CrowdBoxMixin`.

    A batch without positive cells gives a zero ``loss_bbox`` with a graph; the parent's constant leaves the box branch
    without gradients, which stops distributed training. Targets are those of the parent, without its loop over heads,
    but for ``center_cell``. Boxes are clipped to the image's width and height, not to one pixel less.

    Args:
        *args: Those of ``FoveaHead``.
        center_cell (bool): Whether a head whose positive area holds no cell gets that of its centre. The area is
            ``sigma`` of the box, 8 pixels of a head of 20, so at stride 8 many small heads are never learnt without.
            False is mmdet's assignment.
        **kwargs: Those of ``FoveaHead``.
    """

    def __init__(self, *args, center_cell: bool = True, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.center_cell = center_cell

    def loss_by_feat(self, cls_scores: list[Tensor], bbox_preds: list[Tensor], *args, **kwargs) -> dict[str, Tensor]:
        """Losses from the maps of all levels; arguments as in mmdet."""
        losses = super().loss_by_feat(cls_scores, bbox_preds, *args, **kwargs)
        if not losses['loss_bbox'].requires_grad:
            losses['loss_bbox'] = losses['loss_bbox'] + sum((0 * pred).sum() for pred in bbox_preds)
        return losses

    def _get_targets_single(
        self, gt_instances: InstanceData, featmap_size_list: Sequence[tuple[int, int]], priors_list: Sequence[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Class indices (h, w) and box targets (h, w, 4) of every level, for one image."""
        boxes, labels = gt_instances.bboxes, gt_instances.labels
        sizes = torch.sqrt((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))
        all_labels, all_targets = [], []
        for level, (shape, priors) in enumerate(zip(featmap_size_list, priors_list, strict=True)):
            low, high = self.scale_ranges[level]
            heads = ((sizes >= low) & (sizes <= high)).nonzero()[:, 0]
            # Where heads overlap, the smallest one has the cell: it comes last, as in the parent.
            heads = heads[torch.sort(-sizes[heads])[1]]
            owner = last_owner(self._foveas(boxes[heads] / self.strides[level], shape), shape)
            cells = (owner >= 0).nonzero()[:, 0]
            head = heads[owner[cells]]
            label = labels.new_full(owner.shape, self.num_classes)
            label[cells] = labels[head]
            points = priors.reshape(-1, 2)[cells]
            distances = torch.cat([points - boxes[head, :2], boxes[head, 2:] - points], dim=1)
            target = boxes.new_zeros(len(owner), 4)
            target[cells] = torch.log((distances / self.base_edge_list[level]).clamp(min=1 / 16, max=16))
            all_labels.append(label.view(*shape))
            all_targets.append(target.view(*shape, 4))
        return all_labels, all_targets

    def _foveas(self, boxes: Tensor, shape: tuple[int, int]) -> Tensor:
        """First and last cell of the positive area of boxes.

        Args:
            boxes (Tensor): (N, 4) xyxy, cells.
            shape (tuple[int, int]): Rows and columns of the map.

        Returns:
            Tensor: (N, 4) long, left, top, right, bottom; without ``center_cell`` an area may be empty.
        """
        half = 0.5 * (boxes[:, 2:] - boxes[:, :2])
        first = torch.ceil(boxes[:, :2] + (1 - self.sigma) * half - 0.5).long()
        last = torch.floor(boxes[:, :2] + (1 + self.sigma) * half - 0.5).long()
        if self.center_cell:
            middle = (boxes[:, :2] + half).floor().long()
            first, last = (torch.where(first > last, middle, edge) for edge in (first, last))
        end = last.new_tensor([shape[1] - 1, shape[0] - 1])
        return torch.cat([torch.minimum(edge.clamp(min=0), end) for edge in (first, last)], dim=1)

    def _bbox_decode(
        self, priors: Tensor, bbox_pred: Tensor, base_len: int, max_shape: tuple[int, int] | None
    ) -> Tensor:
        """Boxes (N, 4) xyxy of cells at ``priors`` (N, 2); not clipped here, whatever ``max_shape``."""
        reach = base_len * bbox_pred.exp()
        return torch.cat([priors - reach[:, :2], priors + reach[:, 2:]], dim=1)


def last_owner(areas: Tensor, shape: tuple[int, int]) -> Tensor:
    """Which of overlapping rectangles was drawn last, for every cell of a map.

    Args:
        areas (Tensor): (N, 4) long, left, top, right and bottom cell, inclusive, all inside the map.
        shape (tuple[int, int]): Rows and columns of the map.

    Returns:
        Tensor: (rows * columns,) index of the rectangle, -1 where there is none.
    """
    width, height = (areas[:, 2:] - areas[:, :2] + 1).clamp(min=0).unbind(dim=1)
    number = width * height
    index = torch.repeat_interleave(torch.arange(len(areas), device=areas.device), number)
    place = torch.arange(len(index), device=areas.device) - (number.cumsum(0) - number)[index]
    row = areas[index, 1] + place // width[index]
    column = areas[index, 0] + place % width[index]
    owner = areas.new_full((shape[0] * shape[1],), -1)
    return owner.scatter_reduce(0, row * shape[1] + column, index, 'amax')
