"""Whole box detectors: mmdet's classes with our heads, from training data to heads in original pixels."""

import warnings

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.config import Config, ConfigDict
from mmengine.structures import InstanceData

from mmcrowd.apis import CrowdInferencer
from mmcrowd.evaluation.metrics import CrowdCountingMetric
from mmcrowd.registry import MODELS
from mmcrowd.visualization import CrowdLocalVisualizer

from .box_heads import HEADS, STRIDES, TEST_CFG, crowd_boxes, mask_focal_loss

DETECTORS = dict(FCOSHead='FCOS', RetinaHead='RetinaNet', FoveaHead='FOVEA', YOLOXHead='YOLOX')
IMAGE = (75, 110)


def network(detector: str, **options) -> dict:
    """Backbone and neck of two levels, and the preprocessor."""
    return dict(
        type=detector,
        data_preprocessor=dict(type='DetDataPreprocessor', mean=[100.0] * 3, std=[60.0] * 3, pad_size_divisor=32),
        backbone=dict(
            type='ResNet',
            depth=18,
            base_channels=4,
            num_stages=3,
            strides=(1, 2, 2),
            dilations=(1, 1, 1),
            out_indices=(1, 2),
        ),
        neck=dict(type='FPN', in_channels=[8, 16], out_channels=8, num_outs=2),
        **options,
    )


def one_stage(name: str, stock: bool = False, **options) -> dict:
    """Config of a detector with a head of ``HEADS``."""
    head = dict(type=name if stock else f'mmcrowd.Crowd{name}', **HEADS[name], **options)
    train_cfg = head.pop('train_cfg', None)
    return network(DETECTORS[name], bbox_head=head, train_cfg=train_cfg, test_cfg=dict(TEST_CFG, score_thr=0.001))


def two_stage(max_per_img: int = -1) -> dict:
    """Config of a small Faster R-CNN."""
    assigner = dict(
        type='mmcrowd.ChunkedMaxIoUAssigner', pos_iou_thr=0.5, neg_iou_thr=0.5, min_pos_iou=0.5, match_low_quality=False
    )
    rpn = {k: v for k, v in HEADS['RPNHead'].items() if k != 'train_cfg'}
    proposals = dict(nms_pre=300, max_per_img=200, nms=dict(type='nms', iou_threshold=0.7), min_bbox_size=0)
    sampler = dict(type='RandomSampler', num=64, pos_fraction=0.25, neg_pos_ub=-1, add_gt_as_proposals=True)
    return network(
        'mmcrowd.CrowdFasterRCNN',
        rpn_head=dict(type='mmcrowd.CrowdRPNHead', **rpn),
        roi_head=dict(
            type='StandardRoIHead',
            bbox_roi_extractor=dict(
                type='SingleRoIExtractor',
                roi_layer=dict(type='RoIAlign', output_size=3, sampling_ratio=0),
                out_channels=8,
                featmap_strides=STRIDES,
            ),
            bbox_head=dict(type='Shared2FCBBoxHead', in_channels=8, fc_out_channels=16, roi_feat_size=3, num_classes=1),
        ),
        train_cfg=dict(
            rpn=dict(HEADS['RPNHead']['train_cfg'], sampler=dict(sampler, add_gt_as_proposals=False)),
            rpn_proposal=proposals,
            rcnn=dict(assigner=assigner, sampler=sampler, pos_weight=-1),
        ),
        test_cfg=dict(
            rpn=proposals,
            rcnn=dict(score_thr=0.001, max_per_img=max_per_img, nms=dict(type='nms', iou_threshold=0.5)),
        ),
    )


CONFIGS = {DETECTORS[name]: one_stage(name) for name in DETECTORS} | {'FasterRCNN': two_stage()}


def build(config: dict):
    torch.manual_seed(0)
    return MODELS.build(ConfigDict(config))


def batch(*counts: int, shape: tuple[int, int] = IMAGE) -> dict:
    """Raw data of noise images with some heads each, as the data loader gives it."""
    rng = np.random.default_rng(0)
    samples = []
    for i, count in enumerate(counts):
        data = DetDataSample(
            metainfo=dict(img_id=i, img_path=f'{i}.jpg', img_shape=shape, ori_shape=shape, scale_factor=(2.0, 2.0))
        )
        boxes = crowd_boxes(count, seed=i, shape=shape)
        data.gt_instances = InstanceData(
            bboxes=boxes, labels=torch.zeros(count, dtype=torch.long), points=(boxes[:, :2] + boxes[:, 2:]) / 2
        )
        data.ignored_instances = InstanceData(bboxes=torch.zeros(0, 4), labels=torch.zeros(0, dtype=torch.long))
        samples.append(data)
    images = [torch.from_numpy(rng.integers(0, 256, (3, *shape), np.uint8)) for _ in counts]
    return dict(inputs=images, data_samples=samples)


