"""CPU time and memory of the point evaluation, beside a dense-matrix matcher with recursion.

``python benchmarks/bench_matching.py [nwpu] [sweep] [large] [wide]`` runs the named parts, all without a name. ``nwpu``
reads the published NWPU-Crowd validation files from ``$MMCROWD_EVAL``, or a synthetic crowd if that is not set.
"""

import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from mmcrowd.evaluation import evaluate_point_files
from mmcrowd.evaluation.functional import PointSets, match_points, radius_sweep
from mmcrowd.utils.submission_files import write_point_text

sys.path.insert(0, str(Path(__file__).parent))
from dense_matcher import dense_evaluation


def peak() -> float:
    """Largest resident memory so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def cpu(function: Callable, repeat: int = 1) -> tuple[float, object]:
    """Least CPU seconds of some runs, and the result."""
    times = []
    for _ in range(repeat):
        start = time.process_time()
        result = function()
        times.append(time.process_time() - start)
    return min(times), result


def scene(rng: np.random.Generator, num: int, width: int, height: int, clustered: bool) -> tuple[np.ndarray, ...]:
    """Predictions and heads: four of five heads found about 6 px off, a quarter more invented."""
    gt = rng.uniform(0, (width, height), (num, 2))
    if clustered:
        centres = rng.uniform(0, (width, height), (8, 2))
        gt = centres[rng.integers(8, size=num)] + rng.normal(0, width / 12, (num, 2))
        gt = np.clip(gt, 0, (width - 1, height - 1))
    found = gt[rng.random(num) < 0.8]
    invented = rng.uniform(0, (width, height), (num // 4, 2))
    return np.floor(np.concatenate([found + rng.normal(0, 6, found.shape), invented])), np.floor(gt)


def synthetic_files(folder: Path) -> dict[str, tuple[str, str]]:
    """Files in NWPU-Crowd's format: 300 images of 20 to 3,000 heads."""
    rng = np.random.default_rng(0)
    lines, preds = [], {}
    for i, num in enumerate(np.exp(rng.uniform(3, 8, 300)).astype(int)):
        pred, gt = scene(rng, num, 2000, 1500, False)
        sigma = rng.integers(3, 16, num)
        rows = np.column_stack([gt, sigma, np.floor(sigma * 1.5), np.full(num, 2)]).astype(int)
        lines.append(' '.join(map(str, [i, num, *rows.ravel()])))
        preds[i] = pred
    (folder / 'gt.txt').write_text('\n'.join(lines))
    write_point_text(folder / 'pred.txt', preds)
    return {'synthetic': (str(folder / 'gt.txt'), str(folder / 'pred.txt'))}


def bench_nwpu() -> None:
    """Both radii of NWPU-Crowd, reading included, against the dense matcher."""
    with tempfile.TemporaryDirectory() as folder:
        root = os.environ.get('MMCROWD_EVAL')
        files = synthetic_files(Path(folder))
        if root:
            gt = f'{root}/nwpu_val_gt.txt'
            files = {m: (gt, f'{root}/nwpu_val_pred_{m}.txt') for m in ('fidt', 'raz_loc')}
        for name, (gt, pred) in files.items():
            before = peak()
            evaluate = partial(evaluate_point_files, gt, pred, 'nwpu')
            fast, result = cpu(evaluate, 10)
            memory = peak() - before
            slow, reference = cpu(partial(dense_evaluation, gt, pred))
            fast = min(fast, cpu(evaluate, 10)[0])  # the load of the machine may change during the slow run
            assert all(result[key]['tp'] == reference[key] for key in reference)
            print(
                f'nwpu, {name}: {fast:.3f} s with levels and counts, {memory:.0f} MB more than before; dense '
                f'{slow:.1f} s, {peak() - before:.0f} MB; {slow / fast:.0f} times faster, equal true positives'
            )


def bench_sweep() -> None:
    """Radii 1 to 100 over 300 images of 1,000 heads."""
    rng = np.random.default_rng(0)
    for width, height, clustered in ((2000, 1500, False), (1024, 768, False), (2000, 1500, True), (1024, 768, True)):
        scenes = [scene(rng, 1000, width, height, clustered) for _ in range(300)]
        sets = PointSets.stack([p for p, _ in scenes], [g for _, g in scenes])
        seconds, tp = cpu(lambda sets=sets: radius_sweep(sets))
        kind = 'clustered' if clustered else 'uniform'
        print(f'sweep, {width} x {height} {kind}: {seconds:.2f} s, true positives {tp[0].sum()} to {tp[-1].sum()}')


def bench_large() -> None:
    """50,000 predictions against 50,000 heads in one image."""
    rng = np.random.default_rng(0)
    for width, height, radius in ((4000, 3000, 8.0), (4000, 3000, 20.0), (1500, 1000, 8.0)):
        pred, gt = scene(rng, 50000, width, height, True)
        seconds, match = cpu(lambda pred=pred, gt=gt, radius=radius: match_points(pred, gt, radius))
        print(f'large, {width} x {height}, {radius:g} px: {seconds:.2f} s, {(match >= 0).sum()} matched')


def bench_wide() -> None:
    """4,000 against 4,000 points at radii that reach a part or all of the image."""
    rng = np.random.default_rng(0)
    pred, gt = rng.integers(0, 1000, (4000, 2)), rng.integers(0, 800, (4000, 2))
    for radius in (70.0, 100.0, 300.0, 2000.0):
        for order in ('any', 'official'):
            seconds, match = cpu(lambda radius=radius, order=order: match_points(pred, gt, radius, order=order))
            print(f'wide, {radius:g} px, order {order}: {seconds:.2f} s, {(match >= 0).sum()} matched')


PARTS = dict(nwpu=bench_nwpu, sweep=bench_sweep, large=bench_large, wide=bench_wide)

if __name__ == '__main__':
    print(f'{peak():.0f} MB after the imports')
    for part in sys.argv[1:] or PARTS:
        PARTS[part]()
