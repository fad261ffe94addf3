"""Scenes: reproducible, exact, and honest about what can be seen."""

import time

import numpy as np
import pytest

from mmcrowd.datasets.synthetic.people import HEAD_HALF_WIDTH, person_bank
from mmcrowd.datasets.synthetic.scene import SceneSpec, is_negative, render_scene


def spec(**changes) -> SceneSpec:
    options = dict(seed=5, size=(96, 80), heads=(5, 30), min_head=6.0, max_head=16.0)
    return SceneSpec(**{**options, **dict(negative_fraction=0.0, min_visible=0.35, clutter=1.0), **changes})


class TestReproducible:
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

    @pytest.mark.parametrize('size', [(16, 16), (17, 200), (200, 17), (320, 256)])
    @pytest.mark.parametrize(('low', 'high'), [(6.0, 6.0), (6.0, 16.0), (24.0, 30.0)])
    def test_any_size_holds_everybody(self, size, low, high):
        for index in range(3):
            scene = render_scene(spec(size=size, heads=(20, 20), min_head=low, max_head=high), index)
            assert scene.img.shape == (size[1], size[0], 3)
            assert len(scene.heads) + scene.num_hidden == 20
