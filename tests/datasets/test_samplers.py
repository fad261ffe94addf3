"""Reproducible augmentation: samples do not depend on workers, processes, or interruptions."""

import pickle
import random
from unittest import mock

import cv2
import numpy as np
import pytest
import torch
from mmcv.transforms import BaseTransform
from mmengine.dataset import ConcatDataset, DefaultSampler, RepeatDataset
from torch.utils.data import DataLoader

from mmcrowd.datasets.crowd_dataset import CrowdDataset, make_heads
from mmcrowd.datasets.samplers import SeededIndex, SeededSampler, sample_seed
from mmcrowd.registry import TRANSFORMS


@TRANSFORMS.register_module()
class DrawFromAll(BaseTransform):
    """Put a number of each of the three generators in the sample's meta data."""

    def transform(self, results: dict) -> dict:
        results['drawn'] = (random.random(), float(np.random.rand()), float(torch.rand(())))  # noqa: NPY002
        return results


class Small(CrowdDataset):
    """A few small random images with a head each."""

    def __init__(self, folder, count: int = 6) -> None:
        self.folder, self.count = folder, count
        super().__init__(
            pipeline=[
                dict(type='LoadImageFromFile'),
                dict(type='mmcrowd.LoadHeads'),
                dict(type='mmcrowd.RandomScaleCrop', crop_size=(16, 16), scale_range=(0.8, 1.2)),
                dict(type='RandomFlip', prob=0.5),
                dict(type='mmcrowd.DrawFromAll'),
                dict(type='mmcrowd.PackCrowdInputs', meta_keys=('img_id', 'drawn', 'flip')),
            ]
        )

    def load_data_list(self) -> list[dict]:
        samples = []
        for i in range(self.count):
            path = self.folder / f'{i}.png'
            cv2.imwrite(str(path), np.random.default_rng(i).integers(0, 255, (40, 40, 3), np.uint8))
            samples.append(dict(img_path=str(path), img_id=i, heads=make_heads([[20, 20]])))
        return samples


@pytest.fixture
def dataset(tmp_path) -> Small:
    return Small(tmp_path)


def sampler(dataset, rank: int = 0, world_size: int = 1, epoch: int = 0, seed: int = 0, **kwargs) -> SeededSampler:
    with mock.patch('mmengine.dataset.sampler.get_dist_info', return_value=(rank, world_size)):
        made = SeededSampler(dataset, seed=seed, **kwargs)
    made.set_epoch(epoch)
    return made


def batches(dataset, size: int, num_workers: int = 0, epochs=(0,), persistent: bool = False, **kwargs) -> list[list]:
    order = sampler(dataset, **kwargs)
    loader = DataLoader(
        dataset, size, sampler=order, num_workers=num_workers, collate_fn=list, persistent_workers=persistent
    )
    seen = []
    for epoch in epochs:
        order.set_epoch(epoch)
        seen += [[content(sample) for sample in batch] for batch in loader]
    return seen


def content(sample: dict) -> tuple:
    meta = sample['data_samples']
    return meta.img_id, meta.drawn, meta.flip, sample['inputs'].numpy().tobytes()


def test_index_is_an_int_with_a_seed():
    index = SeededIndex(7, 99)
    for other in (index, pickle.loads(pickle.dumps(index)), index - 0, SeededIndex(17, 99) % 10):
        assert (other, other.seed) == (7, 99)
        assert 'abcdefgh'[other] == 'h'


def test_seeds_differ_and_are_fixed():
    seeds = {sample_seed(s, e, p) for s in range(5) for e in range(5) for p in range(40)}
    assert len(seeds) == 1000
    assert all(0 <= seed < 2**32 for seed in seeds)
    assert sample_seed(0, 0, 0) == 2319392274, 'the same on every machine'


def test_order_is_that_of_the_default_sampler(dataset):
    expected = DefaultSampler(dataset, seed=3)
    found = sampler(dataset, seed=3)
    assert list(found) == list(expected)
    assert len(found) == len(expected)
    assert list(sampler(dataset, shuffle=False)) == list(range(6))


@pytest.mark.parametrize('num_workers', [1, 2])
@pytest.mark.parametrize('persistent', [False, True])
def test_number_of_workers_does_not_matter(dataset, num_workers, persistent):
    expected = batches(dataset, 2, epochs=(0, 1))
    assert batches(dataset, 2, num_workers, epochs=(0, 1), persistent=persistent) == expected
    assert expected[:3] != expected[3:]


def test_two_processes_see_what_one_sees_with_double_batch(dataset):
    one = batches(dataset, 2)
    two = zip(batches(dataset, 1, world_size=2, rank=0), batches(dataset, 1, world_size=2, rank=1), strict=True)
    assert [sorted(batch) for batch in one] == [sorted(first + second) for first, second in two]


def test_resumed_run_sees_what_an_uninterrupted_one_sees(dataset):
    whole = batches(dataset, 2, epochs=(0, 1, 2))
    torch.rand(5)
    assert batches(dataset, 2, epochs=(2,)) == whole[6:]


def test_seed_changes_everything(dataset):
    assert batches(dataset, 2, seed=1) != batches(dataset, 2, seed=2)


def test_epochs_differ_without_shuffling(dataset):
    first, second = (batches(dataset, 1, shuffle=False, epochs=(epoch,)) for epoch in (0, 1))
    assert [batch[0][0] for batch in first] == [batch[0][0] for batch in second] == list(range(6))
    assert all(a[0][1] != b[0][1] for a, b in zip(first, second, strict=True))


def test_generators_of_the_process_are_left_alone(dataset):
    def draw() -> tuple:
        return random.random(), np.random.rand(), torch.rand(()).item()  # noqa: NPY002

    def seed() -> None:
        random.seed(0)
        np.random.seed(0)  # noqa: NPY002
        torch.manual_seed(0)

    seed()
    expected = draw()
    seed()
    dataset[SeededIndex(0, 5)]
    assert draw() == expected


def test_a_plain_index_draws_from_the_generators_of_the_process(dataset):
    np.random.seed(1)  # noqa: NPY002
    first = dataset[0]['data_samples'].drawn
    assert dataset[0]['data_samples'].drawn != first


@pytest.mark.parametrize(
    'wrap', [lambda d: ConcatDataset([d, d]), lambda d: RepeatDataset(d, 2)], ids=['concat', 'repeat']
)
def test_seeds_pass_through_wrappers(dataset, wrap):
    wrapped = wrap(dataset)
    expected = [content(dataset[SeededIndex(4, 11)]), content(dataset[SeededIndex(4, 12)])]
    assert [content(wrapped[SeededIndex(4, 11)]), content(wrapped[SeededIndex(10, 12)])] == expected
    assert batches(wrapped, 3, 2) == batches(wrapped, 3)


def test_replacement_of_an_unreadable_image_is_reproducible(dataset, tmp_path):
    (tmp_path / '2.png').write_bytes(b'')
    first = batches(dataset, 2)
    assert batches(dataset, 2, num_workers=2) == first
    assert 2 not in [sample[0] for batch in first for sample in batch]
