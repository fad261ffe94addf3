"""PackCrowdInputs and ConvertHeadsToBoxes."""

import numpy as np
import pytest
import torch
from mmcv.transforms import Compose
from mmdet.models import DetDataPreprocessor
from mmdet.structures.bbox import HorizontalBoxes

from mmcrowd.datasets import ConvertHeadsToBoxes, LoadHeads, PackCrowdInputs
from mmcrowd.datasets.crowd_dataset import make_heads
from mmcrowd.structures import HeadBoxes

NAN = float('nan')


def results(points=(), boxes=None, size=(40, 30), **extra) -> dict:
    heads = make_heads(points, boxes)
    made = dict(
        img=np.full((size[1], size[0], 3), 7, np.uint8),
        img_id=3,
        img_path='a/b.jpg',
        ori_shape=(size[1], size[0]),
        img_shape=(size[1], size[0]),
        heads=heads,
        labels=np.arange(len(heads)),
        **extra,
    )
    return LoadHeads()(made)


def test_pack_no_heads():
    packed = PackCrowdInputs()(results())
    sample = packed['data_samples']
    assert packed['inputs'].shape == (3, 30, 40)
    assert packed['inputs'].dtype == torch.uint8
    for instances in (sample.gt_instances, sample.ignored_instances):
        assert instances.points.shape == (0, 2)
        assert instances.bboxes.tensor.shape == (0, 4)
        assert instances.labels.shape == (0,)
    assert 'gt_map' not in sample


def test_pack():
    packed = PackCrowdInputs()(results([[1, 2], [3, 4]], [[0, 1, 2, 3], [NAN] * 4]))
    sample = packed['data_samples']
    assert sample.gt_instances.points.tolist() == [[1, 2], [3, 4]]
    assert sample.gt_instances.labels.tolist() == [0, 1]
    boxes = sample.gt_instances.bboxes
    assert isinstance(boxes, HorizontalBoxes)
    torch.testing.assert_close(boxes.tensor, torch.tensor([[0.0, 1, 2, 3], [NAN] * 4]), equal_nan=True)
    assert (sample.img_id, sample.img_path, sample.img_shape) == (3, 'a/b.jpg', (30, 40))
    assert (sample.scale_factor, sample.flip) == ((1.0, 1.0), False)


@pytest.mark.parametrize(('drop', 'expected'), [(True, [0, 3]), (False, [0, 1, 2, 3])])
def test_heads_outside(drop, expected):
    boxes = [[-5, 0, 5, 4], [41, 0, 45, 4], [NAN] * 4, [30, 20, 50, 35]]
    made = results([[0, 2], [43, 2], [5, 30], [39.9, 29.9]], boxes)
    instances = PackCrowdInputs(drop_outside=drop)(made)['data_samples'].gt_instances
    assert instances.labels.tolist() == expected
    assert len(instances.points) == len(instances.bboxes) == len(expected)
    first, last = [[0, 0, 5, 4], [30, 20, 40, 30]] if drop else [boxes[0], boxes[3]]
    assert instances.bboxes.tensor[[0, -1]].tolist() == [first, last]


def test_whole_boxes():
    made = results([[0, 2], [43, 2], [39.9, 29.9]], [[-5, 0, 5, 4], [41, 0, 45, 4], [30, 20, 50, 35]])
    instances = PackCrowdInputs(clip_boxes=False)(made)['data_samples'].gt_instances
    assert instances.bboxes.tensor.tolist() == [[-5, 0, 5, 4], [30, 20, 50, 35]]


@pytest.mark.parametrize(
    'transform',
    [
        dict(type='Rotate', prob=1.0),
        dict(type='ShearX', prob=1.0),
        dict(type='TranslateY', prob=1.0),
        dict(type='RandomShift'),
    ],
    ids=lambda cfg: cfg['type'],
)
def test_heads_left_outside_by_a_transform_are_dropped(transform):
    pipeline = Compose([transform, dict(type='mmcrowd.PackCrowdInputs')])
    before = after = 0
    for seed in range(10):
        np.random.seed(seed)  # noqa: NPY002
        points = np.random.default_rng(seed).uniform(0, (40, 30), (50, 2))
        instances = pipeline(results(points))['data_samples'].gt_instances
        assert HeadBoxes(make_heads(instances.points)).is_inside((30, 40)).all()
        before, after = before + 50, after + len(instances)
    assert 0 < after < before


def test_ignored_regions_are_packed_apart():
    regions = np.array([[-20, 5, 10, 15], [50, 5, 60, 15]], np.float32)
    sample = PackCrowdInputs()(results([[1, 2]], ignore_boxes=regions))['data_samples']
    assert sample.gt_instances.points.tolist() == [[1, 2]]
    assert sample.ignored_instances.bboxes.tensor.tolist() == [[0, 5, 10, 15]], 'one reaches in, one does not'


def test_target_maps_of_several_sizes_have_a_field_each():
    made = results([[1, 2]])
    fine = dict(fidt=np.ones((1, 15, 20), np.float32), mask=np.zeros((2, 15, 20), np.float32))
    made['gt_maps'] = dict(gt_map=fine, gt_density=dict(density=np.ones((1, 4, 5), np.float32)))
    sample = PackCrowdInputs()(made)['data_samples']
    assert sample.gt_map.fidt.shape == (1, 15, 20)
    assert sample.gt_map.fidt.dtype == torch.float32
    assert sample.gt_map.mask.shape == (2, 15, 20)
    assert sample.gt_density.density.shape == (1, 4, 5)


