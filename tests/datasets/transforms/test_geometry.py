"""RandomScaleCrop (its coordinates are also checked with mmdet's transforms in test_head_boxes)."""

import numpy as np
import pytest

from mmcrowd.datasets import LoadHeads, RandomScaleCrop
from mmcrowd.datasets.crowd_dataset import make_heads
from mmcrowd.registry import CODECS, TRANSFORMS


def results(points, size=(120, 80), **extra) -> dict:
    heads = make_heads(points)
    return LoadHeads()(
        dict(
            img=np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), np.uint8),
            img_shape=(size[1], size[0]),
            heads=heads,
            labels=np.arange(len(heads)),
            **extra,
        )
    )


@pytest.mark.parametrize('scale_range', [(1.0, 1.0), (0.5, 0.5), (2.0, 2.0), (0.5, 2.0)])
def test_image_without_heads(scale_range):
    cropped = RandomScaleCrop((32, 24), scale_range)(results([]))
    assert cropped['img'].shape == (24, 32, 3)
    assert cropped['img_shape'] == (24, 32)
    assert len(cropped['gt_bboxes']) == len(cropped['gt_bboxes_labels']) == len(cropped['gt_ignore_flags']) == 0


@pytest.mark.parametrize(
    ('size', 'scale', 'expected'),
    [
        ((10, 12), 1.0, (10, 12)),
        ((10, 100), 1.0, (10, 24)),
        ((10, 12), 2.0, (20, 24)),
        ((10, 12), 0.5, (5, 6)),
        ((1, 1), 0.5, (1, 1)),
        ((32, 24), 1.0, (32, 24)),
        ((1000, 800), 0.1, (32, 24)),
        ((33, 25), 50.0, (32, 24)),
    ],
)
def test_size_of_the_result(size, scale, expected):
    cropped = RandomScaleCrop((32, 24), (scale, scale))(results([[0.5, 0.5]], size))
    assert cropped['img'].shape == (expected[1], expected[0], 3)


def test_without_scaling_it_is_a_crop():
    whole = results([[60, 40]])
    image = whole['img'].copy()
    cropped = RandomScaleCrop((32, 24), context=1000)(whole)
    x, y = (60, 40) - cropped['gt_bboxes'].points[0].numpy().astype(int)
    np.testing.assert_array_equal(cropped['img'], image[y : y + 24, x : x + 32])


def test_scales_and_positions_cover_their_ranges():
    np.random.seed(0)  # noqa: NPY002
    crop = RandomScaleCrop((32, 24), (0.5, 2.0))
    cropped = [crop(results([])) for _ in range(300)]
    scales = np.array([one['scale_factor'][0] for one in cropped])
    assert scales.min() < 0.55
    assert scales.max() > 1.8
    assert abs(np.log(scales).mean()) < 0.1
    corners = np.array([one['homography_matrix'][:2, 2] / -one['scale_factor'][0] for one in cropped])
    assert corners.min() == 0
    assert (corners.max(axis=0) > (95, 60)).all()


@pytest.mark.parametrize('context', [0, 10])
def test_heads_near_the_crop_are_kept(context):
    points = np.random.default_rng(1).uniform(0, (120, 80), (400, 2))
    cropped = RandomScaleCrop((32, 24), context=context)(results(points))
    offset = -cropped['homography_matrix'][:2, 2]
    shifted = points - offset
    near = ((shifted >= -context) & (shifted < np.array([32, 24]) + context)).all(axis=1)
    assert cropped['gt_bboxes_labels'].tolist() == near.nonzero()[0].tolist()


def test_target_map_of_a_crop_is_the_crop_of_the_target_map():
    codec = dict(type='mmcrowd.FIDTCodec')
    points = np.random.default_rng(2).uniform(0, (120, 80), (30, 2)).astype(np.float32)
    whole = CODECS.build(codec).encode(points, None, (80, 120))['fidt']
    encode = TRANSFORMS.build(dict(type='mmcrowd.EncodeTargets', codec=codec))
    for seed in range(5):
        np.random.seed(seed)  # noqa: NPY002
        cropped = encode(RandomScaleCrop((32, 24))(results(points)))
        x, y = -cropped['homography_matrix'][:2, 2].astype(int)
        np.testing.assert_array_equal(cropped['gt_maps']['gt_map']['fidt'], whole[:, y : y + 24, x : x + 32])


def test_scale_factors_and_matrices_are_chained():
    before = np.diag([2.0, 3.0, 1.0])
    cropped = RandomScaleCrop((32, 24), (2.0, 2.0))(results([], scale_factor=(2.0, 3.0), homography_matrix=before))
    assert cropped['scale_factor'] == (4.0, 6.0)
    np.testing.assert_allclose(np.diag(cropped['homography_matrix']), [4, 6, 1])


def test_bare_image():
    assert RandomScaleCrop((32, 24))(dict(img=np.zeros((50, 50), np.uint8)))['img'].shape == (24, 32)


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(crop_size=(0, 3)), r'crop_size must be \(width, height\) of at least 1 pixel, got \(0, 3\)'),
        (dict(crop_size=(3,)), 'crop_size must be'),
        (dict(crop_size=(3, 3), scale_range=(0, 1)), 'scale_range must be'),
        (dict(crop_size=(3, 3), scale_range=(2, 1)), r'scale_range must be .* got \(2, 1\)'),
        (dict(crop_size=(3, 3), context=-1), 'context must not be negative, got -1'),
    ],
)
def test_bad_arguments(kwargs, message):
    with pytest.raises(ValueError, match=message):
        RandomScaleCrop(**kwargs)


@pytest.mark.parametrize(
    ('cfg', 'shown'),
    [
        (dict(type='mmcrowd.LoadHeads'), 'LoadHeads()'),
        (
            dict(type='mmcrowd.RandomScaleCrop', crop_size=[32, 24]),
            'RandomScaleCrop(crop_size=(32, 24), scale_range=(1.0, 1.0), context=64)',
        ),
        (
            dict(type='mmcrowd.ConvertHeadsToBoxes'),
            "ConvertHeadsToBoxes(missing='error', pseudo_size=16.0, drop_outside=True)",
        ),
        (
            dict(type='mmcrowd.PackCrowdInputs', meta_keys=('img_id',), drop_outside=False),
            "PackCrowdInputs(drop_outside=False, clip_boxes=True, meta_keys=('img_id',))",
        ),
    ],
)
def test_settings_are_shown(cfg, shown):
    assert repr(TRANSFORMS.build(cfg)) == shown
