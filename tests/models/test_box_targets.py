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

from .box_heads import SHAPE, STRIDES, build, crowd_boxes, features, mask_focal_loss, sample

SIZES = [(math.ceil(SHAPE[0] / s), math.ceil(SHAPE[1] / s)) for s in STRIDES]


def heads(boxes: torch.Tensor) -> InstanceData:
    return InstanceData(bboxes=boxes, labels=torch.arange(len(boxes)) % 3)


class TestFCOS:
    @pytest.mark.parametrize('max_pairs', [1, 300, 5000, 2**20])
    @pytest.mark.parametrize('options', [{}, dict(center_sampling=False), dict(norm_on_bbox=False)])
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

    def test_soft_targets(self):
        """A head of 16 x 32 pixels: at stride 8 a Gaussian of min(w, h) = 2 cells."""
        head = build('FCOSHead', soft_targets='gaussian', center_sampling=False, eta=2.0, num_classes=2)
        boxes = torch.tensor([[20.0, 4, 36, 36], [80, 10, 84, 14]])
        points = head.prior_generator.grid_priors(SIZES, device='cpu')
        labels, distances = head.get_targets(points, [InstanceData(bboxes=boxes, labels=torch.tensor([1, 0]))])
        heat, number = head._make_heat(labels, distances)
        assert number.item() == int(sum((label < 2).sum() for label in labels))
        assert torch.equal(heat > 0, torch.nn.functional.one_hot(torch.cat(labels), 3)[:, :2] > 0)
        fine = heat[: SIZES[0][0] * SIZES[0][1], 1].view(SIZES[0])
        sigma = 5 * (1 + 2 * math.exp(-5)) / 6
        for row, column in torch.nonzero(fine).tolist():
            dx, dy = (column + 0.5) - 28 / 8, (row + 0.5) - 20 / 8
            expected = math.exp(-(dx**2 + dy**2) / (2 * sigma**2))
            assert fine[row, column].item() == pytest.approx(expected, rel=1e-5)
        assert fine[2, 3] == 1
        assert 0 < (fine > 0).sum() < fine.numel()

    @pytest.mark.parametrize('norm_on_bbox', [False, True])
    def test_soft_targets_do_not_depend_on_the_coding(self, norm_on_bbox: bool):
        head = build('FCOSHead', soft_targets='gaussian', norm_on_bbox=norm_on_bbox)
        points = head.prior_generator.grid_priors(SIZES, device='cpu')
        heat, _ = head._make_heat(*head.get_targets(points, [sample(crowd_boxes(30)).gt_instances]))
        other = build('FCOSHead', soft_targets='gaussian', norm_on_bbox=not norm_on_bbox)
        expected, _ = other._make_heat(*other.get_targets(points, [sample(crowd_boxes(30)).gt_instances]))
        torch.testing.assert_close(heat, expected)

    def test_a_long_head_keeps_its_locations(self):
        """The Gaussian of a thin box is 0 in float32 at its ends."""
        head = build('FCOSHead', soft_targets='gaussian', center_sampling=False, eta=0.0)
        points = head.prior_generator.grid_priors(SIZES, device='cpu')
        boxes = torch.tensor([[0.0, 7, 128, 9]])
        targets = head.get_targets(points, [InstanceData(bboxes=boxes, labels=torch.zeros(1, dtype=torch.long))])
        heat, number = head._make_heat(*targets)
        assert (heat > 0).sum() == number == 8
        assert heat.max() > 0.05
        assert (heat == torch.finfo(torch.float32).tiny).any()

    @pytest.mark.parametrize('counts', [(30, 5), (0, 0)])
    def test_soft_loss(self, counts: tuple[int, int]):
        samples = [sample(crowd_boxes(n, seed=i)) for i, n in enumerate(counts)]
        soft, binary = (
            build('FCOSHead', soft_targets=kind, **mask_focal_loss('FCOSHead')) for kind in ('gaussian', 'binary')
        )
        got, plain = soft.loss(features(2), samples), binary.loss(features(2), samples)
        for key in ('loss_bbox', 'loss_centerness'):
            assert torch.equal(got[key], plain[key])
        assert (got['loss_cls'] < plain['loss_cls']).item() == (sum(counts) > 0)
        got['loss_cls'].backward()
        assert all(torch.isfinite(p.grad).all() for p in soft.conv_cls.parameters())

    def test_options(self):
        for options in (dict(soft_targets='round'), dict(size='quarter'), dict(eps=0.0), dict(max_pairs=0)):
            with pytest.raises(ValueError, match=f'{next(iter(options))}'):
                build('FCOSHead', **options)


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
