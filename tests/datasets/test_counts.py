"""Heads are neither lost nor made on their way: load, resize, flip, pad, and crops that tile the image."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope

from mmcrowd.datasets.crowd_dataset import make_heads

LOAD, PACK = dict(type='mmcrowd.LoadHeads'), dict(type='mmcrowd.PackCrowdInputs')
WIDTH, HEIGHT = 97, 61


def sample(points: np.ndarray) -> dict:
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    shape = dict(img_shape=(HEIGHT, WIDTH), ori_shape=(HEIGHT, WIDTH), img_path='a.jpg', img_id=0)
    return dict(shape, img=image, heads=make_heads(points), labels=np.zeros(len(points), np.int64))


def count(points: np.ndarray, *transforms: dict) -> int:
    init_default_scope('mmdet')
    return len(Compose([LOAD, *transforms, PACK])(sample(points))['data_samples'].gt_instances)


# A thousandth of a pixel from the far border: closer than that, float32 arithmetic decides whether a head is inside.
crowds = st.lists(st.tuples(st.floats(0, WIDTH - 1e-3), st.floats(0, HEIGHT - 1e-3)), max_size=40).map(
    lambda rows: np.array(rows, np.float32).reshape(-1, 2)
)

KEEPING = [
    dict(type='RandomFlip', prob=1.0, direction='horizontal'),
    dict(type='RandomFlip', prob=1.0, direction='vertical'),
    dict(type='RandomFlip', prob=1.0, direction='diagonal'),
    dict(type='Resize', scale=(130, 90), keep_ratio=True),
    dict(type='Resize', scale=(31, 33), keep_ratio=False),
    dict(type='Pad', size_divisor=32),
    dict(type='mmcrowd.ClampSides', max_side=80),
    dict(type='mmcrowd.ClampSides', min_side=200),
    dict(type='mmcrowd.EnlargeToMinimum', min_size=(128, 64)),
    dict(type='mmcrowd.ResizeLongerSide', length=64, min_size=None),
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(WIDTH, HEIGHT)),
]


@pytest.mark.parametrize('transform', KEEPING, ids=lambda t: '-'.join(str(value) for value in t.values()))
@settings(max_examples=25, deadline=None)
@given(points=crowds)
def test_every_head_is_kept(points, transform):
    assert count(points, transform) == len(points)


@settings(max_examples=25, deadline=None)
@given(points=crowds, columns=st.integers(1, 5), rows=st.integers(1, 4))
def test_tiles_share_out_the_heads(points, columns, rows):
    """Each head is in exactly one of the tiles of an image, also on the border between two."""
    init_default_scope('mmdet')
    xs, ys = np.linspace(0, WIDTH, columns + 1, dtype=int), np.linspace(0, HEIGHT, rows + 1, dtype=int)
    total = 0
    for x0, x1 in pairwise(xs):
        for y0, y1 in pairwise(ys):
            results = Compose([LOAD])(sample(points))
            results['img'] = results['img'][y0:y1, x0:x1]
            results['img_shape'] = results['img'].shape[:2]
            results['gt_bboxes'].translate_((-x0, -y0))
            total += len(Compose([PACK])(results)['data_samples'].gt_instances)
    assert total == len(points)
