"""Time of prediction: DeepCount without and with its branches beside CSRNet, on one tile, in turns.

    OMP_NUM_THREADS=1 python benchmarks/bench_counting_networks.py

DeepCount, section 4.5: without branches 1.4 times faster than CSRNet. Prints medians and their ratios; the weights are
random, because what the networks predict does not matter.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmcrowd import models  # noqa: F401 - registers the networks
from mmcrowd.registry import MODELS

CONFIGS = Path(__file__).parents[1] / 'configs' / '_base_' / 'models'
TILE = (384, 512)
ROUNDS = 9


def build(name: str, **head) -> torch.nn.Module:
    """A network of ``configs/_base_/models`` with random weights, in prediction."""
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    cfg.model.backbone.init_cfg = None
    codec = head.pop('codec', {})
    cfg.model.bbox_head.update(head)
    cfg.model.bbox_head.codec.update(codec)
    return MODELS.build(cfg.model).eval()


def main() -> None:
    """Time the networks in turns."""
    torch.set_num_threads(1)
    init_default_scope('mmdet')
    torch.manual_seed(0)
    networks = {
        'CSRNet': build('csrnet'),
        'DeepCount without branches': build('deep_count', branches=(), codec=dict(counts=())),
        'DeepCount with its five branches': build('deep_count'),
    }
    image = torch.randn(1, 3, *TILE)
    seconds = {name: [] for name in networks}
    with torch.no_grad():
        for _ in range(ROUNDS + 1):
            for name, network in networks.items():
                start = time.process_time()
                network.bbox_head(network.extract_feat(image))
                seconds[name].append(time.process_time() - start)
    medians = {name: statistics.median(times[1:]) for name, times in seconds.items()}
    for name, median in medians.items():
        print(f'{name:34} {1000 * median:8.0f} ms   CSRNet / this: {medians["CSRNet"] / median:.2f}')


if __name__ == '__main__':
    main()
