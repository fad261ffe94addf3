import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mmcrowd.models.losses.ssim_loss import C1, C2, InstanceSSIMLoss, SSIMLoss
from mmcrowd.registry import MODELS

LOSSES = [
    dict(type='mmcrowd.MapMSELoss'),
    dict(type='mmcrowd.MapMSELoss', normalizer='sum'),
    dict(type='mmcrowd.MapMSELoss', normalizer='mean'),
    dict(type='mmcrowd.SSIMLoss'),
    dict(type='mmcrowd.InstanceSSIMLoss'),
    dict(type='mmcrowd.InstanceSSIMLoss', window='gauss11', region=15),
]


def scene(seed: int, sizes: list[tuple[int, int]], heads: list[int], shape: tuple[int, int] = (40, 48)):
    """Random maps, validity and heads of a batch."""
    rng = torch.Generator().manual_seed(seed)
    pred = torch.rand(len(sizes), 1, *shape, generator=rng)
    target = torch.rand(len(sizes), 1, *shape, generator=rng)
    valid = torch.zeros(len(sizes), 1, *shape, dtype=torch.bool)
    cells = []
    for i, (h, w) in enumerate(sizes):
        valid[i, :, :h, :w] = True
        where = torch.rand(heads[i], 2, generator=rng) * torch.tensor([w, h])
        cells.append(where.floor().long())
    return pred, target, valid, cells, torch.tensor(max(1.0, float(sum(heads))))


def ssim_of_patch(x: np.ndarray, y: np.ndarray) -> float:
    """SSIM of two patches from its definition, uniform weights, population statistics."""
    cov = ((x - x.mean()) * (y - y.mean())).mean()
    top = (2 * x.mean() * y.mean() + C1) * (2 * cov + C2)
    return top / ((x.mean() ** 2 + y.mean() ** 2 + C1) * (x.var() + y.var() + C2))


