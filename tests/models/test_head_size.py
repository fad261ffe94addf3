"""The head-scale network: reading its map, its loss, its boxes."""

import math

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import HorizontalBoxes
from mmengine.structures import InstanceData

from mmcrowd.models import HeadSizeEstimator, HeadSizeHead
from mmcrowd.registry import MODELS

NAN = float('nan')


def make_head(**kwargs) -> HeadSizeHead:
    torch.manual_seed(0)
    return HeadSizeHead(in_channels=4, feat_channels=4, stride=8, **kwargs)


def model_config(**test_cfg) -> dict:
    """A small network whose receptive field reaches less than 64 pixels."""
    return dict(
        type='mmcrowd.HeadSizeEstimator',
        data_preprocessor=dict(
            type='mmcrowd.CrowdDataPreprocessor', mean=[0.0] * 3, std=[255.0] * 3, pad_size_divisor=32
        ),
        backbone=dict(type='mmcrowd.SpaceToDepthResNet', channels=(4, 8, 8), blocks=(0, 1, 1)),
        neck=dict(type='mmcrowd.TopDownPyramid', in_channels=(8,), out_channels=(8,), start_level=2),
        bbox_head=dict(type='mmcrowd.HeadSizeHead', in_channels=8, feat_channels=8, stride=8),
        test_cfg=dict(dict(tile=256, halo=64), **test_cfg),
    )


def model(**test_cfg) -> HeadSizeEstimator:
    """The network of :func:`model_config`, the same weights every time."""
    torch.manual_seed(0)
    return MODELS.build(model_config(**test_cfg))


def sample(points, boxes=None, shape=(128, 256), scale=(1.0, 1.0)) -> DetDataSample:
    points = torch.as_tensor(np.asarray(points, np.float32).reshape(-1, 2))
    boxes = torch.full((len(points), 4), NAN) if boxes is None else torch.as_tensor(boxes, dtype=torch.float32)
    data = DetDataSample(metainfo=dict(img_shape=shape, ori_shape=shape, img_path='here.jpg', scale_factor=scale))
    data.gt_instances = InstanceData(points=points, bboxes=HorizontalBoxes(boxes.reshape(-1, 4)))
    return data


def around(points, width: float, height: float) -> np.ndarray:
    points = np.asarray(points, np.float32)
    half = np.array([width, height]) / 2
    return np.concatenate([points - half, points + half], axis=1)


class TestReading:
    def test_bilinear_between_the_centres_of_cells(self):
        """A map that is linear in x and y is read without error wherever four cells surround the point."""
        rows, cols = torch.meshgrid(torch.arange(6.0), torch.arange(9.0), indexing='ij')
        centre_x, centre_y = (cols + 0.5) * 8, (rows + 0.5) * 8
        points = torch.tensor([[4.0, 4], [20.5, 11.25], [67.9, 43.9], [33, 17]])
        read = make_head().read(torch.stack([centre_x, 3 * centre_y - 1]), points)
        torch.testing.assert_close(read, torch.stack([points[:, 0], 3 * points[:, 1] - 1], dim=1))

    def test_border_and_beyond(self):
        values = torch.arange(8.0).reshape(2, 2, 2)
        read = make_head().read(values, torch.tensor([[0.0, 0], [-50, -50], [16, 16], [99, 3]]))
        assert read.tolist() == [[0, 4], [0, 4], [3, 7], [1, 5]]

    def test_no_points(self):
        assert make_head().read(torch.zeros(2, 3, 3), torch.zeros(0, 2)).shape == (0, 2)

    def test_base_size(self):
        head = make_head(base_size=32.0)
        torch.nn.init.zeros_(head.layers[1].weight)
        torch.nn.init.zeros_(head.layers[1].bias)
        torch.testing.assert_close(head([torch.rand(1, 4, 3, 3)])[0], torch.full((1, 2, 3, 3), math.log(32.0)))


