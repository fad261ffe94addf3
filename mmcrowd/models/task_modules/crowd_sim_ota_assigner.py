"""SimOTA assignment in bounded memory."""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from mmdet.models.task_modules.assigners import AssignResult, SimOTAAssigner
from mmdet.models.task_modules.assigners.sim_ota_assigner import EPS, INF
from mmdet.structures.bbox import get_box_tensor
from mmengine.structures import InstanceData
from torch import Tensor

from mmcrowd.registry import TASK_UTILS

from .chunked_max_iou_assigner import DEFAULT_MAX_PAIRS, check_max_pairs, split_rows


@TASK_UTILS.register_module()
class CrowdSimOTAAssigner(SimOTAAssigner):
    """mmdet's ``SimOTAAssigner`` without its dense tensors and its loop over boxes: same options, same result.

    The costs of a few boxes with all valid priors are computed at a time (a prior is valid in some box or near some
    centre). The classification cost depends on a box by its label only, and is computed once per label present. As in
    the parent, a box chooses among *all* valid priors, those outside of it at a penalty of 1e5, and a prior chosen by
    several boxes goes to the cheapest of *all* boxes, even to one that did not choose it.

    Ties: between boxes, the lowest index. Between priors, ``torch.topk`` of one box's costs over the valid priors in
    their order, which is what the parent asks too: on a processor both answer the same.

    Args:
        *args: Those of ``SimOTAAssigner``.
        max_pairs: Pairs of prior and box whose cost is held at once, about 60 bytes each; one box with all priors is
            the least. Small parts are the fastest on a processor, 2**24 on a large accelerator.
        **kwargs: Those of ``SimOTAAssigner``.

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
            pred_instances: ``priors`` (N, 4) as (x, y, stride x, stride y), ``bboxes`` (N, 4) as decoded, xyxy,
                ``scores`` (N, C) in 0..1; all in pixels of the network's input.
            gt_instances: ``bboxes`` (G, 4) xyxy, same frame, and ``labels`` (G,).
            gt_instances_ignore: Ignored, as in the parent.
            **kwargs: Ignored, as in the parent.

        Returns:
            ``gt_inds`` (N,): 0 background, i + 1 the box i; ``max_overlaps`` (N,): overlap with the assigned box,
            -1e5 where there is none (0 if no prior is valid); ``labels`` (N,), -1 where there is none.
        """
        boxes, labels = get_box_tensor(gt_instances.bboxes), gt_instances.labels.long()
        predicted = get_box_tensor(pred_instances.bboxes)
        gt_inds = torch.zeros(len(predicted), dtype=torch.long, device=predicted.device)
        assigned_labels = torch.full_like(gt_inds, -1)
        parts = split_rows(len(boxes), len(predicted), self.max_pairs, boxes.device)
        valid, inside = self._find_regions(pred_instances.priors, boxes, parts)
        if not valid.any():
            return AssignResult(len(boxes), gt_inds, predicted.new_zeros(len(predicted)), labels=assigned_labels)
        predicted = predicted[valid]
        class_cost, class_of = self._class_cost(pred_instances.scores[valid], labels)
        wanted = self._dynamic_ks(predicted, boxes, parts)
        costs = (
            self._cost(predicted, boxes[part], class_cost[class_of[part]], pairs)
            for part, pairs in zip(parts, inside, strict=True)
        )
        prior, box, overlap = self._match(costs, parts, wanted, len(predicted))
        prior = valid.nonzero()[:, 0][prior]
        gt_inds[prior] = box + 1
        assigned_labels[prior] = labels[box]
        max_overlaps = torch.full_like(gt_inds, -INF, dtype=torch.float32)
        max_overlaps[prior] = overlap.float()
        return AssignResult(len(boxes), gt_inds, max_overlaps, labels=assigned_labels)

    def _find_regions(self, priors: Tensor, boxes: Tensor, parts: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Which priors lie in boxes and near their centres.

        Args:
            priors: (N, 4) as (x, y, stride x, stride y).
            boxes: (G, 4) xyxy.
            parts: Indices of boxes to look at together.

        Returns:
            The mask (N,) of the valid priors, those in some box or near some centre; and for every part the pairs
            (2, K), row of the part and index among the valid priors, of a prior both in the box and near its centre.
        """
        x, y, stride_x, stride_y = priors.t().contiguous()
        reach_x, reach_y = self.center_radius * stride_x, self.center_radius * stride_y
        centre_x, centre_y = ((boxes[:, :2] + boxes[:, 2:]) / 2.0)[..., None].unbind(1)
        x1, y1, x2, y2 = boxes[..., None].unbind(1)
        valid = torch.zeros(len(priors), dtype=torch.bool, device=priors.device)
        pairs = []
        for part in parts:
            in_box = (x > x1[part]) & (y > y1[part]) & (x < x2[part]) & (y < y2[part])
            # The parent's rounding: a prior on the very edge must fall on the same side.
            near = (x > centre_x[part] - reach_x) & (x < centre_x[part] + reach_x)
            near &= (y > centre_y[part] - reach_y) & (y < centre_y[part] + reach_y)
            valid |= (in_box | near).any(dim=0)
            pairs.append((in_box & near).nonzero().t())
        index = valid.cumsum(0) - 1
        return valid, [torch.stack((row, index[prior])) for row, prior in pairs]

    def _class_cost(self, scores: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Binary cross-entropy of scores with labels, summed over classes.

        Args:
            scores: (V, C).
            labels: (G,).

        Returns:
            The cost (L, V) of every label present, and which row of it is each label's, (G,).
        """
        present, row = labels.unique(return_inverse=True)
        with torch.autocast(scores.device.type, enabled=False):
            costs = [
                F.binary_cross_entropy(scores.float(), target.expand_as(scores), reduction='none').sum(-1)
                for target in F.one_hot(present, scores.shape[-1]).float()
            ]
        return torch.stack(costs).to(scores.dtype), row

    def _dynamic_ks(self, predicted: Tensor, boxes: Tensor, parts: list[Tensor]) -> Tensor:
        """How many priors each of (G, 4) boxes takes, (G,): the sum of its highest overlaps, truncated, at least 1."""
        topk = min(self.candidate_topk, len(predicted))
        highest = [self.iou_calculator(boxes[part], predicted).topk(topk, dim=1).values for part in parts]
        # One sum of all, laid out as the parent's: the order of summation decides a sum that is nearly whole.
        return torch.cat(highest).t().contiguous().sum(0).int().clamp(min=1)

    def _cost(self, predicted: Tensor, boxes: Tensor, class_cost: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
        """Cost of matching.

        Args:
            predicted: (V, 4) decoded boxes of the valid priors.
            boxes: (P, 4) those of a part.
            class_cost: (P, V).
            inside: (2, K) pairs of box and prior without a penalty.

        Returns:
            Cost and overlap, both (P, V).
        """
        overlaps = self.iou_calculator(boxes, predicted)
        overlap_cost = -torch.log(overlaps + EPS)
        penalty = torch.full_like(overlaps, INF, dtype=torch.float32)
        penalty[inside[0], inside[1]] = 0
        return class_cost * self.cls_weight + overlap_cost * self.iou_weight + penalty, overlaps

    @staticmethod
    def _match(
        costs: Iterable[tuple[Tensor, Tensor]], parts: list[Tensor], wanted: Tensor, num_valid: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Every box takes its cheapest priors, then every prior taken more than once its cheapest box.

        Args:
            costs: Cost and overlap (P, V) of every part.
            parts: (P,) indices of its boxes.
            wanted: (G,) how many priors a box takes.
            num_valid: V.

        Returns:
            Of the matched priors (A,), ascending: index among the valid, box, overlap with it.
        """
        cheapest, choices = None, []
        for part, (cost, overlaps) in zip(parts, costs, strict=True):
            row, prior = _choose(cost, wanted[part])
            choices.append((prior, part[row], overlaps[row, prior]))
            value, row = cost.min(dim=0)
            least = (value, part[row], overlaps.gather(0, row[None])[0])
            if cheapest is not None:
                better = value < cheapest[0]
                least = tuple(torch.where(better, new, old) for new, old in zip(least, cheapest, strict=True))
            cheapest = least
        prior, box, overlap = (torch.cat(x) for x in zip(*choices, strict=True))
        times = torch.bincount(prior, minlength=num_valid)
        shared, matched = times > 1, times.nonzero()[:, 0]
        _, best_box, best_overlap = cheapest
        # Of a prior taken more than once any entry may be written here: it is not the one that is kept.
        box = torch.where(shared, best_box, best_box.index_copy(0, prior, box))
        overlap = torch.where(shared, best_overlap, best_overlap.index_copy(0, prior, overlap))
        return matched, box[matched], overlap[matched]


def _choose(cost: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """The cheapest priors of every box.

    Args:
        cost: (P, V) of boxes and priors.
        wanted: (P,) how many priors a box takes.

    Returns:
        Rows and columns (S,) of the chosen pairs.
    """
    rows, columns = [], []
    # Not the highest count for all: ``topk`` breaks ties by an order that depends on the count.
    for count in wanted.unique().tolist():
        row = (wanted == count).nonzero()[:, 0]
        columns.append(cost[row].topk(count, dim=1, largest=False).indices.flatten())
        rows.append(row.repeat_interleave(count))
    return torch.cat(rows), torch.cat(columns)