@pytest.mark.parametrize('shapes', [[(1, 4, 4), (1, 4, 5)], [(4, 4)]])
def test_target_maps_of_unequal_size_are_named(shapes):
    made = results()
    made['gt_maps'] = dict(gt_map={str(i): np.zeros(shape, np.float32) for i, shape in enumerate(shapes)})
    with pytest.raises(ValueError, match=r'a/b\.jpg: target maps must be \(C, h, w\) arrays of one common size'):
        PackCrowdInputs()(made)


def test_bare_image_is_packed():
    packed = PackCrowdInputs()(dict(img=np.zeros((30, 40, 3), np.uint8), img_shape=(30, 40)))
    assert packed['inputs'].shape == (3, 30, 40)
    assert 'points' not in packed['data_samples'].gt_instances


def test_images_of_several_sizes_are_padded_by_the_preprocessor():
    crop = dict(type='RandomCrop', crop_size=(32, 32), allow_negative_crop=True)
    pipeline = Compose([crop, dict(type='mmcrowd.PackCrowdInputs')])
    packed = [pipeline(results(points, size=size)) for points, size in (([], (20, 10)), ([[5, 5]], (40, 50)))]
    batch = {key: [sample[key] for sample in packed] for key in packed[0]}
    out = DetDataPreprocessor(mean=[7] * 3, std=[1] * 3, pad_size_divisor=32)(batch, training=True)
    assert out['inputs'].shape == (2, 3, 32, 32)
    assert [sample.img_shape for sample in out['data_samples']] == [(10, 20), (32, 32)]
    assert all(isinstance(sample.gt_instances.bboxes, torch.Tensor) for sample in out['data_samples'])


# ---------------------------------------------------------- ConvertHeadsToBoxes

POINTS, BOXES = [[10, 10], [20, 20]], [[5, 5, 15, 15], [NAN] * 4]


@pytest.mark.parametrize('missing', ['error', 'drop', 'ignore', 'pseudo'])
def test_convert_no_heads(missing):
    converted = ConvertHeadsToBoxes(missing)(results())
    assert isinstance(converted['gt_bboxes'], HorizontalBoxes)
    assert converted['gt_bboxes'].tensor.shape == (0, 4)
    assert converted['gt_ignore_flags'].shape == (0,)


@pytest.mark.parametrize(
    ('missing', 'boxes', 'flags'),
    [
        ('drop', [[5, 5, 15, 15]], [False]),
        ('ignore', [[5, 5, 15, 15], [18, 18, 22, 22]], [False, True]),
        ('pseudo', [[5, 5, 15, 15], [18, 18, 22, 22]], [False, False]),
    ],
)
def test_convert(missing, boxes, flags):
    converted = ConvertHeadsToBoxes(missing, pseudo_size=4)(results(POINTS, BOXES))
    assert converted['gt_bboxes'].tensor.tolist() == boxes
    assert converted['gt_ignore_flags'].tolist() == flags
    assert len(converted['gt_bboxes_labels']) == len(boxes)


@pytest.mark.parametrize('packer', ['PackDetInputs', 'mmcrowd.PackCrowdInputs'])
def test_converted_heads_go_through_a_detection_pipeline(packer):
    pipeline = Compose(
        [
            dict(type='mmcrowd.ConvertHeadsToBoxes', missing='drop'),
            dict(type='FilterAnnotations', min_gt_bbox_wh=(1, 1), keep_empty=False),
            dict(type='RandomFlip', prob=1.0),
            dict(type=packer),
        ]
    )
    instances = pipeline(results(POINTS, BOXES))['data_samples'].gt_instances
    assert instances.bboxes.tensor.tolist() == [[25, 5, 35, 15]]
    assert 'points' not in instances or instances.points.tolist() == [[30, 10]]


def test_convert_refuses_a_head_without_box():
    with pytest.raises(ValueError, match=r"a\.jpg: 1 of 2 heads have no box.*missing='pseudo', 'ignore' or 'drop'"):
        ConvertHeadsToBoxes()(dict(results(POINTS, BOXES), img_path='a.jpg'))
    assert len(ConvertHeadsToBoxes()(results(POINTS[:1], BOXES[:1]))['gt_bboxes']) == 1


def test_convert_drops_heads_outside():
    """A box that reaches into a crop is no head of it where its point is outside."""
    heads = results([[10, 10], [-3, 20]], [[5, 5, 15, 15], [-9, 15, 4, 25]])
    assert ConvertHeadsToBoxes()(dict(heads))['gt_bboxes'].tensor.tolist() == [[5, 5, 15, 15]]
    kept = ConvertHeadsToBoxes(drop_outside=False)(dict(heads))
    assert kept['gt_bboxes'].tensor.tolist() == [[5, 5, 15, 15], [-9, 15, 4, 25]]
    assert len(kept['gt_bboxes_labels']) == len(kept['gt_ignore_flags']) == 2


def test_convert_wrong_input():
    with pytest.raises(ValueError, match="missing must be 'error', 'drop', 'ignore' or 'pseudo', got 'keep'"):
        ConvertHeadsToBoxes('keep')
    with pytest.raises(ValueError, match='pseudo_size must be positive, got 0'):
        ConvertHeadsToBoxes('pseudo', pseudo_size=0)
    with pytest.raises(TypeError, match='got HorizontalBoxes'):
        ConvertHeadsToBoxes()(dict(gt_bboxes=HorizontalBoxes(torch.zeros(1, 4))))
    assert ConvertHeadsToBoxes()(dict(img_id=1)) == dict(img_id=1)
