"""What all heads of maps share."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import HorizontalBoxes
from mmengine.structures import InstanceData, PixelData
from torch import Tensor, nn

from mmcrowd.models import (
    CrowdCenterNetHead,
    FIDTHead,
    FIDTLiteHead,
    InstanceMapHead,
    InstanceMapLiteHead,
    P2RHead,
    RAZLocalizationHead,
)
from mmcrowd.models.dense_heads.map_head import CrowdMapHead

MSE = dict(map=dict(type='mmcrowd.MapMSELoss'))
ALL_LOSSES = MSE | dict(ssim=dict(type='mmcrowd.InstanceSSIMLoss', region=15), whole=dict(type='mmcrowd.SSIMLoss'))
PIXEL_ENCODER = dict(type='mmcrowd.PixelThresholdEncoder', in_channels=8, channels=(8, 8, 8))


def fidt(stride: int) -> dict:
    return dict(type='mmcrowd.FIDTCodec', stride=stride)


def instance(stride: int) -> dict:
    return dict(type='mmcrowd.InstanceMapCodec', stride=stride)


P2R = dict(p2r=dict(type='mmcrowd.P2RLoss'))
CROSS = dict(cross=dict(type='mmcrowd.WeightedBCELoss'))

HEADS = {
    'FIDTHead': lambda: FIDTHead(8, (4, 1), codec=fidt(1), losses=ALL_LOSSES),
    'FIDTLiteHead': lambda: FIDTLiteHead(8, codec=fidt(4), losses=ALL_LOSSES),
    'InstanceMapHead': lambda: InstanceMapHead(instance(1), 8, (4, 1), threshold_encoder=PIXEL_ENCODER),
    'InstanceMapLiteHead': lambda: InstanceMapLiteHead(instance(4), 8, threshold_encoder=dict(PIXEL_ENCODER, block=2)),
    'P2RHead': lambda: P2RHead(8, 8, codec=dict(type='mmcrowd.P2RCodec', stride=2), losses=P2R),
    'RAZLocalizationHead': lambda: RAZLocalizationHead(8, (4, 4), codec=dict(type='mmcrowd.CrossCodec'), losses=CROSS),
    'CrowdCenterNetHead': lambda: CrowdCenterNetHead(dict(type='mmcrowd.HeadHeatmapCodec', stride=4), 8, 8),
}


def sample(head: CrowdMapHead, points: Sequence[Sequence[float]], shape: tuple[int, int] = (64, 64)) -> DetDataSample:
    """A packed training sample with boxes of 10 pixels around ``points``."""
    data = DetDataSample(metainfo=dict(img_shape=shape, img_path='here.jpg'))
    points = np.asarray(points, np.float32).reshape(-1, 2)
    boxes = np.concatenate([points - 5, points + 5], 1)
    data.gt_instances = InstanceData(points=torch.from_numpy(points), bboxes=torch.from_numpy(boxes))
    maps = {name: torch.from_numpy(value) for name, value in head.codec.encode(points, boxes, shape).items()}
    data.set_field(PixelData(**maps), head.field, dtype=PixelData)
    return data


@pytest.mark.parametrize('make', HEADS.values(), ids=HEADS)
class TestEveryHead:
    def test_ignored_regions_carry_no_loss(self, make):
        head = make().eval()
        data = sample(head, [[50.0, 50.0], [20.0, 40.0]])
        (pred,) = head((torch.rand(1, 8, 16, 16),))
        changed = pred.detach().clone()
        cells = 24 // head.codec.stride
        changed[..., :cells, :cells] = 0.9
        assert head.loss_by_feat(pred, [data]) != head.loss_by_feat(changed, [data])
        data.ignored_instances = InstanceData(bboxes=HorizontalBoxes(torch.tensor([[0.0, 0, 24, 24]])))
        before, after = head.loss_by_feat(pred, [data]), head.loss_by_feat(changed, [data])
        assert {k: v.item() for k, v in before.items()} == pytest.approx({k: v.item() for k, v in after.items()})

    def test_the_last_layer_is_float32_under_autocast(self, make):
        """In training, in evaluation, and with a gradient; from bfloat16 features its own arithmetic is exact."""
        head = make()
        last = [m for m in head.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
        last = [m for m in last if type(m).__name__.startswith('Float32')]
        assert last
        seen = []
        for layer in last:
            layer.register_forward_hook(lambda m, x, y: seen.append((m, x[0].detach(), y.detach())))
        with torch.autocast('cpu', torch.bfloat16):
            for mode in (True, False):
                head.train(mode)((torch.rand(1, 8, 16, 16),))[0].sum().backward()
        assert len(seen) == 2 * len(last)
        for layer, inputs, outputs in seen:
            assert outputs.dtype == torch.float32
            torch.testing.assert_close(outputs, type(layer).__mro__[2].forward(layer, inputs.float()))


class FieldHead(CrowdMapHead):
    """Three channels where the codec draws one."""

    def forward(self, x: Sequence[Tensor]) -> tuple[Tensor]:
        return (x[0],)


def test_a_target_keeps_its_own_channels():
    """A target of one channel is not spread over a prediction of three in silence."""
    head = FieldHead(fidt(4), losses=MSE)
    maps = head.match_targets(torch.zeros(1, 3, 16, 16), [sample(head, [[9.0, 9.0]])])
    assert maps.pred.shape == (1, 3, 16, 16)
    assert maps.target.shape == (1, 1, 16, 16)


def test_targets_come_from_the_field_of_the_head():
    head = FieldHead(fidt(4), losses=MSE, field='gt_other')
    data = sample(head, [[9.0, 9.0]])
    assert head.match_targets(torch.zeros(1, 1, 16, 16), [data]).target.max() == 1
    head.field = 'gt_map'
    with pytest.raises(ValueError, match=r"here\.jpg: expected the target maps \['fidt'\] .* in gt_map, found \[\]"):
        head.match_targets(torch.zeros(1, 1, 16, 16), [data])


def test_codecs_without_a_map_leave_points_to_the_loss(monkeypatch):
    head = FieldHead(fidt(4), losses=MSE)
    data = sample(head, [[9.5, 13.0], [1.0, 2.0]])
    monkeypatch.setattr(head.codec, 'names', ())
    del data.gt_map
    maps = head.match_targets(torch.zeros(1, 1, 16, 16), [data])
    assert maps.target is None
    assert maps.points[0].tolist() == [[9.5, 13.0], [1.0, 2.0]]
    assert maps.cells[0].tolist() == [[2, 3], [0, 0]]
    assert maps.num_heads == 2
