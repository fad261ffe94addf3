"""Boxes of known heads: their overlap, and the metric."""

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import HorizontalBoxes, bbox_overlaps
from mmengine.structures import InstanceData

from mmcrowd.codecs.numerics import knn_boxes
from mmcrowd.evaluation.functional import paired_iou
from mmcrowd.registry import METRICS


def test_iou_by_hand():
    boxes = [[0, 0, 4, 4], [0, 0, 4, 4], [0, 0, 4, 4], [0, 0, 4, 4], [1, 1, 1, 1]]
    others = [[0, 0, 4, 4], [2, 0, 6, 4], [4, 0, 8, 4], [1, 1, 3, 3], [1, 1, 1, 1]]
    assert paired_iou(boxes, others).tolist() == pytest.approx([1, 8 / 24, 0, 4 / 16, 0])
    assert paired_iou(np.zeros((0, 4)), np.zeros((0, 4))).shape == (0,)


def test_iou_of_random_boxes():
    rng = np.random.default_rng(0)
    boxes, others = (np.concatenate([p, p + rng.uniform(1, 9, (50, 2))], axis=1) for p in rng.uniform(0, 5, (2, 50, 2)))
    expected = bbox_overlaps(torch.from_numpy(boxes), torch.from_numpy(others), is_aligned=True)
    np.testing.assert_allclose(paired_iou(boxes, others), expected, rtol=1e-12)


def sample(points, boxes, pred, shift: float = 0.0, number: int = 0) -> DetDataSample:
    data = DetDataSample(metainfo=dict(img_id=number, img_path=f'{number}.jpg', ori_shape=(100, 200)))
    points = torch.as_tensor(points, dtype=torch.float32).reshape(-1, 2)
    boxes, pred = (torch.as_tensor(b, dtype=torch.float32).reshape(-1, 4) for b in (boxes, pred))
    data.gt_instances = InstanceData(points=points, bboxes=HorizontalBoxes(boxes))
    data.pred_instances = InstanceData(points=points + shift, bboxes=pred)
    return data


def run(samples: list[DetDataSample], **kwargs) -> dict:
    metric = METRICS.build(dict(type='mmcrowd.BoxIoUMetric', **kwargs))
    metric.process({}, [s.to_dict() for s in samples])
    return metric.evaluate(len(samples))


def test_figures():
    points = [[10, 10], [50, 50], [90, 20]]
    truth = [[5, 5, 15, 15], [44, 44, 56, 56], [float('nan')] * 4]
    pred = [[5, 5, 15, 15], [44, 44, 56, 50], [0, 0, 1, 1]]
    found = run([sample(points, truth, pred), sample([], [], [], number=1)])
    assert found['crowd/box_iou'] == 0.75
    assert found['crowd/box_iou_median'] == 0.75
    assert found['crowd/box_iou_50'] == 1
    knn = paired_iou(knn_boxes(np.array(points), (100, 200))[:2], np.array(truth[:2]))
    assert found['crowd/knn_box_iou'] == pytest.approx(knn.mean())
    assert 0 < knn.mean() < 1


def test_no_head_at_all():
    assert np.isnan(run([sample([], [], [])])['crowd/box_iou'])


def test_detections_are_no_boxes_of_known_heads():
    with pytest.raises(ValueError, match=r'0.jpg: .* expected the predictions at the 1 annotated points'):
        run([sample([[10, 10]], [[5, 5, 15, 15]], [[5, 5, 15, 15]], shift=1.0)])


def test_file(tmp_path):
    from json import loads

    run([sample([[10, 10]], [[5, 5, 15, 15]], [[5, 5, 15, 15]])], out=str(tmp_path / 'iou.json'))
    stored = loads((tmp_path / 'iou.json').read_text())
    assert stored['figures']['box_iou'] == 1
    assert stored['protocol']['num_heads'] == 1


def test_boxes_without_area_are_no_boxes():
    found = run([sample([[10, 10], [50, 50]], [[5, 5, 15, 15], [50, 50, 50, 50]], [[5, 5, 15, 15], [45, 45, 55, 55]])])
    assert found['crowd/box_iou'] == 1
