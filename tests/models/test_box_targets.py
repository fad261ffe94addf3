"""Targets of the box heads that assign them by themselves: equal to mmdet's, in bounded memory."""

import math

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from mmcrowd.codecs import HeadHeatmapCodec
from mmcrowd.codecs.numerics import head_sigma
from mmcrowd.models import CrowdFCOSHead
from mmcrowd.models.dense_heads.fovea_head import last_owner

from .box_heads import SHAPE, STRIDES, build, crowd_boxes

SIZES = [(math.ceil(SHAPE[0] / s), math.ceil(SHAPE[1] / s)) for s in STRIDES]


def heads(boxes: torch.Tensor) -> InstanceData:
    return InstanceData(bboxes=boxes, labels=torch.arange(len(boxes)) % 3)


class TestFCOS:
    @pytest.mark.parametrize(
        ('options', 'max_pairs'),
        [({}, 1), ({}, 5000), (dict(center_sampling=False), 300), (dict(norm_on_bbox=False), 2**20)],
    )
    @pytest.mark.parametrize(('count', 'grid'), [(0, None), (1, None), (60, None), (400, None), (400, 8.0)])
    def test_equal_mmdets(self, count: int, grid: float | None, options: dict, max_pairs: int):
        """With ``grid``, many heads are equal, and edges pass through locations."""
        images = [heads(crowd_boxes(count, 0, grid)), heads(crowd_boxes(count // 2, 1, grid))]
        ours = build('FCOSHead', **dict(options, num_classes=3), max_pairs=max_pairs)
        theirs = build('FCOSHead', stock=True, **dict(options, num_classes=3))
        points = ours.prior_generator.grid_priors(SIZES, device='cpu')
        got, expected = ours.get_targets(points, images), theirs.get_targets(points, images)
        for label, other_label, distance, other_distance in zip(got[0], expected[0], got[1], expected[1], strict=True):
            assert torch.equal(label, other_label)
            positive = label < 3
            assert positive.any() or count < 2
            assert torch.equal(distance[positive], other_distance[positive])

    def test_pairs_are_bounded(self, monkeypatch: pytest.MonkeyPatch):
        head = build('FCOSHead', max_pairs=2000)
        points = torch.cat(head.prior_generator.grid_priors(SIZES, device='cpu'))
        pairs = []
        assign = CrowdFCOSHead.__mro__[2]._get_targets_single

        def record(self, instances, points, *args):
            pairs.append(len(instances) * len(points))
            return assign(self, instances, points, *args)

        monkeypatch.setattr(CrowdFCOSHead.__mro__[2], '_get_targets_single', record)
        ranges = points.new_tensor([[-1.0, 1e8]]).expand(len(points), 2)
        head._get_targets_single(heads(crowd_boxes(500)), points, ranges, [a * b for a, b in SIZES])
        assert max(pairs) <= 2000
        assert sum(pairs) < 500 * len(points) / 3

    def test_options(self):
        with pytest.raises(ValueError, match='max_pairs'):
            build('FCOSHead', max_pairs=0)


class TestFovea:
    @pytest.mark.parametrize(('count', 'grid'), [(0, None), (1, None), (60, None), (400, None), (400, 8.0), (400, 3.0)])
    @pytest.mark.parametrize('sigma', [0.4, 0.05, 1.0])
    def test_equal_mmdets(self, count: int, grid: float | None, sigma: float):
        images = [heads(crowd_boxes(count, 0, grid)), heads(crowd_boxes(count // 2, 1, grid))]
        results = []
        for stock in (False, True):
            head = build('FoveaHead', stock, num_classes=3, sigma=sigma)
            priors = head.prior_generator.grid_priors(SIZES, device='cpu')
            results.append(head.get_targets(images, SIZES, priors))
        (labels, targets), (other_labels, other_targets) = results
        assert torch.equal(labels, other_labels)
        assert torch.equal(targets, other_targets)
        if count > 1 and sigma > 0.1:
            assert (labels < 3).any()

    def test_every_head_has_a_cell(self):
        """One of 6 x 6 pixels, one of 4 x 28 whose area misses a column only, one of 1.5 x 1.5 in the last column."""
        boxes = torch.tensor([[10.0, 9, 16, 15], [41, 20, 45, 48], [126, 50, 127.5, 51.5]])
        shape = SIZES[0]
        cells = []
        for center_cell in (False, True):
            head = build('FoveaHead', num_classes=3, center_cell=center_cell)
            priors = head.prior_generator.grid_priors(SIZES, device='cpu')
            labels, targets = head.get_targets([heads(boxes)], SIZES, priors)
            assert torch.isfinite(targets).all()
            fine = labels[: shape[0] * shape[1]].view(shape)
            cells.append({tuple(cell): fine[tuple(cell)].item() for cell in torch.nonzero(fine < 3).tolist()})
        assert cells[0] == {(1, 1): 0}
        assert cells[1] == {(1, 1): 0, (4, 5): 1, (6, 15): 2}

    def test_last_owner(self):
        areas = torch.tensor([[0, 0, 2, 1], [1, 1, 3, 2], [2, 2, 1, 3], [3, 0, 3, 0]])
        expected = [[0, 0, 0, 3], [0, 1, 1, 1], [-1, 1, 1, 1]]
        assert last_owner(areas, (3, 4)).view(3, 4).tolist() == expected
        assert last_owner(areas[:0], (3, 4)).tolist() == [-1] * 12


@pytest.mark.parametrize('size', ['full', 'half'])
def test_sigma_of_arrays_tensors_and_the_codec(size: str):
    width, height = np.random.default_rng(0).uniform(0.1, 20, (2, 50))
    expected = HeadHeatmapCodec(eps=5.0, eta=3.0, size=size).sigma(width, height)
    side = np.minimum(width, height)
    np.testing.assert_allclose(head_sigma(side, 5.0, 3.0, size), expected, rtol=1e-12)
    np.testing.assert_allclose(head_sigma(torch.from_numpy(side), 5.0, 3.0, size), expected, rtol=1e-12)
    assert head_sigma(np.array(2.0), eta=0.0) == pytest.approx(5 / 6)
