"""The point-to-region loss against its dense form, forward and backward, as ratios of CPU time; both give the same.

python benchmarks/bench_p2r.py [--heads 100 500 2000] [--side 128] [--repeats 5]
"""

import argparse
import time
from collections.abc import Callable

import torch
from dense_p2r import dense_loss
from torch import Tensor

from mmcrowd.models import P2RLoss
from mmcrowd.models.map_targets import MapTargets


def measure(loss: Callable[[MapTargets], Tensor], maps: MapTargets, repeats: int) -> tuple[float, float]:
    """The loss, and the least CPU time of one pass forward and backward in milliseconds."""
    times = []
    for _ in range(repeats):
        start = time.process_time_ns()
        value = loss(maps)
        value.backward()
        times.append(time.process_time_ns() - start)
    return value.item(), 1e-6 * min(times)


def main() -> None:
    """Print one line per number of heads."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--heads', type=int, nargs='+', default=[100, 500, 2000])
    parser.add_argument('--side', type=int, default=128, help='cells; the stride is 4')
    parser.add_argument('--repeats', type=int, default=5)
    args = parser.parse_args()
    torch.manual_seed(0)
    for number in args.heads:
        pred = torch.randn(1, 1, args.side, args.side).requires_grad_()
        cells = torch.ones_like(pred, dtype=torch.bool)
        points = [torch.rand(number, 2) * 4 * args.side]
        maps = MapTargets(pred, None, cells, cells, points, 4, torch.tensor(float(number)))
        (value, ours), (expected, dense) = (measure(loss, maps, args.repeats) for loss in (P2RLoss(), dense_loss))
        assert abs(value - expected) < 1e-5
        print(f'{number:5d} heads: {ours:7.1f} ms, dense {dense:8.1f} ms, {dense / ours:6.1f} times')


if __name__ == '__main__':
    main()
