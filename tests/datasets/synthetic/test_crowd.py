"""The data set of synthetic crowds."""

import time

import numpy as np
import pytest
import torch
from mmengine.config import Config
from torch.utils.data import DataLoader

from mmcrowd.datasets.synthetic import LoadSynthetic, SyntheticCrowd
from mmcrowd.registry import DATASETS

LOAD = [dict(type='mmcrowd.LoadSynthetic')]


def dataset(**changes) -> SyntheticCrowd:
    options = dict(length=6, size=(96, 80), heads=(5, 30), min_head=6, max_head=16, seed=5, pipeline=LOAD)
    return SyntheticCrowd(**{**options, **changes})


def same(first: dict, second: dict) -> bool:
    return all(np.array_equal(first[key], second[key]) for key in ('img', 'heads', 'visible', 'num_hidden'))


def test_order_and_epoch_do_not_matter():
    forward, backward = dataset(), dataset()
    first = [forward[index] for index in range(6)]
    again = [backward[index] for index in reversed(range(6))][::-1]
    assert all(same(a, b) for a, b in zip(first, again, strict=True))
    assert same(forward[3], first[3])


def test_worker_processes():
    data = dataset(length=4)
    loader = DataLoader(data, batch_size=None, num_workers=2, collate_fn=lambda sample: sample)
    with torch.no_grad():
        painted = list(loader)
    assert all(same(data[index], sample) for index, sample in enumerate(painted))


def test_sample():
    sample = DATASETS.build(dict(type='mmcrowd.SyntheticCrowd', length=3, size=(96, 80), seed=5, pipeline=LOAD))[2]
    assert sample['img_path'] == 'synthetic/seed5_000002'
    assert sample['img_id'] == 'seed5_000002'
    assert sample['img'].dtype == np.uint8
    assert sample['img'].shape == (80, 96, 3)
    assert sample['img_shape'] == sample['ori_shape'] == (80, 96)
    assert sample['labels'].dtype == np.int64
    assert len(sample['labels']) == len(sample['heads']) == len(sample['visible'])


def test_sizes_take_turns():
    data = dataset(size=[(96, 80), (64, 72)])
    assert [data[index]['img_shape'] for index in range(3)] == [(80, 96), (72, 64), (80, 96)]


def test_nothing_is_painted_before_it_is_asked_for():
    started = time.perf_counter()
    assert len(dataset(length=20000)) == 20000
    print(f'20,000 pictures listed in {time.perf_counter() - started:.2f} s')
    assert 'img' not in dataset().get_data_info(0)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(length=0), 'length=0'),
        (dict(size=(8, 8)), 'size='),
        (dict(heads=(5, 2)), 'heads='),
        (dict(min_head=20, max_head=10), 'min_head=20.0'),
        (dict(negative_fraction=1.5), 'negative_fraction=1.5'),
        (dict(min_visible=0), 'min_visible=0.0'),
        (dict(clutter=-1), 'clutter=-1.0'),
        (dict(seed=-1), 'seed=-1'),
    ],
)
def test_bad_arguments(changes, message):
    with pytest.raises(ValueError, match=message):
        dataset(**changes)


def test_load_synthetic_wants_a_scene():
    with pytest.raises(KeyError, match=r'a\.jpg.*SyntheticCrowd'):
        LoadSynthetic()(dict(img_path='a.jpg'))


def test_base_config(repo_root):
    cfg = Config.fromfile(repo_root / 'configs/_base_/datasets/synthetic.py')
    seeds = {cfg[f'{split}_dataloader'].dataset.seed for split in ('train', 'val', 'test')}
    assert len(seeds) == 3
    for split in ('train', 'test'):
        data = DATASETS.build(cfg[f'{split}_dataloader'].dataset)
        for index in (0, 9):
            packed = data[index]
            instances = packed['data_samples'].gt_instances
            assert packed['inputs'].shape == (3, 256, 320)
            assert instances.points.shape == (len(instances), 2)
            assert (len(instances) == 0) == (index == 9)
