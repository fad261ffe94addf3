"""Memory and time that target assignment takes for one crowded training image: mmdet's heads beside ours.

``python benchmarks/bench_target_memory.py [--heads 5000] [--limit 4] [detector ...]`` runs every case in a process of
its own and reports CPU time, and the peak of resident memory less what was resident before. A case that needs more than
the limit is stopped there.
"""

import argparse
import json
import math
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from mmengine.config import ConfigDict
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData

import mmcrowd  # noqa: F401 - registers everything
from mmcrowd.registry import CODECS, MODELS, TASK_UTILS

HEIGHT, WIDTH = 608, 1088
STRIDES = (8, 16, 32, 64, 128)
META = dict(img_shape=(HEIGHT, WIDTH), pad_shape=(HEIGHT, WIDTH))
NARROW = dict(num_classes=1, in_channels=8, feat_channels=8, stacked_convs=1)


def crowd(number: int) -> InstanceData:
    """Heads of 6 to 40 pixels, most of them small."""
    rng = torch.Generator().manual_seed(0)
    centers = torch.rand(number, 2, generator=rng) * torch.tensor([WIDTH, HEIGHT])
    half = 3 + 17 * torch.rand(number, 1, generator=rng) ** 2
    boxes = torch.cat([centers - half, centers + half], dim=1)
    boxes = torch.minimum(boxes.clamp(min=0), torch.tensor([WIDTH, HEIGHT, WIDTH, HEIGHT]))
    return InstanceData(bboxes=boxes, labels=torch.zeros(number, dtype=torch.long))


def sizes(strides: tuple[int, ...]) -> list[tuple[int, int]]:
    return [(math.ceil(HEIGHT / s), math.ceil(WIDTH / s)) for s in strides]


def build(ours: bool, name: str, **options):
    return MODELS.build(ConfigDict(type=f'mmcrowd.Crowd{name}' if ours else f'mmdet.{name}', **options))


def fcos(ours: bool, heads: InstanceData) -> Callable:
    head = build(ours, 'FCOSHead', **NARROW, strides=STRIDES, norm_cfg=None, center_sampling=True)
    points = head.prior_generator.grid_priors(sizes(STRIDES), device='cpu')
    return lambda: head.get_targets(points, [heads])


def fovea(ours: bool, heads: InstanceData) -> Callable:
    head = build(ours, 'FoveaHead', **NARROW, strides=STRIDES)
    points = head.prior_generator.grid_priors(sizes(STRIDES), device='cpu')
    return lambda: head.get_targets([heads], sizes(STRIDES), points)


def anchors(ours: bool, heads: InstanceData, name: str, strides: tuple[int, ...], scales: list[float]) -> Callable:
    assigner = 'mmcrowd.ChunkedMaxIoUAssigner' if ours else 'MaxIoUAssigner'
    thresholds = dict(pos_iou_thr=0.5, neg_iou_thr=0.4, min_pos_iou=0.0)
    options = {k: v for k, v in NARROW.items() if name == 'RetinaHead' or k != 'stacked_convs'}
    head = build(
        ours,
        name,
        **options,
        anchor_generator=dict(type='AnchorGenerator', ratios=[0.5, 1.0, 2.0], scales=scales, strides=strides),
        train_cfg=dict(assigner=dict(type=assigner, **thresholds), allowed_border=-1, pos_weight=-1),
    )
    priors, flags = head.get_anchors(sizes(strides), [META], device='cpu')
    return lambda: head.get_targets(priors, flags, [heads], [META])


def retina(ours: bool, heads: InstanceData) -> Callable:
    return anchors(ours, heads, 'RetinaHead', STRIDES, [4.0, 5.04, 6.35])


def rpn(ours: bool, heads: InstanceData) -> Callable:
    return anchors(ours, heads, 'RPNHead', (4, 8, 16, 32, 64), [8.0])


def rcnn(ours: bool, heads: InstanceData) -> Callable:
    """The second stage: 4,000 proposals around the heads, and the heads themselves."""
    rng = torch.Generator().manual_seed(1)
    near = heads.bboxes[torch.randint(len(heads), (4000,), generator=rng)]
    proposals = torch.cat([near + 3 * torch.randn(near.shape, generator=rng), heads.bboxes])
    thresholds = dict(pos_iou_thr=0.5, neg_iou_thr=0.5, min_pos_iou=0.5, match_low_quality=False)
    assigner = TASK_UTILS.build(dict(type='mmcrowd.ChunkedMaxIoUAssigner' if ours else 'MaxIoUAssigner', **thresholds))
    return lambda: assigner.assign(InstanceData(priors=proposals), heads)


