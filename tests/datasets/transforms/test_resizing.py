"""Resizing rules: sizes, and the way back to original pixels."""

import numpy as np
import pytest

from mmcrowd.datasets import ClampSides, EnlargeToMinimum, LoadHeads, PackCrowdInputs, ResizeLongerSide, ResizeToGrid
from mmcrowd.datasets.crowd_dataset import make_heads


def sample(width: int, height: int, points=()) -> dict:
    image = np.zeros((height, width, 3), np.uint8)
    heads = make_heads(points)
    return dict(
        img=image,
        img_shape=(height, width),
        ori_shape=(height, width),
        img_path='a.jpg',
        img_id=0,
        heads=heads,
        labels=np.zeros(len(heads), np.int64),
    )


@pytest.mark.parametrize(
    ('size', 'rule', 'expected'),
    [
        ((2903, 2013), dict(max_side=2048, min_side=512), (2048, 1420)),
        ((2013, 2903), dict(max_side=2048, min_side=1024), (1420, 2048)),
        ((2903, 1000), dict(max_side=2048, min_side=1024), (2973, 1024)),
        ((300, 200), dict(max_side=2048, min_side=512), (768, 512)),
        ((4000, 400), dict(max_side=2048, min_side=512), (5120, 512)),
        ((1000, 800), dict(max_side=2048, min_side=512), (1000, 800)),
        ((1000, 800), dict(), (1000, 800)),
        ((5000, 1), dict(max_side=100), (100, 1)),
    ],
)
def test_clamped_sides(size, rule, expected):
    assert ClampSides(**rule).new_size(*size) == expected


@pytest.mark.parametrize(
    ('size', 'rule', 'expected'),
    [
        ((1024, 768), dict(factor=2), (2048, 1536)),
        ((545, 370), dict(factor=2), (1136, 768)),
        ((299, 400), dict(factor=2), (1024, 1376)),
        ((1000, 750), dict(factor=2, min_size=None), (2000, 1488)),
        ((1030, 800), dict(), (1024, 800)),
        ((1030, 800), dict(round_up=True), (1040, 816)),
        ((1023, 800), dict(), (1024, 816)),
        ((1, 1), dict(min_size=None), (16, 16)),
    ],
)
def test_enlarged_to_the_minimum(size, rule, expected):
    assert EnlargeToMinimum(**rule).new_size(*size) == expected


@pytest.mark.parametrize(
    ('size', 'expected'),
    [((512, 384), (512, 384)), ((1024, 768), (1024, 768)), ((1000, 500), (1024, 384)), ((200, 900), (512, 2304))],
)
def test_grid_of_tiles(size, expected):
    assert ResizeToGrid().new_size(*size) == expected


@pytest.mark.parametrize(
    ('size', 'expected'), [((4096, 3000), (2048, 1504)), ((100, 75), (2048, 1536)), ((300, 2000), (768, 5120))]
)
def test_longer_side(size, expected):
    assert ResizeLongerSide().new_size(*size) == expected


RULES = [
    ClampSides(max_side=80, min_side=50),
    EnlargeToMinimum(min_size=(60, 50), multiple=8),
    ResizeLongerSide(90, (40, 40), 8),
]


@pytest.mark.parametrize('rule', RULES, ids=repr)
@pytest.mark.parametrize('size', [(97, 41), (40, 40), (30, 130)])
def test_heads_survive_every_rule(rule, size):
    """As many heads after as before, also on the border, and back at their places in original pixels."""
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.uniform(0, size, (50, 2)), [[0, 0], np.array(size) - 1e-3]])
    results = PackCrowdInputs()(rule(LoadHeads()(sample(*size, points))))
    found = results['data_samples'].gt_instances.points.numpy()
    assert len(found) == len(points)
    np.testing.assert_allclose(found / results['data_samples'].scale_factor, points, atol=1e-3)


@pytest.mark.parametrize('interpolation', ['bilinear', 'bicubic'])
@pytest.mark.parametrize('size', [(97, 41), (40, 40), (30, 300)])
def test_predictions_come_back_in_original_pixels(size, interpolation):
    points = np.array([[0.0, 0.0], [size[0] - 1, size[1] - 1], [12.25, 7.75]])
    results = LoadHeads()(sample(*size, points))
    results = ClampSides(max_side=80, min_side=50, interpolation=interpolation)(results)
    results = PackCrowdInputs()(results)
    scale = np.array(results['data_samples'].scale_factor)
    found = results['data_samples'].gt_instances.points.numpy()
    np.testing.assert_allclose(found / scale, points, atol=1e-4)
    assert results['inputs'].shape[1:] == results['data_samples'].img_shape
    assert (found.max(axis=0) < results['data_samples'].img_shape[::-1]).all()


def test_ground_truth_loaded_afterwards_stays_in_original_pixels():
    results = LoadHeads()(ClampSides(max_side=20)(sample(40, 30, [[39.0, 29.0]])))
    found = PackCrowdInputs(drop_outside=False)(results)['data_samples']
    assert found.gt_instances.points.tolist() == [[39.0, 29.0]]
    assert found.scale_factor == (0.5, 0.5)


def test_scale_factors_multiply():
    results = ClampSides(max_side=10)(ClampSides(max_side=20)(sample(40, 40, [[1.0, 1.0]])))
    assert results['scale_factor'] == (0.25, 0.25)
    np.testing.assert_allclose(results['homography_matrix'], np.diag([0.25, 0.25, 1]))
    assert ClampSides(max_side=50)(results)['scale_factor'] == (0.25, 0.25)


def test_bad_arguments():
    with pytest.raises(ValueError, match='max_side must be at least 1 pixel, got 0'):
        ClampSides(max_side=0)
    with pytest.raises(ValueError, match='factor must be positive and multiple at least 1, got 0 and 16'):
        EnlargeToMinimum(factor=0)
    with pytest.raises(ValueError, match='length and multiple must be at least 1, got 0 and 16'):
        ResizeLongerSide(0)
