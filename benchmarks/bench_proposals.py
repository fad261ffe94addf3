"""Regions of RAZ-Net against anchor by anchor, as a ratio of CPU time in one run; both give the same regions.

python benchmarks/bench_proposals.py [--shape 2000 3000] [--points 200] [--repeats 5]
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from naive_proposals import naive_regions

from mmcrowd.codecs import AttentionCodec
from mmcrowd.models.zooming import propose_regions


def seconds(function: Callable[[], object], repeats: int) -> float:
    """Least CPU time of some calls."""
    times = []
    for _ in range(repeats):
        start = time.process_time_ns()
        function()
        times.append(time.process_time_ns() - start)
    return 1e-9 * min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--shape', type=int, nargs=2, default=(2000, 3000), help='height and width, pixels')
    parser.add_argument('--points', type=int, default=200)
    parser.add_argument('--repeats', type=int, default=5)
    args = parser.parse_args()
    shape, rng = tuple(args.shape), np.random.default_rng(0)
    heads = rng.normal(np.divide(shape[::-1], 3), np.divide(shape[::-1], 12), (4000, 2))
    attention = AttentionCodec().encode(heads, None, shape)['attention'][0]
    maps = torch.from_numpy(attention)
    ours = propose_regions(maps, shape, 1, 0, num_points=args.points)
    theirs = naive_regions(attention, shape, 1, 0, num_points=args.points)
    assert ours.boxes.tolist() == [box for box, _ in theirs]
    fast = seconds(lambda: propose_regions(maps, shape, 1, 0, num_points=args.points), args.repeats)
    slow = seconds(lambda: naive_regions(attention, shape, 1, 0, num_points=args.points), 1)
    print(
        f'{shape[0]} x {shape[1]} map, {args.points} points x 6 anchors, {len(ours)} regions: '
        f'{1e3 * fast:.1f} ms, anchor by anchor {1e3 * slow:.0f} ms, {slow / fast:.0f} x'
    )


if __name__ == '__main__':
    main()
