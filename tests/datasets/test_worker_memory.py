"""Workers share the annotations: reading all of them must not copy all of them into each worker."""

import multiprocessing
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmcrowd.datasets import CrowdDataset
from mmcrowd.datasets.crowd_dataset import make_heads

SMAPS = Path('/proc/self/smaps_rollup')
COUNT, HEADS = 200, 5000


class ManyHeads(CrowdDataset):
    """24 MB of heads on many links to one small image."""

    def load_data_list(self) -> list[dict]:
        heads = make_heads(np.random.default_rng(0).uniform(0, 30, (HEADS, 2)))
        labels = np.zeros(HEADS, np.int64)
        return [
            dict(img_path=f'{self.data_prefix["img"]}/{i}.png', img_id=i, heads=heads.copy(), labels=labels)
            for i in range(COUNT)
        ]


def private_bytes() -> int:
    """Memory of this process that no other shares."""
    lines = (line.split() for line in SMAPS.read_text().splitlines() if line.startswith('Private'))
    return sum(int(line[1]) for line in lines) * 1024


def read_everything(dataset: CrowdDataset, queue) -> None:
    before = private_bytes()
    total = sum(len(dataset.get_data_info(i)['heads']) for i in range(len(dataset)))
    queue.put((total, private_bytes() - before))


@pytest.mark.skipif(not SMAPS.exists(), reason='needs /proc/self/smaps_rollup of Linux')
def test_a_worker_does_not_copy_the_annotations(tmp_path):
    cv2.imwrite(str(tmp_path / '0.png'), np.zeros((32, 32, 3), np.uint8))
    for i in range(1, COUNT):
        (tmp_path / f'{i}.png').symlink_to('0.png')
    dataset = ManyHeads(data_prefix=dict(img=str(tmp_path)), pipeline=[])
    context = multiprocessing.get_context('fork')
    queue = context.Queue()
    worker = context.Process(target=read_everything, args=(dataset, queue))
    worker.start()
    total, growth = queue.get(timeout=60)
    worker.join()
    assert total == COUNT * HEADS
    assert growth < COUNT * HEADS * 24 / 3
