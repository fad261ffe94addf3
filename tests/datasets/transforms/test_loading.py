"""LoadHeads."""

import numpy as np
import pytest
from mmcv.transforms import Compose

from mmcrowd.datasets import LoadHeads
from mmcrowd.datasets.crowd_dataset import make_heads
from mmcrowd.structures import HeadBoxes


def sample(points, **extra) -> dict:
    heads = make_heads(points)
    return dict(heads=heads, labels=np.zeros(len(heads), np.int64), img_shape=(30, 40), **extra)


def test_no_heads():
    results = LoadHeads()(sample([]))
    assert isinstance(results['gt_bboxes'], HeadBoxes)
    assert results['gt_bboxes'].tensor.shape == (0, 6)
    assert results['gt_bboxes_labels'].shape == results['gt_ignore_flags'].shape == (0,)
    assert results['gt_ignore_flags'].dtype == bool


def test_heads():
    results = LoadHeads()(sample([[1, 2], [3, 4]]))
    assert results['gt_bboxes'].points.tolist() == [[1, 2], [3, 4]]
    assert not results['gt_bboxes'].has_box.any()
    assert results['gt_bboxes_labels'].dtype == np.int64
    assert results['gt_ignore_flags'].tolist() == [False, False]


def test_arrays_of_the_data_set_are_not_shared():
    results = sample([[1, 2]])
    LoadHeads()(results)['gt_bboxes'].tensor[:] = 0
    assert results['heads'][0, :2].tolist() == [1, 2]


@pytest.mark.parametrize('points', [[], [[1, 2]]])
def test_ignored_regions(points):
    results = LoadHeads()(sample(points, ignore_boxes=np.array([[10, 10, 20, 30]], np.float32)))
    assert results['gt_ignore_flags'].tolist() == [False] * len(points) + [True]
    assert results['gt_bboxes'].tensor[-1].tolist() == [15, 20, 10, 10, 20, 30]
    assert len(results['gt_bboxes_labels']) == len(points) + 1
    assert len(LoadHeads()(sample(points, ignore_boxes=np.zeros((0, 4))))['gt_bboxes']) == len(points)


def test_bare_image_passes():
    assert LoadHeads()(dict(img_shape=(3, 4))) == dict(img_shape=(3, 4))


@pytest.mark.parametrize(('order', 'expected'), [(('resize', 'load'), [10, 20]), (('load', 'resize'), [20, 40])])
def test_after_resize_heads_stay_in_original_pixels(order, expected):
    steps = dict(resize=dict(type='Resize', scale_factor=2.0), load=dict(type='mmcrowd.LoadHeads'))
    results = Compose([steps[name] for name in order])(sample([[10, 20]], img=np.zeros((30, 40, 3), np.uint8)))
    assert results['gt_bboxes'].points.tolist() == [expected]
