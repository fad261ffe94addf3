"""Time to index a data set of the size of NWPU-Crowd, from its files and from its index, and to fetch one item.

python benchmarks/bench_indexing.py [--images 5000] [--heads 400]
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from mmcrowd.datasets import NWPUCrowd


def write(root: Path, images: int, heads: float) -> None:
    """A copy of the layout: one image under many names, and random heads with boxes."""
    rng = np.random.default_rng(0)
    for name in ('images', 'jsons'):
        (root / name).mkdir()
    Image.new('RGB', (2000, 1500)).save(root / 'one.jpg')
    names = [f'{number:04d}' for number in range(1, images + 1)]
    for name in names:
        os.link(root / 'one.jpg', root / 'images' / f'{name}.jpg')
        points = rng.uniform(0, 1500, (int(rng.exponential(heads)), 2)).round(2)
        boxes = np.concatenate([points - 5, points + 5], axis=1).round(2)
        content = dict(img_id=name, human_num=len(points), points=points.tolist(), boxes=boxes.tolist())
        (root / 'jsons' / f'{name}.json').write_text(json.dumps(content))
    (root / 'train.txt').write_text('\n'.join(f'{name} 1 1' for name in names))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--images', type=int, default=5000)
    parser.add_argument('--heads', type=float, default=400.0, help='mean per image')
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ['MMCROWD_CACHE'] = f'{folder}/cache'
        root = Path(folder) / 'data'
        root.mkdir()
        write(root, args.images, args.heads)
        for what in ('from the files', 'from the index', 'from the index'):
            start = time.perf_counter()
            dataset = NWPUCrowd(str(root), pipeline=[])
            print(f'{what}: {time.perf_counter() - start:.2f} s')
        start = time.perf_counter()
        heads = sum(len(dataset.get_data_info(index)['heads']) for index in range(len(dataset)))
        each = (time.perf_counter() - start) / len(dataset) * 1000
        print(f'one item: {each:.4f} ms; {len(dataset)} images, {heads} heads')


if __name__ == '__main__':
    main()