class TestLoss:
    def loss(self, samples: list[DetDataSample], log_sizes: torch.Tensor, **kwargs) -> dict:
        head = make_head(**kwargs)
        head.forward = lambda x: (log_sizes,)
        return head.loss([], samples)

    def test_values(self):
        """Predicted 16 x 16: a head of 16 x 32 is wrong by log 2 in one of its two sides."""
        points = [[20.0, 20], [40, 40]]
        boxes = np.concatenate([around(points[:1], 16, 32), around(points[1:], 16, 16)])
        log_sizes = torch.full((1, 2, 16, 32), math.log(16.0))
        found = self.loss([sample(points, boxes)], log_sizes, loss_size=dict(type='mmdet.L1Loss'))
        assert found['loss_size'].item() == pytest.approx(math.log(2) / 4)
        assert found['size_error'].item() == pytest.approx(math.log(2) / 4)

    def test_heads_without_a_box_carry_none(self):
        points = [[20.0, 20], [40, 40], [60, 60]]
        boxes = around(points, 16, 16)
        boxes[1] = NAN
        boxes[2, 2] = boxes[2, 0]  # no area
        found = self.loss([sample(points, boxes), sample(points)], torch.full((2, 2, 16, 32), math.log(16.0)))
        assert found['loss_size'].item() == pytest.approx(0, abs=1e-9)

    @pytest.mark.parametrize('points', [[], [[20.0, 20]]])
    def test_nothing_to_learn_from(self, points: list):
        head = make_head()
        found = head.loss([torch.rand(1, 4, 16, 32)], [sample(points)])
        found['loss_size'].backward()
        assert found['loss_size'].item() == 0
        assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in head.parameters())

    def test_learns_sizes_from_what_it_sees(self):
        """Bright discs are large heads and dark ones small: after a few steps the boxes fit."""
        net, rng = model(), np.random.default_rng(0)
        optimizer = torch.optim.Adam(net.parameters(), lr=0.01)

        def draw() -> tuple[torch.Tensor, DetDataSample]:
            large = rng.random(8) < 0.5
            points = np.stack([np.arange(8) * 32 + 16.0, rng.uniform(40, 80, 8)], axis=1)
            image = np.full((3, 128, 256), 90, np.uint8)
            for (x, y), big in zip(points.astype(int), large, strict=True):
                image[:, y - 12 : y + 12, x - 12 : x + 12] = 240 if big else 0
            boxes = np.where(large[:, None], around(points, 40, 44), around(points, 8, 9))
            return torch.from_numpy(image), sample(points, boxes)

        for _ in range(60):
            data = [draw() for _ in range(4)]
            data = net.data_preprocessor(dict(inputs=[d[0] for d in data], data_samples=[d[1] for d in data]), True)
            loss = net.loss(data['inputs'], data['data_samples'])['loss_size']
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        net.eval()
        image, truth = draw()
        boxes = net.test_step(dict(inputs=[image], data_samples=[truth]))[0].pred_instances.bboxes
        sizes, wanted = (b[:, 2:] - b[:, :2] for b in (boxes, truth.gt_instances.bboxes.tensor))
        assert (sizes / wanted).log().abs().max() < 0.4


class TestPrediction:
    def predict(self, points, shape=(128, 256), scale=(1.0, 1.0), lazy: bool = False, **test_cfg) -> InstanceData:
        net = model(**test_cfg).eval()
        if lazy:
            net.data_preprocessor.lazy_pixels = 10
        image = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, *shape), np.uint8))
        data = dict(inputs=[image], data_samples=[sample(points, shape=shape, scale=scale)])
        return net.test_step(data)[0].pred_instances

    def test_boxes_around_the_points_in_their_order(self):
        points = torch.tensor([[200.0, 5], [3, 100], [90.25, 64.5], [90.25, 64.5]])
        found = self.predict(points)
        torch.testing.assert_close(found.points, points)
        torch.testing.assert_close((found.bboxes[:, :2] + found.bboxes[:, 2:]) / 2, points)
        assert (found.bboxes[:, 2:] > found.bboxes[:, :2]).all()
        assert found.scores.tolist() == [1] * 4

    def test_original_pixels(self):
        """Of an image shown at double width, points and boxes are in pixels of the original."""
        points = np.array([[50.0, 40], [100, 90]])
        plain = self.predict(points * (2, 1)).bboxes
        scaled = self.predict(points, scale=(2.0, 1.0)).bboxes
        torch.testing.assert_close(scaled * torch.tensor([2.0, 1, 2, 1]), plain)

    @pytest.mark.parametrize('lazy', [False, True])
    def test_tiles_are_the_whole(self, lazy: bool):
        rng = np.random.default_rng(1)
        points = np.concatenate([rng.uniform(0, (500, 300), (200, 2)), [[-5, 10], [600, 20], [499.99, 299.99]]])
        whole = self.predict(points, (300, 500), mode='whole').bboxes
        tiled = self.predict(points, (300, 500), lazy=lazy, mode='tile').bboxes
        # Points beyond the image read its border; whole, the padding.
        torch.testing.assert_close(tiled[:200], whole[:200], rtol=1e-4, atol=1e-3)
        assert torch.isfinite(tiled).all()

    def test_no_heads(self):
        assert self.predict([]).bboxes.shape == (0, 4)
        assert self.predict([], mode='tile').bboxes.shape == (0, 4)

    def test_points_are_needed(self):
        data = dict(inputs=[torch.zeros(3, 64, 64, dtype=torch.uint8)], data_samples=[sample([], shape=(64, 64))])
        del data['data_samples'][0].gt_instances
        with pytest.raises(ValueError, match=r'here.jpg: HeadSizeEstimator .* no gt_instances.points'):
            model().eval().test_step(data)
