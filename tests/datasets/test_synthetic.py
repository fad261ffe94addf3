"""Synthetic crowds: reproducible, exact, and honest about what can be seen."""

import time

import numpy as np
import pytest
import torch
from mmengine.config import Config
from torch.utils.data import DataLoader

from mmcrowd.datasets.synthetic import LoadSynthetic, SyntheticCrowd
from mmcrowd.datasets.synthetic_objects import DOWN, OBJECTS
from mmcrowd.datasets.synthetic_people import HEAD_HALF_WIDTH, person_bank
from mmcrowd.datasets.synthetic_scene import SceneSpec, is_negative, render_scene
from mmcrowd.registry import DATASETS

LOAD = [dict(type='mmcrowd.LoadSynthetic')]


def spec(**changes) -> SceneSpec:
    options = dict(seed=5, size=(96, 80), heads=(5, 30), min_head=6.0, max_head=16.0)
    return SceneSpec(**{**options, **dict(negative_fraction=0.0, min_visible=0.35, clutter=1.0), **changes})


def dataset(**changes) -> SyntheticCrowd:
    options = dict(length=6, size=(96, 80), heads=(5, 30), min_head=6, max_head=16, seed=5, pipeline=LOAD)
    return SyntheticCrowd(**{**options, **changes})


def same(first: dict, second: dict) -> bool:
    return all(np.array_equal(first[key], second[key]) for key in ('img', 'heads', 'visible', 'num_hidden'))


class TestReproducible:
    def test_order_and_epoch_do_not_matter(self):
        forward, backward = dataset(), dataset()
        first = [forward[index] for index in range(6)]
        again = [backward[index] for index in reversed(range(6))][::-1]
        assert all(same(a, b) for a, b in zip(first, again, strict=True))
        assert same(forward[3], first[3])

    def test_fresh_population(self):
        first = render_scene(spec(), 2)
        person_bank.cache_clear()
        again = render_scene(spec(), 2)
        assert np.array_equal(first.img, again.img)
        assert np.array_equal(first.heads, again.heads)

    def test_global_state_is_neither_read_nor_changed(self):
        np.random.seed(0)  # noqa: NPY002
        first = render_scene(spec(), 1)
        state = np.random.get_state()[1].copy()  # noqa: NPY002
        np.random.seed(7)  # noqa: NPY002
        assert np.array_equal(first.img, render_scene(spec(), 1).img)
        np.random.seed(0)  # noqa: NPY002
        assert np.array_equal(state, np.random.get_state()[1])  # noqa: NPY002

    def test_worker_processes(self):
        data = dataset(length=4)
        loader = DataLoader(data, batch_size=None, num_workers=2, collate_fn=lambda sample: sample)
        with torch.no_grad():
            painted = list(loader)
        assert all(same(data[index], sample) for index, sample in enumerate(painted))

    def test_indices_and_seeds_differ(self):
        images = [render_scene(spec(seed=seed), index).img for seed in (5, 6) for index in (0, 1)]
        assert all(not np.array_equal(a, b) for k, a in enumerate(images) for b in images[:k])


class TestHeads:
    @pytest.mark.parametrize('heads', [(5, 30), (150, 150)])
    def test_points_and_boxes(self, heads):
        for index in range(8):
            found = render_scene(spec(heads=heads), index).heads
            x, y, x1, y1, x2, y2 = found.T
            assert found.dtype == np.float32
            assert ((x >= 0) & (x < 96) & (y >= 0) & (y < 80)).all()
            assert ((x1 >= 0) & (y1 >= 0) & (x2 <= 96) & (y2 <= 80)).all()
            assert ((x1 <= x) & (x <= x2) & (y1 <= y) & (y <= y2)).all()
            assert ((x2 - x1 > 1) & (y2 - y1 > 1)).all()
            whole = (x1 > 0) & (y1 > 0) & (x2 < 96) & (y2 < 80)
            assert np.allclose((x1 + x2)[whole] / 2, x[whole], atol=1e-4)
            assert np.allclose((y1 + y2)[whole] / 2, y[whole], atol=1e-4)
            assert np.allclose((x2 - x1)[whole] / (y2 - y1)[whole], 2 * HEAD_HALF_WIDTH, rtol=0.2)

    def test_box_is_where_the_head_is_painted(self):
        """Alone in a picture without objects, the drawing's head mask and its box agree to a pixel."""
        for person in range(6):
            sprite = person_bank(5, 16.0).sprite(person % 3, person % 3, person, 14.0)
            rows, columns = np.flatnonzero(sprite.head.any(1)), np.flatnonzero(sprite.head.any(0))
            (x, y), (a, b) = sprite.centre, sprite.half
            assert np.allclose([columns[0], columns[-1] + 1], [x - a, x + a], atol=1.01)
            assert np.allclose([rows[0], rows[-1] + 1], [y - b, y + b], atol=1.01)
            assert (sprite.solid[sprite.head]).all()

    def test_head_sizes_follow_perspective(self):
        spans = [render_scene(spec(size=(320, 256), heads=(60, 60), max_head=30.0), index).heads for index in range(6)]
        slopes = [np.polyfit(heads[:, 1], heads[:, 5] - heads[:, 3], 1)[0] for heads in spans]
        assert np.median(slopes) > 0.005
        sizes = np.concatenate([heads[:, 5] - heads[:, 3] for heads in spans])
        whole = np.concatenate([(heads[:, 3] > 0) & (heads[:, 5] < 256) for heads in spans])
        assert sizes[whole].min() > 0.8 * 6
        assert sizes.max() < 1.2 * 30

    def test_only_what_can_be_seen_is_annotated(self):
        hidden = 0
        for index in range(6):
            crowded = spec(heads=(250, 250))
            lenient, strict = (
                render_scene(SceneSpec(**{**vars(crowded), 'min_visible': v}), index) for v in (0.01, 0.6)
            )
            assert (strict.visible >= 0.6).all()
            assert (strict.visible <= 1).all()
            assert np.array_equal(strict.img, lenient.img)
            assert np.array_equal(strict.heads, lenient.heads[lenient.visible >= 0.6])
            assert len(strict.heads) + strict.num_hidden == len(lenient.heads) + lenient.num_hidden == 250
            hidden += strict.num_hidden
        assert hidden > 0

    def test_zero_and_one(self):
        nobody = render_scene(spec(heads=(0, 0)), 0)
        assert nobody.heads.shape == (0, 6)
        assert nobody.visible.shape == (0,)
        assert nobody.num_hidden == 0
        alone = [render_scene(spec(heads=(1, 1), clutter=0.0), index) for index in range(8)]
        assert [len(scene.heads) for scene in alone] == [1] * 8
        assert all(scene.visible[0] > 0.99 for scene in alone)

    def test_twenty_thousand(self):
        started = time.perf_counter()
        scene = render_scene(spec(size=(3000, 2000), heads=(20000, 20000), max_head=24.0), 0)
        print(f'20,000 people at 3000x2000: {time.perf_counter() - started:.2f} s, first time in this process')
        assert scene.img.shape == (2000, 3000, 3)
        assert len(scene.heads) + scene.num_hidden == 20000
        assert len(scene.heads) > 15000


