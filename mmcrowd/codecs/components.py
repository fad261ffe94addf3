"""4-connected components of batched binary maps: where they are, how large, and how confident."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from torch import Tensor


@dataclass(frozen=True)
class Runs:
    """Horizontal runs of True cells in a batch of binary maps, in row-major order of images, rows and columns.

    Attributes:
        image (Tensor): (R,) index of the map.
        row (Tensor): (R,) row.
        start (Tensor): (R,) first column.
        stop (Tensor): (R,) column after the last.
        upper (Tensor): (E,) runs that touch one in the next row; together with ``lower`` all pairs that touch.
        lower (Tensor): (E,) the runs they touch.
    """

    image: Tensor
    row: Tensor
    start: Tensor
    stop: Tensor
    upper: Tensor
    lower: Tensor

    def __len__(self) -> int:
        return len(self.row)


@dataclass(frozen=True)
class Components:
    """Components of a batch of binary maps, in the order of their first cells, image by image, row by row.

    Attributes:
        image (Tensor): (N,) index of the map.
        area (Tensor): (N,) number of cells.
        centre_sums (Tensor): (N, 2) twice the sum of the x and y of all cells' centres, cells; integers, so that
            where a component is does not depend on rounding.
        boxes (Tensor): (N, 4) bounding rectangles x1, y1, x2, y2, cells, half open.
        peak (Tensor): (N,) largest value of a cell.
        total (Tensor): (N,) float64 sum of the values.
    """

    image: Tensor
    area: Tensor
    centre_sums: Tensor
    boxes: Tensor
    peak: Tensor
    total: Tensor

    def __len__(self) -> int:
        return len(self.image)

    @property
    def centroids(self) -> Tensor:
        """(N, 2) float64 mean of the cells' centres, cells."""
        return self.centre_sums.double() / (2 * self.area[:, None])

    @property
    def mean(self) -> Tensor:
        """(N,) float64 mean of the values."""
        return self.total / self.area


def find_components(mask: Tensor, values: Tensor, backend: str = 'auto') -> Components:
    """Find the 4-connected components of a batch of maps and measure them, without a loop over them.

    Memory beyond the inputs is two copies of ``mask`` and a number per cell of the components: no map of labels.

    Args:
        mask (Tensor): (B, h, w) bool.
        values (Tensor): (B, h, w), what :attr:`Components.peak` and :attr:`Components.total` are taken of.
        backend (str): 'scipy' (on the CPU), 'torch' (on the device of ``mask``) or 'auto', that is 'scipy' for
            tensors on the CPU. The result is the same.
    """
    runs = find_runs(mask)
    labels, number = label_runs(runs, backend)

    def add(quantity: Tensor) -> Tensor:
        return quantity.new_zeros(number).index_add_(0, labels, quantity)

    def reduce(quantity: Tensor, how: str) -> Tensor:
        return quantity.new_zeros(number).scatter_reduce_(0, labels, quantity, how, include_self=False)

    length = runs.stop - runs.start
    inside = _select(values, mask)
    sums = [add(length * (runs.start + runs.stop)), add(length * (2 * runs.row + 1))]
    boxes = [reduce(runs.start, 'amin'), reduce(runs.row, 'amin'), reduce(runs.stop, 'amax')]
    boxes.append(reduce(runs.row, 'amax') + 1)
    # unsafe: skips checks of the lengths, which refuse the empty list
    peak, total = (torch.segment_reduce(inside, how, lengths=length, unsafe=True) for how in ('max', 'sum'))
    return Components(
        image=reduce(runs.image, 'amin'),
        area=add(length),
        centre_sums=torch.stack(sums, dim=1),
        boxes=torch.stack(boxes, dim=1),
        peak=reduce(peak, 'amax'),
        total=add(total.double()),
    )


def find_runs(mask: Tensor) -> Runs:
    """Cut the True cells of a batch of maps (B, h, w) into horizontal runs."""
    height, pitch = mask.shape[1] + 1, mask.shape[2] + 1
    # A False column to the left and a False row below: no run reaches into the next row, none touches another image.
    flat = F.pad(mask, (1, 0, 0, 1)).flatten()
    start, stop = (_nonzero(flat[1:] != flat[:-1]) + 1).view(-1, 2).unbind(1)
    start, stop = start.contiguous(), stop.contiguous()
    first = torch.searchsorted(stop, start + pitch, right=True)
    touching = torch.searchsorted(start, stop + pitch) - first
    upper = torch.arange(len(start), device=mask.device).repeat_interleave(touching)
    skipped = first - (touching.cumsum(0) - touching)
    lower = torch.arange(len(upper), device=mask.device) + skipped.repeat_interleave(touching)
    line = start // pitch
    left = line * pitch + 1
    return Runs(line // height, line % height, start - left, stop - left, upper, lower)


def label_runs(runs: Runs, backend: str = 'auto') -> tuple[Tensor, int]:
    """Number the components that runs form, in the order of their first runs.

    Args:
        runs (Runs): Of a batch of maps.
        backend (str): See :func:`find_components`.

    Returns:
        tuple[Tensor, int]: (R,) component of each run, and the number of components.
    """
    if backend not in ('auto', 'scipy', 'torch'):
        raise ValueError(f"backend must be 'auto', 'scipy' or 'torch', got {backend!r}")
    if backend == 'scipy' or (backend == 'auto' and runs.row.device.type == 'cpu'):
        upper, lower = runs.upper.cpu().numpy(), runs.lower.cpu().numpy()
        graph = coo_matrix((np.ones(len(upper), np.int8), (upper, lower)), shape=(len(runs), len(runs)))
        number, labels = connected_components(graph, directed=False)
        return torch.from_numpy(labels).long().to(runs.row.device), number
    root = least_connected(runs.upper, runs.lower, len(runs))
    first = root == torch.arange(len(runs), device=root.device)
    return (first.cumsum(0) - 1)[root], int(first.sum())


def least_connected(one: Tensor, other: Tensor, number: int) -> Tensor:
    """The least node that each node of an undirected graph is connected with.

    Every round hooks the trees of the nodes that an edge joins onto the lesser of both, then lets all nodes of a tree
    point at its root by pointer jumping; a few rounds suffice whatever the graph.

    Args:
        one (Tensor): (E,) nodes.
        other (Tensor): (E,) the nodes they are joined with.
        number (int): Nodes of the graph.

    Returns:
        Tensor: (number,) long.
    """
    root = torch.arange(number, device=one.device)
    while len(one):
        root = root.scatter_reduce(0, torch.maximum(one, other), torch.minimum(one, other), 'amin')
        while not torch.equal(root, jumped := root[root]):
            root = jumped
        one, other = root[one], root[other]
        apart = one != other
        one, other = one[apart], other[apart]
    return root


def _nonzero(flags: Tensor) -> Tensor:
    """Indices of the True elements of (K,) ``flags``; numpy finds them many times faster on the CPU."""
    if flags.device.type == 'cpu':
        return torch.from_numpy(np.flatnonzero(flags.numpy()))
    return flags.nonzero()[:, 0]


def _select(values: Tensor, mask: Tensor) -> Tensor:
    """Values (B, h, w) where ``mask`` is True, in row-major order; on the CPU by numpy for speed."""
    if values.device.type == 'cpu' and values.dtype != torch.bfloat16:
        return torch.from_numpy(values.detach().numpy()[mask.numpy()])
    return values[mask]
