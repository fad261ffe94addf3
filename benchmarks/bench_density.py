"""A density map against one Gaussian filter of the whole image per head, as a ratio in one run.

The filters of all heads would take an hour: some are timed, and the map of these is compared.

python benchmarks/bench_density.py [--heads 12924] [--filtered 20] [--repeats 3]
"""

import argparse
import statistics
import time

import numpy as np
from scipy.ndimage import gaussian_filter

from mmcrowd.codecs import DensityCodec
from mmcrowd.codecs.numerics import mean_spacing


def filters(points: np.ndarray, sigmas: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """One filter of the whole image per head, as released generators do, each normalised to volume 1."""
    density = np.zeros(shape)
    for (x, y), sigma in zip(points, sigmas, strict=True):
        dot = np.zeros(shape)
        dot[int(y), int(x)] = 1
        stamp = gaussian_filter(dot, sigma, mode='constant')
        density += stamp / stamp.sum()
    return density


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--heads', type=int, default=12_924)
    parser.add_argument('--filtered', type=int, default=20)
    parser.add_argument('--repeats', type=int, default=3)
    args = parser.parse_args()
    shape = (1536, 2048)
    points = np.random.default_rng(0).uniform(0, shape[::-1], (args.heads, 2))
    spacing = mean_spacing(points, 3)
    some = slice(args.filtered)
    for name, beta in (('fixed sigma of 4', None), ('adaptive sigma', 0.3)):
        codec = DensityCodec(1, sigma=4, beta=beta)
        sigmas = np.full(len(points), 4.0) if beta is None else (beta * spacing).clip(*codec.sigma_range)
        start = time.perf_counter()
        expected = filters(points[some], sigmas[some], shape)
        per_head = (time.perf_counter() - start) / args.filtered
        got = codec.encode(points[some], None, shape, spacing[some])['density'][0]
        np.testing.assert_allclose(got, expected, atol=1e-5)
        print(f'{name}, {args.heads} heads, {shape[0]} x {shape[1]} pixels; filters: {per_head * args.heads:.0f} s')
        for stride in (1, 8):
            codec.stride, times = stride, []
            for _ in range(args.repeats):
                start = time.perf_counter()
                density = codec.encode(points, None, shape)['density']
                times.append(time.perf_counter() - start)
            assert abs(density.sum(dtype=np.float64) - args.heads) < 1e-3
            ours = statistics.median(times)
            print(f'  stride {stride}: {1e3 * ours:7.0f} ms, {per_head * args.heads / ours:7.0f} x')


if __name__ == '__main__':
    main()
