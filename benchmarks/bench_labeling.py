"""Boxes from a few presets, against the annotated boxes of SCUT-HEAD part A; and the time for many images.

MMCROWD_DATA=DATA python benchmarks/bench_labeling.py [--images 10000] [--heads 300]

Every image of 16 heads or more gives 3, 5 or 8 of its boxes as presets, chosen at random or where the model asks for
them; the others are predicted from their centres, by all methods from the same presets.
"""

import argparse
import os
import time
from pathlib import Path

import numpy as np

from mmcrowd.datasets import SCUTHead
from mmcrowd.evaluation.functional import paired_iou
from mmcrowd.labeling import METHODS, MarkedImage, SceneSizes
from mmcrowd.utils.pictures import image_size

FEWEST = 16


def judge(points: np.ndarray, boxes: np.ndarray, size: tuple[int, int], chosen: np.ndarray) -> list[list[float]]:
    """Per method: mean IoU and mean relative error of the size of the heads that are no presets."""
    image = MarkedImage(points, boxes[chosen], size)
    rest = np.setdiff1d(np.arange(len(points)), chosen)
    true = np.sqrt((boxes[rest, 2:] - boxes[rest, :2]).prod(axis=1))
    found = []
    for method in METHODS:
        made = SceneSizes([image], method).estimate(image).boxes[rest]
        error = np.abs(np.sqrt((made[:, 2:] - made[:, :2]).prod(axis=1)) / true - 1)
        found.append([paired_iou(made, boxes[rest]).mean(), error.mean()])
    return found


def compare(samples: list[dict]) -> None:
    """Print a row per choice and number of presets."""
    images = [(s['heads'][:, :2], s['heads'][:, 2:], image_size(s['img_path'])) for s in samples]
    print(f'{len(images)} images of {FEWEST} heads or more, {sum(len(i[0]) for i in images)} heads; mean over images')
    print(f'{"presets":18}' + ''.join(f'{f"{method}: IoU":>18} error' for method in METHODS))
    for choice in ('random', 'suggested'):
        for number in (3, 5, 8):
            rng, rows = np.random.default_rng(number), []
            for points, boxes, size in images:
                if choice == 'random':
                    chosen = rng.choice(len(points), number, replace=False)
                else:
                    bare = MarkedImage(points, np.zeros((0, 4)), size)
                    chosen = SceneSizes([bare]).suggest(bare, number)[0]
                rows.append(judge(points, boxes, size, chosen))
            mean = np.mean(rows, axis=0)
            print(f'{number} {choice:16}' + ''.join(f'{iou:18.4f} {error:5.3f}' for iou, error in mean), flush=True)


def measure(images: int, heads: int) -> None:
    """Print the time for boxes in many images, each with 5 presets of its own."""
    rng = np.random.default_rng(0)
    points = rng.uniform(0, (1920, 1080), (images, heads, 2))
    sides = (8 + points[:, :5, 1:] / 20) * rng.lognormal(0, 0.1, (images, 5, 2))
    presets = np.concatenate([points[:, :5] - sides / 2, points[:, :5] + sides / 2], axis=2)
    start = time.perf_counter()
    for here, drawn in zip(points, presets, strict=True):
        image = MarkedImage(here, drawn, (1920, 1080))
        SceneSizes([image]).estimate(image)
    print(f'{images} images x {heads} heads, each a scene of 5 presets: {time.perf_counter() - start:.1f} s')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--images', type=int, default=10000)
    parser.add_argument('--heads', type=int, default=300)
    args = parser.parse_args()
    if 'MMCROWD_DATA' in os.environ:
        dataset = SCUTHead(str(Path(os.environ['MMCROWD_DATA']) / 'scut_head'), split='all', pipeline=[])
        samples = [dataset.get_data_info(index) for index in range(len(dataset))]
        compare([sample for sample in samples if len(sample['heads']) >= FEWEST])
    else:
        print('MMCROWD_DATA is not set: no comparison with SCUT-HEAD')
    measure(args.images, args.heads)


if __name__ == '__main__':
    main()
