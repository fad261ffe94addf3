"""What the losses of map heads see: predicted maps beside their targets and the heads."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from mmdet.structures import SampleList
from mmdet.structures.bbox import get_box_tensor
from mmengine.dist import all_reduce, get_world_size
from torch import Tensor, nn

from mmcrowd.codecs.numerics import covered_cells


@dataclass(frozen=True)
class MapTargets:
    """A batch of predicted maps beside what they should be.

    A loss takes the whole of it, ``loss(maps) -> scalar``, and reads what it needs; ``dataclasses.replace`` puts
    another prediction in.

    Attributes:
        pred: (B, C, h, w) prediction, without rows and columns that are padding in all images.
        target: (B, T, h, w) float32, the maps of the codec's ``names``; None for codecs that draw none.
        valid: (B, 1, h, w) bool, False on padding: per image a rectangle from the top left.
        counted: (B, 1, h, w) bool, False on padding and where an ignored region holds the centre of the cell.
        points: One (N, 2) float tensor per image: xy of each head, pixels of the network's input.
        stride: Pixels per cell.
        num_heads: Scalar, heads per process, at least 1 over all processes.
    """

    pred: Tensor
    target: Tensor | None
    valid: Tensor
    counted: Tensor
    points: list[Tensor]
    stride: int
    num_heads: Tensor

    @property
    def cells(self) -> list[Tensor]:
        """Column and row of the cell that holds each head: one (N, 2) long tensor per image."""
        return [points.floor().long() // self.stride for points in self.points]

    def divisor(self, normalizer: str) -> Tensor | float:
        """What a sum over all cells of the batch is divided by, see :func:`check_normalizer`."""
        if normalizer == 'num_heads':
            return self.num_heads
        if normalizer == 'batch':
            return len(self.pred)
        if normalizer == 'mean':
            return (self.counted.sum() * self.pred.shape[1]).clamp(min=1)
        return 1 / get_world_size()  # gradients are averaged over processes: this keeps the sum over all of them


def check_normalizer(loss: nn.Module, name: str) -> str:
    """The name of a way to normalise a sum over cells, if it is one: 'num_heads', 'sum', 'batch' or 'mean'."""
    if name not in ('num_heads', 'sum', 'batch', 'mean'):
        raise ValueError(
            f"{type(loss).__name__}: normalizer must be 'num_heads', 'sum', 'batch' or 'mean', got {name!r}"
        )
    return name


def heads_per_process(number: int, device: torch.device) -> Tensor:
    """Mean of the numbers of heads of all processes, scalar; as if there were at least one head in all of them."""
    heads = torch.tensor(float(number), device=device)
    if get_world_size() > 1:
        all_reduce(heads, 'mean')
    return heads.clamp(min=1 / get_world_size())


def without_ignored(valid: Tensor, batch_data_samples: SampleList, stride: int) -> Tensor:
    """Take ignored regions out of a mask of valid cells.

    Args:
        valid: (B, 1, h, w) bool.
        batch_data_samples: With ``ignored_instances.bboxes`` (R, 4) xyxy where there are any, pixels of the network's
            input.
        stride: Pixels per cell.

    Returns:
        (B, 1, h, w) bool, False also where an ignored region holds the centre of the cell.
    """
    valid = valid.clone()
    for mask, sample in zip(valid[:, 0], batch_data_samples, strict=True):
        regions = sample.get('ignored_instances', {}).get('bboxes')
        if regions is not None and len(regions):
            for cells in covered_cells(get_box_tensor(regions).cpu().numpy(), stride):
                mask[cells] = False
    return valid
