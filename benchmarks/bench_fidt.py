"""FIDT targets and I-SSIM against their written-out references, as ratios in one run.

python benchmarks/bench_fidt.py [--heads 1000] [--repeats 5]
"""

import argparse
import statistics
import time
from collections.abc import Callable

import cv2
import numpy as np
import torch
from torch import Tensor

from mmcrowd.codecs import FIDTCodec
from mmcrowd.models.losses.ssim_loss import InstanceSSIMLoss, ssim_index
from mmcrowd.models.map_targets import MapTargets


def reference_target(points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Eq. 3 evaluated on the full distance map, as the released generator does."""
    canvas = np.ones(shape, np.uint8)
    canvas[points[:, 1].astype(int), points[:, 0].astype(int)] = 0
    distance = cv2.distanceTransform(canvas, cv2.DIST_L2, 0)
    value = 1 / (np.power(distance, 0.02 * distance + 0.75) + 1)
    value[value < 1e-2] = 0
    return value


def reference_issim(pred: Tensor, target: Tensor, cells: Tensor, region: int) -> Tensor:
    """I-SSIM head by head on the clipped region."""
    height, width = pred.shape[-2:]
    terms = []
    for col, row in cells.tolist():
        rows = slice(max(row - region // 2, 0), min(row - region // 2 + region, height))
        cols = slice(max(col - region // 2, 0), min(col - region // 2 + region, width))
        x, y = pred[0, 0, rows, cols], target[0, 0, rows, cols]
        dx, dy = x - x.mean(), y - y.mean()
        terms.append(1 - ssim_index(x.mean(), y.mean(), dx.square().mean(), dy.square().mean(), (dx * dy).mean()))
    return torch.stack(terms).mean()


def seconds(function: Callable[[], object], repeats: int) -> float:
    """Median time of a call, after one to warm up."""
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def row(name: str, ours: float, reference: float) -> None:
    print(f'{name:34s} {1e3 * ours:9.2f} ms {1e3 * reference:9.2f} ms   {reference / ours:6.1f} x')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--heads', type=int, default=1000)
    parser.add_argument('--repeats', type=int, default=5)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    shape = (512, 512)
    points = rng.uniform(0, 512, (args.heads, 2))
    print(f'{args.heads} heads in 512 x 512 pixels, {torch.get_num_threads()} threads      ours     reference')

    codec, half = FIDTCodec(), FIDTCodec(stride=2)
    expected = reference_target(points, shape)
    np.testing.assert_allclose(codec.encode(points, None, shape)['fidt'][0], expected, atol=1e-5)
    slow = seconds(lambda: reference_target(points, shape), args.repeats)
    row('FIDT target, stride 1', seconds(lambda: codec.encode(points, None, shape), args.repeats), slow)
    row('FIDT target, stride 2', seconds(lambda: half.encode(points, None, shape), args.repeats), slow)

    target = torch.from_numpy(expected)[None, None]
    pred = (target + 0.1 * torch.rand(target.shape, generator=torch.Generator().manual_seed(0))).requires_grad_()
    valid = torch.ones_like(target, dtype=torch.bool)
    count = torch.tensor(float(args.heads))
    maps = MapTargets(pred, target, valid, valid, [torch.from_numpy(points)], 1, count)
    loss = InstanceSSIMLoss(30)

    def ours() -> Tensor:
        return loss(maps)

    def reference() -> Tensor:
        return reference_issim(pred, target, maps.cells[0], 30)

    def gradient(function: Callable[[], Tensor]) -> Tensor:
        return torch.autograd.grad(function(), pred)[0]

    assert abs(ours().item() - reference().item()) < 1e-6
    torch.testing.assert_close(gradient(ours), gradient(reference), rtol=1e-3, atol=1e-7)
    row('I-SSIM forward', seconds(ours, args.repeats), seconds(reference, args.repeats))
    row(
        'I-SSIM forward and backward',
        seconds(lambda: gradient(ours), args.repeats),
        seconds(lambda: gradient(reference), args.repeats),
    )


if __name__ == '__main__':
    main()
