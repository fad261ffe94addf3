"""The point-to-region loss against its definition, cell by head; the head."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData
from torch import Tensor

from benchmarks.dense_p2r import dense_loss
from mmcrowd.models import P2RHead, P2RLoss
from mmcrowd.models.map_targets import MapTargets


def scene(pred: Tensor, points: list[list[list[float]]], stride: int = 4, counted: Tensor | None = None) -> MapTargets:
    valid = torch.ones_like(pred, dtype=torch.bool)
    points = [torch.tensor(p).reshape(-1, 2) for p in points]
    return MapTargets(pred, None, valid, valid if counted is None else counted, points, stride, torch.tensor(1.0))


class TestEqualsTheDenseForm:
    @settings(max_examples=200, deadline=None)
    @given(
        seed=st.integers(0, 2**31),
        numbers=st.lists(st.integers(0, 60), min_size=1, max_size=3),
        shape=st.tuples(st.integers(1, 24), st.integers(1, 24)),
        stride=st.sampled_from([1, 4, 16]),
    )
    def test_random_crowds(self, seed: int, numbers: list[int], shape: tuple[int, int], stride: int):
        """Loss and gradient; heads that coincide, heads outside, regions that do not count."""
        rng = np.random.default_rng(seed)
        extent = stride * np.array(shape[::-1])
        points = [rng.uniform(-0.2, 1.2, (n, 2)) * extent for n in numbers]
        points = [np.concatenate([p, p[: len(p) // 4]]).astype(np.float32).tolist() for p in points]
        pred = torch.from_numpy(rng.normal(0, 3, (len(numbers), 1, *shape)).astype(np.float32)).requires_grad_()
        counted = torch.from_numpy(rng.uniform(size=pred.shape) < 0.9)
        maps = scene(pred, points, stride, counted)
        got, expected = P2RLoss()(maps), dense_loss(maps)
        torch.testing.assert_close(got, expected)
        torch.testing.assert_close(*(torch.autograd.grad(loss, pred)[0] for loss in (got, expected)))

    @pytest.mark.parametrize('points', [[], [[6.0, 6.0]], [[6.0, 6.0]] * 3, [[400.0, 6.0]]])
    def test_few_heads(self, points: list[list[float]]):
        pred = torch.randn(1, 1, 30, 40, generator=torch.Generator().manual_seed(0)).requires_grad_()
        maps = scene(pred, [points])
        torch.testing.assert_close(P2RLoss()(maps), dense_loss(maps))
        assert P2RLoss().targets(maps).sum() == (1 if points and points[0][0] < 160 + 96 else 0)


def test_a_head_teaches_the_cell_that_is_surest():
    """A cell of distance d and radius r costs 8 d / r - A: here 5.66 pixels, 8 * 5.66 / 17 = 2.7 logits."""
    pred = torch.zeros(1, 1, 5, 5)
    maps = scene(pred, [[[10.0, 10.0]]])
    assert P2RLoss().targets(maps)[0].nonzero().tolist() == [[2, 2]]
    pred[0, 0, 3, 3] = 2.5
    assert P2RLoss().targets(maps)[0].nonzero().tolist() == [[2, 2]]
    pred[0, 0, 3, 3] = 4.1
    assert P2RLoss().targets(maps)[0].nonzero().tolist() == [[3, 3]]


def test_a_head_whose_cells_others_have_teaches_nothing():
    maps = scene(torch.zeros(1, 1, 1, 2), [[[2.0, 2.0], [2.0, 2.4], [6.0, 2.0]]])
    assert P2RLoss().targets(maps).sum() == 2


def test_weights():
    """Two cells, one head: the head's cell counts twice; an image without heads counts half."""
    pred = torch.tensor([[[[1.0, -2.0]]], [[[1.0, -2.0]]]])
    loss = P2RLoss()(scene(pred, [[[2.0, 2.0]], []]))
    softplus = F.softplus(torch.tensor([-1.0, -2.0, 1.0, -2.0]))
    expected = ((2 * softplus[0] + softplus[1]) / 2 + 0.5 * (softplus[2] + softplus[3]) / 2) / 2
    torch.testing.assert_close(loss, expected)


def test_one_logit_per_cell():
    with pytest.raises(ValueError, match='one logit per cell'):
        P2RLoss()(scene(torch.zeros(1, 2, 4, 4), [[]]))


@pytest.mark.parametrize('radii', [(0, 4), (8, 4)])
def test_bad_radii(radii: tuple[float, float]):
    with pytest.raises(ValueError, match='radii'):
        P2RLoss(radii=radii)


@pytest.mark.parametrize('upscale', [1, 2])
def test_head(upscale: int):
    codec = dict(type='mmcrowd.P2RCodec', stride=8 // upscale)
    head = P2RHead(6, 8, upscale=upscale, codec=codec, losses=dict(p2r=dict(type='mmcrowd.P2RLoss')))
    sample = DetDataSample(metainfo=dict(img_shape=(32, 48), batch_input_shape=(32, 48), img_path='here.jpg'))
    sample.gt_instances = InstanceData(points=torch.tensor([[3.0, 5.0], [40.0, 30.0]]))
    features = (torch.rand(1, 6, 4, 6),)
    losses = head.loss(features, [sample])
    losses['loss_p2r'].backward()
    assert all(p.grad.abs().sum() > 0 for p in head.parameters())
    (logits,) = head(features)
    assert logits.shape == (1, 1, 4 * upscale, 6 * upscale)
    (found,) = head.predict(features, [sample])
    assert len(found.points) == (logits > 0).sum()
