"""Max IoU assignment in bounded memory."""

import torch
from mmdet.models.task_modules.assigners import AssignResult, MaxIoUAssigner
from mmdet.models.task_modules.assigners.max_iou_assigner import perm_repeat_bboxes
from mmdet.structures.bbox import get_box_tensor
from mmengine.structures import InstanceData
from torch import Tensor

from mmcrowd.registry import TASK_UTILS

DEFAULT_MAX_PAIRS = 2**20


def split_rows(num_rows: int, num_columns: int, max_pairs: int, device: torch.device | str = 'cpu') -> list[Tensor]:
    """Indices of the rows of a matrix, in order, in parts of at most ``max_pairs`` entries and at least one row.

    Args:
        num_rows: Rows of the matrix.
        num_columns: Columns of the matrix.
        max_pairs: Entries of the matrix that may be held at once.
        device: Device of the indices.

    Returns:
        Parts of ``arange(num_rows)``, none of them empty.
    """
    rows = max(1, max_pairs // max(num_columns, 1))
    return [part for part in torch.arange(num_rows, device=device).split(rows) if len(part)]


def check_max_pairs(max_pairs: int) -> int:
    """``max_pairs`` itself; a value below one is a ``ValueError``."""
    if max_pairs < 1:
        raise ValueError(f'max_pairs must be at least 1, found {max_pairs}')
    return max_pairs


@TASK_UTILS.register_module()
class ChunkedMaxIoUAssigner(MaxIoUAssigner):
    """mmdet's ``MaxIoUAssigner`` without the matrix of all overlaps: same options, same result.

    The overlaps of a few boxes with all priors are computed at a time. What the assignment needs of them is small: the
    best box of every prior, and the last box that claims a prior as its own best (low-quality matching). A tie between
    boxes goes to the lowest index, as ``torch.max`` along a dimension defines it.

    A pair costs about 40 bytes while its part is computed. Small parts are the fastest on a processor, whose cache
    they fit; a large accelerator is busier with ``max_pairs=2**24``.

    Args:
        *args: Those of ``MaxIoUAssigner``.
        max_pairs: Pairs of prior and box whose overlap is held at once; one box with all priors is the least.
        **kwargs: Those of ``MaxIoUAssigner``.

    Raises:
        ValueError: If ``max_pairs`` is below one.
    """

    def __init__(self, *args, max_pairs: int = DEFAULT_MAX_PAIRS, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.max_pairs = check_max_pairs(max_pairs)

    def assign(
        self,
        pred_instances: InstanceData,
        gt_instances: InstanceData,
        gt_instances_ignore: InstanceData | None = None,
        **kwargs,
    ) -> AssignResult:
        """Assigns boxes to priors.

        Args:
            pred_instances: ``priors`` of shape (N, 4), xyxy in pixels of the network's input.
            gt_instances: ``bboxes`` of shape (G, 4), same frame, and ``labels`` of shape (G,).
            gt_instances_ignore: ``bboxes`` of shape (M, 4): priors mostly inside one of them take part in nothing.
            **kwargs: Ignored, as in the parent.

        Returns:
            ``gt_inds`` (N,): -1 ignored, 0 background, i + 1 the box i; ``max_overlaps`` (N,); ``labels`` (N,).
        """
        priors = get_box_tensor(pred_instances.priors)
        boxes, labels = get_box_tensor(gt_instances.bboxes), gt_instances.labels
        regions = boxes[:0] if gt_instances_ignore is None else get_box_tensor(gt_instances_ignore.bboxes)
        device = priors.device
        if 0 < self.gpu_assign_thr < len(boxes):
            priors, boxes, labels, regions = (x.cpu() for x in (priors, boxes, labels, regions))
        if self.perm_repeat_gt_cfg is not None and len(priors):
            boxes = perm_repeat_bboxes(boxes, self.iou_calculator, self.perm_repeat_gt_cfg)
        result = self._assign(priors, boxes, labels, regions)
        result.gt_inds = result.gt_inds.to(device)
        result.max_overlaps = result.max_overlaps.to(device)
        result.labels = result.labels.to(device)
        return result

    def _assign(self, priors: Tensor, boxes: Tensor, labels: Tensor, regions: Tensor) -> AssignResult:
        """``assign`` of tensors on one device: (N, 4), (G, 4), (G,), (M, 4)."""
        if not len(priors) or not len(boxes):
            return self.assign_wrt_overlaps(self.iou_calculator(boxes, priors), labels)
        ignored = self._find_ignored(priors, regions)
        best_overlap, best_box, claims = None, None, labels.new_zeros(len(priors), dtype=torch.long)
        for part in split_rows(len(boxes), len(priors), self.max_pairs, boxes.device):
            overlaps = self.iou_calculator(boxes[part], priors)
            overlaps.masked_fill_(ignored, -1)
            overlap, row = overlaps.max(dim=0)
            if best_overlap is None:
                best_overlap, best_box = overlap, row
            else:
                best_overlap, newer = torch.stack((best_overlap, overlap)).max(dim=0)
                best_box = torch.where(newer.bool(), part[row], best_box)
            if self.match_low_quality:
                claims = torch.maximum(claims, self._claim(overlaps, part))
        gt_inds = self._threshold(best_overlap, best_box)
        gt_inds = torch.where(claims > 0, claims, gt_inds)
        assigned = torch.where(gt_inds > 0, labels[(gt_inds - 1).clamp(min=0)].long(), -1)
        return AssignResult(num_gts=len(boxes), gt_inds=gt_inds, max_overlaps=best_overlap, labels=assigned)

    def _find_ignored(self, priors: Tensor, regions: Tensor) -> Tensor:
        """Mask (N,) of the priors that lie in a region to ignore."""
        ignored = torch.zeros(len(priors), dtype=torch.bool, device=priors.device)
        if self.ignore_iof_thr <= 0:
            return ignored
        for part in split_rows(len(regions), len(priors), self.max_pairs, regions.device):
            if self.ignore_wrt_candidates:
                inside = self.iou_calculator(priors, regions[part], mode='iof').amax(dim=1)
            else:
                inside = self.iou_calculator(regions[part], priors, mode='iof').amax(dim=0)
            ignored |= inside > self.ignore_iof_thr
        return ignored

    def _claim(self, overlaps: Tensor, part: Tensor) -> Tensor:
        """The last box of a part that holds each prior for its best one.

        Args:
            overlaps: (P, N) of the part's boxes with all priors.
            part: (P,) indices of these boxes, ascending.

        Returns:
            (N,) index + 1 of the box, 0 where no box claims the prior.
        """
        highest, prior = overlaps.max(dim=1)
        claim = torch.where(highest >= self.min_pos_iou, part + 1, 0)
        if self.gt_max_assign_all:
            return torch.where(overlaps == highest[:, None], claim[:, None], 0).amax(dim=0)
        return claim.new_zeros(overlaps.shape[1]).scatter_reduce(0, prior, claim, 'amax')

    def _threshold(self, overlap: Tensor, box: Tensor) -> Tensor:
        """Indices (N,) of the assigned boxes by the thresholds alone, from each prior's best overlap and box."""
        gt_inds = torch.full_like(box, -1)
        if isinstance(self.neg_iou_thr, float):
            gt_inds[(overlap >= 0) & (overlap < self.neg_iou_thr)] = 0
        elif isinstance(self.neg_iou_thr, tuple):
            low, high = self.neg_iou_thr
            gt_inds[(overlap >= low) & (overlap < high)] = 0
        return torch.where(overlap >= self.pos_iou_thr, box + 1, gt_inds)
