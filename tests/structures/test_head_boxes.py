"""HeadBoxes: their arithmetic, and their way through mmdet's geometric transforms."""

import copy
import pickle
import random

import numpy as np
import pytest
import torch
from mmdet.structures.bbox import HorizontalBoxes, bbox_overlaps, get_box_type
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData

from mmcrowd.registry import TRANSFORMS
from mmcrowd.structures import HeadBoxes

NAN = float('nan')
HEADS = [[10.0, 20.0, 5.0, 15.0, 15.0, 30.0], [3.5, 4.5, NAN, NAN, NAN, NAN]]


def heads(rows=HEADS) -> HeadBoxes:
    return HeadBoxes(torch.tensor(rows, dtype=torch.float32).reshape(-1, 6))


def same(found: torch.Tensor, expected: list) -> None:
    torch.testing.assert_close(found, torch.tensor(expected), equal_nan=True)


OPERATIONS = [
    ('flip_', ((40, 50),), [[40.0, 20, 35, 15, 45, 30], [46.5, 4.5, NAN, NAN, NAN, NAN]]),
    ('flip_', ((40, 50), 'vertical'), [[10.0, 20, 5, 10, 15, 25], [3.5, 35.5, NAN, NAN, NAN, NAN]]),
    ('flip_', ((40, 50), 'diagonal'), [[40.0, 20, 35, 10, 45, 25], [46.5, 35.5, NAN, NAN, NAN, NAN]]),
    ('translate_', ((1, -2),), [[11.0, 18, 6, 13, 16, 28], [4.5, 2.5, NAN, NAN, NAN, NAN]]),
    ('rescale_', ((2, 0.5),), [[20.0, 10, 10, 7.5, 30, 15], [7, 2.25, NAN, NAN, NAN, NAN]]),
    ('resize_', ((2, 0.5),), [[10.0, 20, 0, 18.75, 20, 26.25], [3.5, 4.5, NAN, NAN, NAN, NAN]]),
    ('clip_', ((18, 8),), [[10.0, 20, 5, 15, 8, 18], [3.5, 4.5, NAN, NAN, NAN, NAN]]),
    ('rotate_', ((0, 0), 90), [[-20.0, 10, -30, 5, -15, 15], [-4.5, 3.5, NAN, NAN, NAN, NAN]]),
    ('project_', (np.diag([2.0, 4.0, 2.0]),), [[10.0, 40, 5, 30, 15, 60], [3.5, 9, NAN, NAN, NAN, NAN]]),
    (
        'project_',
        (torch.tensor([[0.0, 1, 0], [1, 0, 0], [0, 0, 1]]),),
        [[20.0, 10, 15, 5, 30, 15], [4.5, 3.5] + [NAN] * 4],
    ),
]


@pytest.mark.parametrize(('name', 'args', 'expected'), OPERATIONS)
def test_operation(name, args, expected):
    empty, some = heads([]), heads()
    getattr(empty, name)(*args)
    assert empty.tensor.shape == (0, 6)
    getattr(some, name)(*args)
    torch.testing.assert_close(some.tensor, torch.tensor(expected), equal_nan=True, atol=1e-5, rtol=1e-6)


def test_properties_without_heads():
    empty = heads([])
    shapes = [empty.points, empty.boxes, empty.centers, empty.has_box, empty.widths, empty.heights, empty.areas]
    assert [tuple(value.shape) for value in shapes] == [(0, 2), (0, 4), (0, 2), (0,), (0,), (0,), (0,)]
    assert empty.is_inside((10, 10)).shape == (0,)


def test_properties():
    some = heads()
    same(some.points, [[10.0, 20], [3.5, 4.5]])
    same(some.centers, [[10.0, 20], [3.5, 4.5]])
    same(some.boxes, [[5.0, 15, 15, 30], [NAN] * 4])
    assert some.has_box.tolist() == [True, False]
    same(some.widths, [10.0, torch.inf])
    same(some.heights, [15.0, torch.inf])
    same(some.areas, [150.0, NAN])


def test_is_inside_looks_at_the_point_alone():
    rows = [[x, y, 0, 0, 9, 9] for x, y in ((0, 0), (9.99, 4.99), (10, 2), (2, 5), (-0.01, 2), (2, -0.01))]
    assert heads(rows).is_inside((5, 10)).tolist() == [True, True, False, False, False, False]
    assert heads(rows).is_inside((5, 10), all_inside=True).tolist() == [True, True, False, False, False, False]
    assert heads(rows).is_inside((5, 10), allowed_border=1).all()