class TestSurroundings:
    def test_negatives_are_evenly_spread(self):
        assert [index for index in range(40) if is_negative(index, 0.1)] == [9, 19, 29, 39]
        assert [sum(is_negative(index, share) for index in range(1000)) for share in (0, 0.07, 0.3, 1)] == [
            0,
            70,
            300,
            1000,
        ]

    def test_negatives_are_not_blank(self):
        for index in range(5):
            scene = render_scene(spec(negative_fraction=1.0, size=(160, 128)), index)
            assert len(scene.heads) == 0
            assert scene.img.std() > 5

    @pytest.mark.parametrize('kind', sorted(OBJECTS))
    def test_objects_stay_where_their_occlusion_is_recorded(self, kind):
        """An object may change pixels only in the part of the picture in which heads behind it are looked for."""
        painter = OBJECTS[kind]
        for trial in range(60):
            size = (3.0, 8.0, 20.0)[trial % 3]
            img = np.full((500, 500, 3), 128, np.uint8)
            painter.paint(np.random.default_rng(trial), img, 250.0, 250.0, size)
            rows, columns = np.nonzero((img != 128).any(axis=2))
            assert len(rows) > 0
            assert abs(columns + 0.5 - 250).max() <= painter.sideways * size + 2
            assert rows.min() >= 250 - painter.up * size - 2
            assert rows.max() <= 250 + DOWN * size + 1

    @pytest.mark.parametrize('size', [(16, 16), (17, 200), (200, 17), (320, 256)])
    @pytest.mark.parametrize(('low', 'high'), [(6.0, 6.0), (6.0, 16.0), (24.0, 30.0)])
    def test_any_size_holds_everybody(self, size, low, high):
        for index in range(3):
            scene = render_scene(spec(size=size, heads=(20, 20), min_head=low, max_head=high), index)
            assert scene.img.shape == (size[1], size[0], 3)
            assert len(scene.heads) + scene.num_hidden == 20


class TestDataset:
    def test_sample(self):
        sample = DATASETS.build(dict(type='mmcrowd.SyntheticCrowd', length=3, size=(96, 80), seed=5, pipeline=LOAD))[2]
        assert sample['img_path'] == 'synthetic/seed5_000002'
        assert sample['img_id'] == 'seed5_000002'
        assert sample['img'].dtype == np.uint8
        assert sample['img'].shape == (80, 96, 3)
        assert sample['img_shape'] == sample['ori_shape'] == (80, 96)
        assert sample['labels'].dtype == np.int64
        assert len(sample['labels']) == len(sample['heads']) == len(sample['visible'])

    def test_sizes_take_turns(self):
        data = dataset(size=[(96, 80), (64, 72)])
        assert [data[index]['img_shape'] for index in range(3)] == [(80, 96), (72, 64), (80, 96)]

    def test_nothing_is_painted_before_it_is_asked_for(self):
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
    def test_bad_arguments(self, changes, message):
        with pytest.raises(ValueError, match=message):
            dataset(**changes)

    def test_load_synthetic_wants_a_scene(self):
        with pytest.raises(KeyError, match=r'a\.jpg.*SyntheticCrowd'):
            LoadSynthetic()(dict(img_path='a.jpg'))

    def test_base_config(self, repo_root):
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
                assert ('gt_map' in packed['data_samples']) == (split == 'train')