@pytest.mark.parametrize('detector', CONFIGS)
class TestDetectors:
    @pytest.mark.parametrize('counts', [(0, 0), (4, 0), (120, 30)])
    def test_every_parameter_gets_a_gradient(self, detector: str, counts: tuple[int, int]):
        model = build(CONFIGS[detector]).train()
        losses = model(**model.data_preprocessor(batch(*counts), True), mode='loss')
        loss, _ = model.parse_losses(losses)
        loss.backward()
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None or not parameter.requires_grad, name
            assert parameter.grad is None or torch.isfinite(parameter.grad).all(), name

    def test_heads_that_have_no_box(self, detector: str):
        model, data = build(CONFIGS[detector]).train(), batch(4, 4)
        data['data_samples'][1].gt_instances.bboxes[2] = torch.nan
        with pytest.raises(ValueError, match=r'1\.jpg: 1 of 4 heads have no box'):
            model(**model.data_preprocessor(data, True), mode='loss')

    def test_points_in_original_pixels_and_none_in_the_padding(self, detector: str):
        (got,) = build(CONFIGS[detector]).eval().test_step(batch(3))
        points, boxes = got.pred_instances.points, got.pred_instances.bboxes
        assert len(points) > 10
        torch.testing.assert_close(points, (boxes[:, :2] + boxes[:, 2:]) / 2)
        assert (points >= 0).all()
        assert (points <= torch.tensor([IMAGE[1] / 2, IMAGE[0] / 2])).all()

    def test_points_reach_metric_inferencer_and_picture(self, detector: str):
        model = build(CONFIGS[detector])
        pipeline = [
            dict(type='LoadImageFromFile'),
            dict(type='mmcrowd.LoadHeads'),
            dict(type='mmcrowd.PackCrowdInputs'),
        ]
        model.cfg = Config(dict(default_scope='mmdet', test_dataloader=dict(dataset=dict(pipeline=pipeline))))
        image = np.random.default_rng(0).integers(0, 256, (*IMAGE, 3), np.uint8)
        result = CrowdInferencer(model)(image)
        assert result.count == len(result.points) == len(result.boxes) > 10
        np.testing.assert_allclose(result.points, (result.boxes[:, :2] + result.boxes[:, 2:]) / 2, rtol=1e-5)
        assert result.draw(image, ['points', 'boxes']).shape == image.shape

        (sample,) = model.test_step(batch(5))
        metric = CrowdCountingMetric()
        metric.process({}, [sample.to_dict()])
        assert metric.evaluate(1)['crowd/mae'] == abs(len(sample.pred_instances) - 5)
        assert CrowdLocalVisualizer().draw_datasample(image, sample, draw_gt=False).shape[2] == 3


def test_heads_of_mmdet_give_box_centres():
    model = build(one_stage('FCOSHead', stock=True)).eval()
    (sample,) = model.test_step(batch(5))
    assert 'points' not in sample.pred_instances
    metric = CrowdCountingMetric()
    metric.process({}, [sample.to_dict()])
    assert metric.evaluate(1)['crowd/mae'] == abs(len(sample.pred_instances) - 5)
    image = np.zeros((*IMAGE, 3), np.uint8)
    assert CrowdLocalVisualizer().draw_datasample(image, sample).shape[2] == 3


class TestFasterRCNN:
    def test_channels_last_and_bfloat16(self):
        """mmcv's RoIAlign on CPUs takes no bfloat16, and misreads channels-last tensors."""
        torch.manual_seed(0)
        model = build(two_stage()).eval()
        image = torch.rand(1, 3, 96, 128)
        rois = torch.tensor([[0.0, 3, 5, 60, 70], [0, 20, 20, 33, 40]])
        plain = model.roi_head.bbox_roi_extractor(model.extract_feat(image), rois)
        model.to(memory_format=torch.channels_last)
        turned = model.extract_feat(image.to(memory_format=torch.channels_last))
        torch.testing.assert_close(model.roi_head.bbox_roi_extractor(turned, rois), plain, rtol=1e-4, atol=1e-5)
        with torch.autocast('cpu', torch.bfloat16):
            coarse = model.roi_head.bbox_roi_extractor(model.extract_feat(image), rois)
        assert torch.isfinite(coarse).all()
        torch.testing.assert_close(coarse, plain, rtol=0.1, atol=0.1 * plain.abs().max().item())

    def test_caps(self):
        model = build(two_stage(max_per_img=7)).eval()
        with pytest.warns(
            UserWarning, match=r'CrowdFasterRCNN: test_cfg\.rcnn\.max_per_img=7 was reached in 0\.jpg'
        ) as record:
            first, second = (model.test_step(batch(3))[0] for _ in range(2))
        assert sum('rcnn.max_per_img' in str(w.message) for w in record) == 1
        assert len(first.pred_instances) == len(second.pred_instances) == 7

    def test_no_cap_no_warning(self):
        model = build(two_stage()).eval()
        model.rpn_head.rpn_cls.bias.data.fill_(-5)
        with warnings.catch_warnings(record=True) as record:
            warnings.simplefilter('always')
            model.test_step(batch(3))
        assert not [w for w in record if 'was reached' in str(w.message)]

    def test_boxes_without_area(self):
        boxes = torch.tensor([[1.0, 1, 5, 5], [9, 1, 9, 5], [1, 8, 5, 8]])
        results = InstanceData(bboxes=boxes, scores=torch.rand(3), labels=torch.zeros(3, dtype=torch.long))
        (sample,) = build(two_stage()).add_pred_to_datasample([DetDataSample()], [results])
        assert sample.pred_instances.points.tolist() == [[3, 3]]


@pytest.mark.parametrize('name', DETECTORS)
def test_learns_one_image(name: str):
    """A few steps lower the loss, with each loss that decides between head and background."""
    for options in ({}, mask_focal_loss(name)):
        model = build(one_stage(name, **options)).train()
        data = model.data_preprocessor(batch(12), True)
        optimizer = torch.optim.Adam(model.parameters(), 3e-3)
        history = []
        for _ in range(20):
            loss, _ = model.parse_losses(model(**data, mode='loss'))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            history.append(loss.item())
        assert np.isfinite(history).all()
        assert np.mean(history[-3:]) < 0.9 * np.mean(history[:3])