@pytest.mark.parametrize('direction', ['horizontal', 'vertical', 'diagonal'])
@pytest.mark.parametrize('xy', [(0.0, 0.0), (1e-9, 1e-9), (6.999, 4.999)])
def test_flip_keeps_inside_points_inside(direction, xy):
    some = heads([[*xy, NAN, NAN, NAN, NAN]])
    some.flip_((5, 7), direction)
    assert some.is_inside((5, 7)).all()


def test_flip_names_an_unknown_direction():
    with pytest.raises(ValueError, match="'sideways'"):
        heads().flip_((5, 7), 'sideways')


def test_box_type_and_converters():
    assert get_box_type('head') == ('head', HeadBoxes)
    boxes = heads().convert_to('hbox')
    assert isinstance(boxes, HorizontalBoxes)
    same(boxes.tensor, [[5.0, 15, 15, 30], [NAN] * 4])
    same(boxes[:1].convert_to('head').tensor, [[10.0, 22.5, 5, 15, 15, 30]])
    assert heads([]).convert_to('hbox').convert_to('head').tensor.shape == (0, 6)


def test_overlaps_and_points_in_boxes():
    some = heads([[0, 0, 0, 0, 10, 10], [0, 0, 5, 0, 15, 10], [0, 0, NAN, NAN, NAN, NAN]])
    overlaps = HeadBoxes.overlaps(some, some)
    reference = bbox_overlaps(some.boxes[:2], some.boxes[:2])
    torch.testing.assert_close(overlaps[:2, :2], reference)
    assert overlaps[2].isnan().all()
    inside = some.find_inside_points(torch.tensor([[7.0, 5.0], [12.0, 5.0]]))
    assert inside.tolist() == [[True, True, False], [False, True, False]]


def test_from_instance_masks():
    masks = np.zeros((1, 8, 8), np.uint8)
    masks[0, 2:4, 1:5] = 1
    same(HeadBoxes.from_instance_masks(BitmapMasks(masks, 8, 8)).tensor, [[3.0, 3, 1, 2, 5, 4]])


def test_indexing_joining_and_copying():
    some = heads()
    assert len(HeadBoxes.cat([some, heads([]), some[:1]])) == 3
    assert some[np.array([False, True])].has_box.tolist() == [False]
    for copied in (copy.deepcopy(some), pickle.loads(pickle.dumps(some))):
        torch.testing.assert_close(copied.tensor, some.tensor, equal_nan=True)
    instances = InstanceData(bboxes=some, labels=torch.arange(2))
    assert len(InstanceData.cat([instances, instances[:1]])) == 3


# ---------------------------------------------------------------- mmdet's transforms
# The image is its own coordinate frame: its first two channels hold x and y of every pixel centre, the third 1000.
# After a geometric transform, the pixel under a head must still hold its original coordinates; a label is an index.


def ramp(number: int, height: int = 80, width: int = 120, seed: int = 0) -> tuple[dict, np.ndarray]:
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    points = np.random.default_rng(seed).uniform(3, (width - 3, height - 3), (number, 2))
    rows = np.concatenate([points, points - 2, points + 2], axis=1)
    rows[::2, 2:] = np.nan
    image = np.stack([x, y, np.full_like(x, 1000)], axis=-1).astype(np.float32)
    return dict(
        img=image,
        img_shape=(height, width),
        ori_shape=(height, width),
        gt_bboxes=HeadBoxes(rows, dtype=torch.float32),
        gt_bboxes_labels=np.arange(number),
        gt_ignore_flags=np.zeros(number, bool),
    ), points


