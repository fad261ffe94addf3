"""Instance maps against the released code's way written out (instance_map_reference.py): CPU time, peak memory.

``python benchmarks/bench_instance_map.py [--heads 12000] [--repeats 3]``

Labels: regions of a crowd and their map. Decoding: heads of a map predicted in tiles of 512 x 1024 pixels, in a process
of its own per way, memory beyond the tiles. ``averaged`` adds the tiles up in one map and decodes it; ``by tile``
decodes every tile for itself and keeps the heads of its core, as :class:`mmcrowd.CrowdLocalizer` does.
"""

import argparse
import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mmcrowd.codecs import Decoded, InstanceMapCodec

sys.path.insert(0, str(Path(__file__).parent))
from instance_map_reference import reference_decode, reference_halves, reference_mask, tile_windows

SHAPE = (2048, 3072)
HALO = 32


def cpu(function: Callable[[], object], repeats: int) -> tuple[float, object]:
    """Least CPU seconds of some calls, and the result."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        result = function()
        times.append(time.process_time() - start)
    return min(times), result


def crowd(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Points (N, 2), pixels from 1 on, and boxes (N, 4) of the sizes of heads in a picture's depth."""
    rng = np.random.default_rng(0)
    points = rng.uniform(1, (SHAPE[1], SHAPE[0]), (count, 2))
    half = (3 + 20 * (points[:, 1:] / SHAPE[0]) ** 2) * rng.uniform(0.8, 1.25, (count, 2))
    return points, np.concatenate([points - half, points + half], axis=1)


def labels(count: int, repeats: int) -> None:
    """Time of making the label map of a crowd."""
    points, boxes = crowd(count)
    slow, halves = cpu(lambda: reference_halves(points, boxes), 1)
    more, expected = cpu(lambda: reference_mask(points, halves, SHAPE), 1)
    slow += more
    print(f'labels, {count} heads in {SHAPE[0]} x {SHAPE[1]} pixels: released rule in plain Python {slow:.2f} s')
    for name, params in (
        ('boxes, sequential', dict(rule='sequential')),
        ('boxes, parallel', dict(rule='parallel')),
        ('points', dict(source='point')),
    ):
        codec = InstanceMapCodec(**params)
        seconds, maps = cpu(lambda codec=codec: codec.encode(points, boxes, SHAPE)['instance'][0], repeats)
        if name == 'boxes, sequential':
            np.testing.assert_array_equal(maps, expected)
        print(f'  {name:20s} {seconds:6.3f} s  {slow / seconds:6.0f} x')


def prediction(count: int) -> Tensor:
    """(2, h, w) confidence with ``count`` separate blobs of at least 5 pixels a side, and threshold."""
    rng = np.random.default_rng(0)
    maps = torch.zeros(2, *SHAPE)
    maps[0], maps[1] = 0.1, 0.4
    pitch = int((SHAPE[0] * SHAPE[1] / count) ** 0.5)
    rows, cols = SHAPE[0] // pitch, SHAPE[1] // pitch
    for place in rng.permutation(rows * cols)[:count].tolist():
        top, left = place // cols * pitch, place % cols * pitch
        height, width = rng.integers(5, pitch - 2, 2).tolist()
        maps[0, top : top + height, left : left + width] = 0.5 + 0.5 * rng.random()
    return maps


def averaged(tiles: list[Tensor]) -> Decoded:
    """Heads of the mean of tiles; a pixel is covered by so many tiles of its row times so many of its column."""
    maps = torch.zeros(1, 2, *SHAPE)
    windows = tile_windows(SHAPE)
    hits = torch.zeros(SHAPE[0], 1), torch.zeros(SHAPE[1])
    for (rows, cols), tile in zip(windows, tiles, strict=True):
        maps[0, :, rows, cols] += tile
    for rows in {(rows.start, rows.stop) for rows, _ in windows}:
        hits[0][slice(*rows)] += 1
    for cols in {(cols.start, cols.stop) for _, cols in windows}:
        hits[1][slice(*cols)] += 1
    maps /= hits[0]
    maps /= hits[1]
    return InstanceMapCodec().decode(maps)[0]


def by_tile(tiles: list[Tensor]) -> Decoded:
    """Heads of tiles with a halo."""
    codec, parts = InstanceMapCodec(), []
    for (rows, cols), tile in zip(tile_windows(SHAPE), tiles, strict=True):
        y0, x0 = max(rows.start - HALO, 0), max(cols.start - HALO, 0)
        core = (rows.start - y0, cols.start - x0, rows.stop - y0, cols.stop - x0)
        parts.append(codec.candidates(tile[None], core=core)[0].translate(x0, y0))
    return codec.select(Decoded.cat(parts), SHAPE)


def cut(maps: Tensor, halo: int) -> list[Tensor]:
    """The tiles of a map, each with memory of its own."""
    windows = tile_windows(SHAPE)
    return [
        maps[:, max(r.start - halo, 0) : r.stop + halo, max(c.start - halo, 0) : c.stop + halo].clone()
        for r, c in windows
    ]


WAYS = {
    'released code': (0, lambda tiles: reference_decode(tiles, SHAPE)),
    'averaged': (0, averaged),
    'by tile': (HALO, by_tile),
}


def status(field: str) -> int:
    """A number of kB from this process's status."""
    with open('/proc/self/status') as file:
        return next(int(line.split()[1]) for line in file if line.startswith(field))


def measure(way: str, count: int, repeats: int) -> dict:
    """CPU seconds, peak MB beyond the tiles, and sums that tell whether the heads are the same."""
    halo, decode = WAYS[way]
    decode(cut(prediction(100), halo))  # what libraries set up on first use
    tiles = cut(prediction(count), halo)
    gc.collect()
    with open('/proc/self/clear_refs', 'w') as file:
        file.write('5')  # the peak starts anew
    resident = status('VmRSS')
    found = decode(tiles)
    memory = (status('VmHWM') - resident) / 1024
    seconds, _ = cpu(lambda: decode(tiles), repeats)
    if isinstance(found, Decoded):
        points = found.points.double().numpy() - 0.5
    else:
        points = found[0]
    return dict(seconds=seconds, memory=memory, heads=len(points), sums=points.sum(axis=0).tolist())


def decoding(count: int, repeats: int) -> None:
    """Time and memory of every way, each in its own process."""
    results = {}
    print(f'decoding, {count} components in {SHAPE[0]} x {SHAPE[1]} pixels, {torch.get_num_threads()} threads')
    for way in WAYS:
        command = [sys.executable, __file__, '--heads', str(count), '--repeats', str(repeats), '--case', way]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f'{way}: {done.stderr}')
        got = results[way] = json.loads(done.stdout.splitlines()[-1])
        slow = results['released code']
        assert got['heads'] == slow['heads'] == count, (way, got, slow)
        np.testing.assert_allclose(got['sums'], slow['sums'], rtol=1e-6)
        print(
            f'  {way:20s} {got["seconds"]:6.3f} s {slow["seconds"] / got["seconds"]:6.1f} x '
            f'{got["memory"]:7.1f} MB, 1 / {slow["memory"] / got["memory"]:.1f}',
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--heads', type=int, default=12000)
    parser.add_argument('--repeats', type=int, default=3)
    parser.add_argument('--case', choices=WAYS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.case:
        print(json.dumps(measure(args.case, args.heads, args.repeats)))
        return
    labels(args.heads, args.repeats)
    decoding(args.heads, args.repeats)


if __name__ == '__main__':
    main()
