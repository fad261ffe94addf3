"""Count and memory of a density network on a large image in tiles, and whole where memory allows.

    OMP_NUM_THREADS=1 python benchmarks/bench_large_image.py csrnet [--size 8000 6000] [--whole]

A rendered crowd, repeated to the size, goes through CrowdInferencer. The weights are random by He's rule, those of the
last layer positive, so that the count is not a difference of large numbers. ``--whole`` counts the image in one pass,
too. Prints counts, minutes of processor time and the peak of resident memory so far.
"""

import argparse
import resource
import time
import warnings
from pathlib import Path

import numpy as np
import torch

from mmcrowd.apis import CrowdInferencer
from mmcrowd.datasets.synthetic import SyntheticCrowd
from mmcrowd.datasets.synthetic.scene import SceneSpec, render_scene
from mmcrowd.utils.configs import read_config

CONFIGS = Path(__file__).parents[1] / 'configs' / 'density'
FILES = dict(csrnet='csrnet_1000e_sha.py', mcnn='mcnn_1000e_sha.py', bl='bl_vgg19_1000e_sha.py')


def picture(width: int, height: int) -> np.ndarray:
    """A rendered crowd, repeated to (height, width, 3)."""
    options = SyntheticCrowd(size=(1280, 960), heads=(500, 500), negative_fraction=0.0, lazy_init=True).options
    tile = render_scene(SceneSpec(size=(1280, 960), **options), 0).img
    rows, columns = -(-height // tile.shape[0]), -(-width // tile.shape[1])
    return np.ascontiguousarray(np.tile(tile, (rows, columns, 1))[:height, :width])


def network(name: str) -> CrowdInferencer:
    """The network of a config, with random weights that keep the size of features."""
    cfg = read_config(CONFIGS / FILES[name])
    cfg.model.backbone.init_cfg = None
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # that the model is untrained
        crowd = CrowdInferencer(cfg, device='cpu', max_whole_pixels=2**27)
    torch.manual_seed(0)
    for module in crowd.model.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight)
            torch.nn.init.zeros_(module.bias)
    last = crowd.model.bbox_head.conv.weight
    last.data = 1e-3 * last.data.abs()
    return crowd


def peak() -> float:
    """The largest resident memory so far, GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('network', choices=FILES)
    parser.add_argument('--size', type=int, nargs=2, default=(8000, 6000), help='width and height, pixels')
    parser.add_argument('--tile', type=int, help='side of a tile with its halo, pixels (default: as configured)')
    parser.add_argument('--whole', action='store_true', help='count in one pass, too')
    args = parser.parse_args()
    crowd, image = network(args.network), picture(*args.size)
    options = dict(crowd.model.test_cfg, mode='tile', tile=args.tile or crowd.model.test_cfg.tile)
    print(
        f'{args.network}, {args.size[0]} x {args.size[1]}, {options}; with the image read {peak():.2f} GB', flush=True
    )
    counts = []
    for mode in ('tile', 'whole') if args.whole else ('tile',):
        crowd.model.test_cfg = type(crowd.model.test_cfg)(options, mode=mode)
        start = time.process_time()
        counts.append(crowd.predict(image).count)
        minutes = (time.process_time() - start) / 60
        print(f'{mode:6} count {counts[-1]:.4f}, {minutes:.1f} min, peak {peak():.2f} GB', flush=True)
    if args.whole:
        print(f'tiles / whole = {counts[0] / counts[1]:.7f}')


if __name__ == '__main__':
    main()