def yolox(ours: bool, heads: InstanceData) -> Callable:
    strides = (8, 16, 32)
    assigner = 'mmcrowd.CrowdSimOTAAssigner' if ours else 'SimOTAAssigner'
    head = build(ours, 'YOLOXHead', **NARROW, strides=strides, train_cfg=dict(assigner=dict(type=assigner)))
    priors = torch.cat(head.prior_generator.grid_priors(sizes(strides), device='cpu', with_stride=True))
    rng = torch.Generator().manual_seed(0)
    offsets, scores, objects = (torch.randn(len(priors), n, generator=rng) for n in (4, 1, 1))
    boxes = head._bbox_decode(priors, 0.3 * offsets)
    return lambda: head._get_targets_single(priors, scores, boxes, objects[:, 0], heads, META)


def centernet(ours: bool, heads: InstanceData) -> Callable:
    if ours:
        codec = CODECS.build(dict(type='mmcrowd.HeadHeatmapCodec'))
        boxes = heads.bboxes.numpy()
        points = np.minimum((boxes[:, :2] + boxes[:, 2:]) / 2, (WIDTH - 1, HEIGHT - 1))
        return lambda: codec.encode(points, boxes, (HEIGHT, WIDTH))
    head = MODELS.build(dict(type='mmdet.CenterNetHead', in_channels=8, feat_channels=8, num_classes=1))
    shape = (1, 1, HEIGHT // 4, WIDTH // 4)
    return lambda: head.get_targets([heads.bboxes], [heads.labels], shape, (HEIGHT, WIDTH))


CASES = {
    'FCOS': fcos,
    'RetinaNet': retina,
    'FoveaBox': fovea,
    'YOLOX': yolox,
    'CenterNet': centernet,
    'Faster R-CNN, RPN': rpn,
    'Faster R-CNN, boxes': rcnn,
}


def peak() -> float:
    """Largest resident memory so far, bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure(name: str, ours: bool, number: int, limit: float) -> dict:
    """Run one case in this process: memory it takes in MB and CPU seconds, or that the limit was hit."""
    init_default_scope('mmdet')
    with torch.no_grad():
        CASES[name](ours, crowd(20))()  # whatever torch sets up on first use
        run = CASES[name](ours, crowd(number))
        with open('/proc/self/statm') as file:
            pages = [int(number) for number in file.read().split()]
        resident, data = pages[1] * resource.getpagesize(), pages[5] * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_DATA, (int(data + limit), -1))
        start = time.process_time()
        try:
            run()
        except (MemoryError, RuntimeError) as error:
            if 'memory' not in str(error).lower() and not isinstance(error, MemoryError):
                raise
            return dict(failed=True)
        return dict(memory=(peak() - resident) / 1e6, seconds=time.process_time() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('detectors', nargs='*', help=f'of {", ".join(CASES)}; default: all')
    parser.add_argument('--heads', type=int, default=5000)
    parser.add_argument('--limit', type=float, default=4.0, help='GB')
    parser.add_argument('--case', nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if unknown := set(args.detectors) - set(CASES):
        parser.error(f'unknown detectors {sorted(unknown)}, expected some of {list(CASES)}')
    if args.case:
        print(json.dumps(measure(args.case[0], args.case[1] == 'ours', args.heads, 1e9 * args.limit)))
        return
    print(f'{args.heads} heads in {WIDTH} x {HEIGHT} pixels, {torch.get_num_threads()} threads')
    for name in args.detectors or CASES:
        for kind in ('mmdet', 'ours'):
            command = [sys.executable, __file__, '--heads', str(args.heads), '--limit', str(args.limit)]
            done = subprocess.run([*command, '--case', name, kind], capture_output=True, text=True)
            if done.returncode:
                sys.exit(f'{name}, {kind}: {done.stderr}')
            got = json.loads(done.stdout.splitlines()[-1])
            text = (
                f'more than {args.limit:g} GB'
                if 'failed' in got
                else f'{got["memory"]:7.0f} MB {got["seconds"]:7.2f} s'
            )
            print(f'{name:18s} {kind:6s} {text}', flush=True)


if __name__ == '__main__':
    main()