def issim_reference(pred, target, valid, cells, region: int) -> float:
    """I-SSIM head by head."""
    terms = []
    for i, heads in enumerate(cells):
        h, w = int(valid[i, 0, :, 0].sum()), int(valid[i, 0, 0].sum())
        x, y = pred[i, 0, :h, :w].double().numpy(), target[i, 0, :h, :w].double().numpy()
        for col, row in heads.tolist():
            rows = slice(max(row - region // 2, 0), row - region // 2 + region)
            cols = slice(max(col - region // 2, 0), col - region // 2 + region)
            terms.append(1 - ssim_of_patch(x[rows, cols], y[rows, cols]))
    return float(np.mean(terms)) if terms else 0.0


@pytest.mark.parametrize('cfg', LOSSES)
class TestContract:
    def test_no_heads(self, cfg: dict):
        pred, target, valid, cells, factor = scene(0, [(40, 48), (20, 30)], [0, 0])
        pred.requires_grad_()
        loss = MODELS.build(cfg)(pred, target, valid, cells, factor)
        loss.backward()
        assert torch.isfinite(loss)
        assert torch.isfinite(pred.grad).all()

    def test_equal_maps_cost_nothing(self, cfg: dict):
        pred, _, valid, cells, factor = scene(0, [(40, 48), (20, 30)], [5, 3])
        assert MODELS.build(cfg)(pred, pred.clone(), valid, cells, factor).item() == pytest.approx(0, abs=1e-5)

    @pytest.mark.parametrize('value', [0.0, 1.0, -3.0, 1e4])
    def test_flat_maps_have_finite_gradients(self, cfg: dict, value: float):
        pred, target, valid, cells, factor = scene(0, [(40, 48)], [4])
        pred = torch.full_like(pred, value).requires_grad_()
        loss = MODELS.build(cfg)(pred, torch.zeros_like(target), valid, cells, factor)
        loss.backward()
        assert torch.isfinite(loss)
        assert torch.isfinite(pred.grad).all()

    def test_padding_carries_no_loss(self, cfg: dict):
        pred, target, valid, cells, factor = scene(1, [(30, 30), (20, 48)], [6, 6])
        loss = MODELS.build(cfg)
        before = loss(pred, target, valid, cells, factor)
        noisy = torch.where(valid, pred, torch.full_like(pred, 7.0)).requires_grad_()
        after = loss(noisy, target, valid, cells, factor)
        after.backward()
        assert before.item() == pytest.approx(after.item(), rel=1e-6)
        assert noisy.grad[~valid].abs().sum() == 0

    def test_batch_order_does_not_matter(self, cfg: dict):
        pred, target, valid, cells, factor = scene(2, [(40, 48), (20, 30), (33, 17)], [6, 0, 3])
        loss = MODELS.build(cfg)
        expected = loss(pred, target, valid, cells, factor)
        order = [2, 0, 1]
        got = loss(pred[order], target[order], valid[order], [cells[i] for i in order], factor)
        assert got.item() == pytest.approx(expected.item(), rel=1e-5)

    def test_float32_under_autocast(self, cfg: dict):
        pred, target, valid, cells, factor = scene(3, [(40, 48)], [6])
        loss = MODELS.build(cfg)
        expected = loss(pred, target, valid, cells, factor)
        with torch.autocast('cpu', torch.bfloat16):
            got = loss(pred, target, valid, cells, factor)
        assert got.dtype == torch.float32
        assert got.item() == expected.item()

    def test_loss_weight(self, cfg: dict):
        args = scene(4, [(40, 48)], [6])
        one, three = MODELS.build(cfg)(*args), MODELS.build(dict(cfg, loss_weight=3.0))(*args)
        assert three.item() == pytest.approx(3 * one.item(), rel=1e-6)

    def test_gradient(self, cfg: dict):
        pred, target, valid, cells, factor = scene(5, [(12, 14)], [3], (12, 14))
        loss = MODELS.build(cfg)
        pred.requires_grad_()
        loss(pred, target, valid, cells, factor).backward()
        direction = torch.rand(pred.shape, generator=torch.Generator().manual_seed(6)) - 0.5
        step = 2e-2 if 'SSIM' in cfg['type'] else 1e-2
        with torch.no_grad():
            ends = [loss(pred + s * step * direction, target, valid, cells, factor) for s in (-1, 1)]
        numeric = (ends[1] - ends[0]).item() / (2 * step)
        assert (pred.grad * direction).sum().item() == pytest.approx(numeric, rel=0.02, abs=2e-4)


class TestMapMSE:
    def test_normalizers(self):
        pred, target, valid, cells, factor = scene(0, [(40, 48), (10, 20)], [5, 3])
        total = ((pred - target).square() * valid).sum().item()
        for name, expected in [('sum', total), ('num_heads', total / 8), ('mean', total / (40 * 48 + 200))]:
            got = MODELS.build(dict(type='mmcrowd.MapMSELoss', normalizer=name))(pred, target, valid, cells, factor)
            assert got.item() == pytest.approx(expected, rel=1e-6)

    def test_unknown_normalizer(self):
        with pytest.raises(ValueError, match='normalizer'):
            MODELS.build(dict(type='mmcrowd.MapMSELoss', normalizer='heads'))


class TestInstanceSSIM:
    @example(seed=67, region=2, heads=0)  # needs more than float32
    @settings(max_examples=20, deadline=None)
    @given(seed=st.integers(0, 999), region=st.sampled_from([2, 7, 15, 30]), heads=st.integers(0, 12))
    def test_equals_the_reference_head_by_head(self, seed: int, region: int, heads: int):
        pred, target, valid, cells, factor = scene(seed, [(40, 48), (21, 30)], [heads, 2])
        got = InstanceSSIMLoss(region)(pred, target, valid, cells, factor)
        assert got.item() == pytest.approx(issim_reference(pred, target, valid, cells, region), abs=1e-6)

    def test_border_head_uses_the_clipped_patch(self):
        pred, target, valid, _, factor = scene(0, [(40, 48)], [1])
        got = InstanceSSIMLoss(30)(pred, target, valid, [torch.tensor([[0, 39]])], factor)
        x, y = pred[0, 0, 24:40, 0:15].numpy(), target[0, 0, 24:40, 0:15].numpy()
        assert got.item() == pytest.approx(1 - ssim_of_patch(x, y), abs=1e-6)

    def test_gauss_window_of_a_whole_map_is_the_global_loss(self):
        pred, target, valid, _, factor = scene(0, [(15, 15)], [1], (15, 15))
        head = [torch.tensor([[7, 7]])]
        ours = InstanceSSIMLoss(15, window='gauss11')(pred, target, valid, head, factor)
        assert ours.item() == pytest.approx(SSIMLoss()(pred, target, valid, head, factor).item(), abs=1e-6)

    @pytest.mark.parametrize('kwargs', [dict(window='box'), dict(region=1)])
    def test_bad_parameters(self, kwargs: dict):
        with pytest.raises(ValueError, match='InstanceSSIMLoss'):
            InstanceSSIMLoss(**kwargs)


def test_gaussian_ssim_equals_the_definition():
    pred, target, valid, cells, factor = scene(0, [(9, 13)], [1], (9, 13))
    axis = np.exp(-((np.arange(11) - 5.0) ** 2) / (2 * 1.5**2))
    window = np.outer(axis, axis)
    x, y = pred[0, 0].double().numpy(), target[0, 0].double().numpy()
    values = []
    for row, col in itertools.product(range(9), range(13)):
        rows, cols = np.arange(row - 5, row + 6), np.arange(col - 5, col + 6)
        inside = ((rows >= 0) & (rows < 9))[:, None] & ((cols >= 0) & (cols < 13))
        w = (window * inside)[inside]
        w /= w.sum()
        px, py = (m[np.ix_(rows.clip(0, 8), cols.clip(0, 12))][inside] for m in (x, y))
        mx, my = (w * px).sum(), (w * py).sum()
        vx, vy, cov = (w * (px - mx) ** 2).sum(), (w * (py - my) ** 2).sum(), (w * (px - mx) * (py - my)).sum()
        values.append((2 * mx * my + C1) * (2 * cov + C2) / ((mx**2 + my**2 + C1) * (vx + vy + C2)))
    assert SSIMLoss()(pred, target, valid, cells, factor).item() == pytest.approx(1 - np.mean(values), abs=1e-5)


def test_ssim_is_stable_far_from_zero():
    """A large common offset must not turn small variances into noise."""
    x = 1e3 + 1e-2 * torch.rand(1, 1, 30, 30)
    loss = SSIMLoss()(x, x.clone(), torch.ones_like(x, dtype=torch.bool), [], torch.tensor(1.0))
    assert loss.item() == pytest.approx(0, abs=1e-4)
    assert F.mse_loss(x, x) == 0