GEOMETRIC = [
    dict(type='RandomFlip', prob=1.0),
    dict(type='RandomFlip', prob=[0.5, 0.3], direction=['vertical', 'diagonal']),
    dict(type='Resize', scale=(200, 100), keep_ratio=True),
    dict(type='Resize', scale=(200, 100), keep_ratio=False),
    dict(type='RandomResize', scale=(120, 120), ratio_range=(0.7, 1.4), keep_ratio=True),
    dict(type='RandomChoiceResize', scales=[(100, 100), (200, 150)], keep_ratio=True),
    dict(type='FixShapeResize', width=160, height=100, keep_ratio=False),
    dict(type='RandomCrop', crop_size=(50, 40), allow_negative_crop=True),
    dict(type='RandomCrop', crop_size=(50, 40), allow_negative_crop=True, bbox_clip_border=False),
    dict(type='RandomCrop', crop_size=(0.3, 0.6), crop_type='relative_range', allow_negative_crop=True),
    dict(type='RandomCrop', crop_size=(20, 70), crop_type='absolute_range', allow_negative_crop=True),
    dict(type='RandomCrop', crop_size=(200, 300), allow_negative_crop=True),
    dict(type='RandomAffine', border_val=(0, 0, 0)),
    dict(type='Pad', size_divisor=64),
    dict(type='Expand', mean=(0, 0, 0), prob=1.0),
    dict(type='MinIoURandomCrop'),
    dict(type='CutOut', n_holes=3, cutout_shape=(4, 4)),
    dict(type='FilterAnnotations', min_gt_bbox_wh=(1, 1), keep_empty=False),
    dict(
        type='RandomCenterCropPad', crop_size=(96, 64), ratios=(0.9, 1.0), border=16, mean=[0, 0, 0], std=[1, 1, 1],
        to_rgb=False, test_pad_mode=None,
    ),
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(50, 40), scale_range=(0.6, 1.6), context=0),
]  # fmt: skip


@pytest.mark.parametrize('number', [0, 40])
@pytest.mark.parametrize('cfg', GEOMETRIC, ids=lambda cfg: cfg['type'])
def test_heads_move_with_the_image(cfg, number):
    transform = TRANSFORMS.build(cfg)
    kept = 0
    for seed in range(8):
        np.random.seed(seed)  # noqa: NPY002
        results, points = ramp(number, seed=seed)
        results = transform(results)
        boxes, index = results['gt_bboxes'], results['gt_bboxes_labels']
        kept += len(index)
        assert isinstance(boxes, HeadBoxes)
        assert len(boxes) == len(index) == len(results['gt_ignore_flags'])
        assert boxes.is_inside(results['img'].shape[:2]).all()
        assert boxes.has_box.numpy().tolist() == (index % 2 == 1).tolist()
        expected = points[index]
        if 'homography_matrix' in results:
            projected = np.c_[expected, np.ones(len(index))] @ results['homography_matrix'].T
            np.testing.assert_allclose(boxes.points.numpy(), projected[:, :2] / projected[:, 2:], atol=1e-3)
        x, y = boxes.points.numpy().astype(int).T
        pixels = results['img'][y, x]
        interior = pixels[:, 2] > 999  # not mixed with a border, not cut out
        shift = np.abs(pixels[interior, :2] - expected[interior]).max(initial=0)
        assert shift < 1.5, 'pixels; one from rounding to a pixel, the rest from interpolation'
    assert kept > 0 or number == 0


MIXED = [
    (dict(type='Mosaic', img_scale=(60, 60), pad_val=0), 3),
    (dict(type='CachedMosaic', img_scale=(60, 60), pad_val=0, max_cached_images=10), 0),
    (dict(type='MixUp', img_scale=(60, 60), ratio_range=(0.8, 1.6), pad_val=0), 1),
    (dict(type='CachedMixUp', img_scale=(60, 60), ratio_range=(0.8, 1.6), pad_val=0, max_cached_images=10), 0),
]


@pytest.mark.parametrize('numbers', [(0, 0, 0, 0), (0, 5, 0, 5), (9, 9, 9, 9)])
@pytest.mark.parametrize(('cfg', 'partners'), MIXED, ids=lambda value: value['type'] if isinstance(value, dict) else '')
def test_mixed_images(cfg, partners, numbers):
    for seed in range(8):
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        transform = TRANSFORMS.build(cfg)
        made = [ramp(number, seed=4 * seed + i) for i, number in enumerate(numbers)]
        for i, (image, _) in enumerate(made):
            image['img'][..., 2] = 1000 * (i + 1)
            image['gt_bboxes_labels'] += 100 * i
        if partners:
            results = transform(dict(made[0][0], mix_results=[image for image, _ in made[1 : partners + 1]]))
        else:
            results = [transform(image) for image, _ in made][-1]
        boxes, labels = results['gt_bboxes'], results['gt_bboxes_labels']
        assert isinstance(boxes, HeadBoxes)
        assert len(boxes) == len(labels) == len(results['gt_ignore_flags']) <= 4 * max(numbers)
        assert boxes.is_inside(results['img'].shape[:2]).all()
        if 'Mosaic' in cfg['type']:
            for (x, y), label in zip(boxes.points.numpy(), labels, strict=True):
                pixel = results['img'][int(y), int(x)]
                if abs(pixel[2] - 1000 * (label // 100 + 1)) < 1:  # not mixed with a border
                    assert np.abs(pixel[:2] - made[label // 100][1][label % 100]).max() < 3
