"""Thresholds on heads and on the background, by hand."""

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import HorizontalBoxes
from mmengine.structures import InstanceData, PixelData

from mmcrowd.registry import CODECS, METRICS

CODEC = dict(type='mmcrowd.InstanceMapCodec', source='box', rule='parallel')


def sample(number: int, boxes: list, threshold: np.ndarray, scale=(1.0, 1.0)) -> DetDataSample:
    shape = threshold.shape
    data = DetDataSample(
        metainfo=dict(img_id=number, img_path=f'{number}.jpg', ori_shape=shape, img_shape=shape, scale_factor=scale)
    )
    boxes = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
    data.gt_instances = InstanceData(points=(boxes[:, :2] + boxes[:, 2:]) / 2, bboxes=HorizontalBoxes(boxes))
    threshold = torch.from_numpy(threshold.astype(np.float32))[None]
    data.pred_map = PixelData(confidence=1 - threshold, threshold=threshold)
    return data


def run(samples: list[DetDataSample], **kwargs) -> dict:
    metric = METRICS.build(dict(dict(type='mmcrowd.ThresholdMetric', codec=CODEC), **kwargs))
    metric.process({}, [s.to_dict() for s in samples])
    return metric.evaluate(len(samples))


def test_means_over_cells():
    """A head of 6 x 6 pixels with threshold 0.3 in 20 x 20 pixels of 0.6, and an image of 0.5 without heads."""
    threshold = np.full((20, 20), 0.6)
    threshold[7:13, 4:10] = 0.3
    found = run([sample(0, [[4, 7, 10, 13]], threshold), sample(1, [], np.full((10, 10), 0.5))])
    assert found['crowd/threshold_on_heads'] == pytest.approx(0.3)
    assert found['crowd/threshold_on_background'] == pytest.approx((364 * 0.6 + 100 * 0.5) / 464)
    assert found['crowd/confidence_on_heads'] == pytest.approx(0.7)


def test_annotations_are_in_original_pixels():
    threshold = np.full((20, 40), 0.6)
    threshold[7:13, 8:20] = 0.3
    found = run([sample(0, [[4, 7, 10, 13]], threshold, scale=(2.0, 1.0))])
    assert found['crowd/threshold_on_heads'] == pytest.approx(0.3)


def test_points_and_a_coarser_map():
    """Stride 2, no boxes, odd sides: as the shipped config of iim_lite."""
    data = sample(0, [], np.full((21, 31), 0.6))
    data.gt_instances = InstanceData(
        points=torch.tensor([[9.5, 9.5], [25.5, 9.5]]), bboxes=HorizontalBoxes(torch.full((2, 4), float('nan')))
    )
    threshold = torch.full((1, 11, 16), 0.6)
    codec = dict(type='mmcrowd.InstanceMapCodec', stride=2, source='point')
    heads = CODECS.build(codec).encode(data.gt_instances.points.numpy(), None, (21, 31))['instance'] > 0
    assert heads.shape == (1, 11, 16)
    assert 2 <= heads.sum() < 100
    threshold[torch.from_numpy(heads)] = 0.3
    data.pred_map = PixelData(confidence=1 - threshold, threshold=threshold)
    metric = METRICS.build(dict(type='mmcrowd.ThresholdMetric', codec=codec))
    metric.process({}, [data.to_dict()])
    found = metric.evaluate(1)
    assert found['crowd/threshold_on_heads'] == pytest.approx(0.3)
    assert found['crowd/threshold_on_background'] == pytest.approx(0.6)


def test_no_heads():
    found = run([sample(0, [], np.full((8, 8), 0.5))])
    assert np.isnan(found['crowd/threshold_on_heads'])
    assert found['crowd/threshold_on_background'] == pytest.approx(0.5)


def test_maps_are_needed():
    one = sample(0, [], np.full((8, 8), 0.5))
    del one.pred_map
    with pytest.raises(KeyError, match=r'0.jpg: ThresholdMetric needs .* test_cfg.return_maps=True'):
        run([one])


def test_ignored_regions_do_not_count():
    """The left half, with a head of threshold 0.3 in it, is ignored; annotations are at half the size."""
    threshold = np.full((20, 20), 0.6)
    threshold[:, :10] = 0.1
    threshold[7:13, 2:8] = 0.3
    threshold[7:13, 12:18] = 0.4
    data = sample(0, [[1, 3.5, 4, 6.5], [6, 3.5, 9, 6.5]], threshold, scale=(2.0, 2.0))
    data.ignored_instances = InstanceData(bboxes=HorizontalBoxes(torch.tensor([[0.0, 0.0, 5.0, 10.0]])))
    found = run([data])
    assert found['crowd/threshold_on_heads'] == pytest.approx(0.4)
    assert found['crowd/threshold_on_background'] == pytest.approx(0.6)


def test_heads_without_a_box():
    threshold = np.full((20, 20), 0.6)
    threshold[7:13, 4:10] = 0.3
    data = sample(0, [[4, 7, 10, 13]], threshold)
    data.gt_instances.bboxes = HorizontalBoxes(torch.full((1, 4), float('nan')))
    with pytest.raises(ValueError, match='1 of 1 heads'):
        run([data])
    assert run([data], pseudo_size=6)['crowd/threshold_on_heads'] == pytest.approx(0.3)


def test_a_codec_of_another_stride_is_named():
    with pytest.raises(ValueError, match=r"0.jpg: the confidence map has .* stride 2 .* the model's codec"):
        run([sample(0, [], np.full((8, 8), 0.5))], codec=dict(CODEC, stride=2))
