"""Head heat maps against drawing head by head, as ratios of CPU time in one run; both give the same map, bit for bit.

python benchmarks/bench_head_heatmap.py [--heads 5000] [--repeats 9]
"""

import argparse
import math
import time
from collections.abc import Callable

import numpy as np
import torch
from mmdet.models.utils.gaussian_target import gen_gaussian_target

from mmcrowd.codecs import HeadHeatmapCodec


def reference_heat(
    points: np.ndarray, boxes: np.ndarray, shape: tuple[int, int], codec: HeadHeatmapCodec
) -> np.ndarray:
    """Equation 10 head by head: the window of the box, its Gaussian, the maximum with what is there."""
    rows, cols = codec.map_shape(shape)
    heat = np.zeros((rows, cols), np.float32)
    for (x, y), (x1, y1, x2, y2) in zip(points, boxes / codec.stride, strict=True):
        col, row = math.floor(x / codec.stride), math.floor(y / codec.stride)
        left, right = max(math.floor(x1), 0), min(math.ceil(x2), cols)
        top, bottom = max(math.floor(y1), 0), min(math.ceil(y2), rows)
        diameter = 2 * min(x2 - x1, y2 - y1) + 1
        factor = -0.5 / (diameter * (1 + codec.eta * np.exp(-diameter)) / codec.eps) ** 2
        down, across = np.arange(top, bottom) - row, np.arange(left, right) - col
        gauss = np.exp(factor * (down * down)).astype(np.float32)[:, None]
        gauss = gauss * np.exp(factor * (across * across)).astype(np.float32)
        window = heat[top:bottom, left:right]
        np.maximum(window, gauss, out=window)
    return heat


def detector_heat(
    points: np.ndarray, boxes: np.ndarray, shape: tuple[int, int], codec: HeadHeatmapCodec
) -> torch.Tensor:
    """Gaussians of the same size by mmdet's function, called per head; square, so not the same map."""
    heat = torch.zeros(codec.map_shape(shape))
    for (x, y), (x1, y1, x2, y2) in zip(points.tolist(), boxes.tolist(), strict=True):
        radius = max(1, int(min(x2 - x1, y2 - y1) / codec.stride))
        gen_gaussian_target(heat, [int(x / codec.stride), int(y / codec.stride)], radius)
    return heat


def seconds(function: Callable[[], object], repeats: int) -> float:
    """Least CPU time of some calls, after one to warm up."""
    function()
    times = []
    for _ in range(repeats):
        start = time.process_time_ns()
        function()
        times.append(time.process_time_ns() - start)
    return 1e-9 * min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--heads', type=int, default=5000)
    parser.add_argument('--repeats', type=int, default=9)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    shape, codec = (608, 1088), HeadHeatmapCodec()
    points = rng.uniform(0, shape[::-1], (args.heads, 2))
    print(
        f'{args.heads} heads in {shape[0]} x {shape[1]} pixels, stride {codec.stride}; five maps of ours, one of theirs'
    )
    print(f'{"sides, pixels":16s}{"ours":>10s}{"head by head":>16s}{"":10s}{"mmdet":>12s}')
    for low, high in ((6, 12), (8, 20), (8, 40), (20, 80)):
        half = rng.uniform(low, high, (args.heads, 2)) / 2
        boxes = np.concatenate([points - half, points + half], axis=1)
        np.testing.assert_array_equal(
            codec.encode(points, boxes, shape)['heat'][0], reference_heat(points, boxes, shape, codec)
        )
        ours = seconds(lambda boxes=boxes: codec.encode(points, boxes, shape), args.repeats)
        loop = seconds(lambda boxes=boxes: reference_heat(points, boxes, shape, codec), args.repeats)
        mmdet = seconds(lambda boxes=boxes: detector_heat(points, boxes, shape, codec), max(args.repeats // 4, 1))
        print(
            f'{low:3d} to {high:3d}      {1e3 * ours:9.2f} ms{1e3 * loop:11.1f} ms {loop / ours:6.1f} x'
            f'{1e3 * mmdet:12.1f} ms {mmdet / ours:6.1f} x'
        )


if __name__ == '__main__':
    main()
