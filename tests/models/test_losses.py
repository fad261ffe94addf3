import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mmcrowd.models.losses.ssim_loss import C1, C2, InstanceSSIMLoss, SSIMLoss
from mmcrowd.models.map_targets import MapTargets
from mmcrowd.registry import MODELS

LOSSES = [
    dict(type='mmcrowd.MapMSELoss'),
    dict(type='mmcrowd.MapMSELoss', normalizer='sum'),
    dict(type='mmcrowd.MapMSELoss', normalizer='mean'),
    dict(type='mmcrowd.MapRMSELoss'),
    dict(type='mmcrowd.SSIMLoss'),
    dict(type='mmcrowd.InstanceSSIMLoss'),
    dict(type='mmcrowd.InstanceSSIMLoss', window='gauss11', region=15),
]


def scene(seed: int, sizes: list[tuple[int, int]], heads: list[int], shape: tuple[int, int] = (40, 48)) -> MapTargets:
    """Random maps, validity and heads of a batch, at stride 1."""
    rng = torch.Generator().manual_seed(seed)
    pred = torch.rand(len(sizes), 1, *shape, generator=rng)
    target = torch.rand(len(sizes), 1, *shape, generator=rng)
    valid = torch.zeros(len(sizes), 1, *shape, dtype=torch.bool)
    points = []
    for i, (h, w) in enumerate(sizes):
        valid[i, :, :h, :w] = True
        where = torch.rand(heads[i], 2, generator=rng) * torch.tensor([w, h])
        points.append(where)
    return MapTargets(pred, target, valid, valid, points, 1, torch.tensor(max(1.0, float(sum(heads)))))


def ssim_of_patch(x: np.ndarray, y: np.ndarray) -> float:
    """SSIM of two patches from its definition, uniform weights, population statistics."""
    cov = ((x - x.mean()) * (y - y.mean())).mean()
    top = (2 * x.mean() * y.mean() + C1) * (2 * cov + C2)
    return top / ((x.mean() ** 2 + y.mean() ** 2 + C1) * (x.var() + y.var() + C2))


def issim_reference(maps: MapTargets, region: int) -> float:
    """I-SSIM head by head."""
    terms = []
    for i, heads in enumerate(maps.cells):
        h, w = int(maps.valid[i, 0, :, 0].sum()), int(maps.valid[i, 0, 0].sum())
        x, y = maps.pred[i, 0, :h, :w].double().numpy(), maps.target[i, 0, :h, :w].double().numpy()
        for col, row in heads.tolist():
            rows = slice(max(row - region // 2, 0), row - region // 2 + region)
            cols = slice(max(col - region // 2, 0), col - region // 2 + region)
            terms.append(1 - ssim_of_patch(x[rows, cols], y[rows, cols]))
    return float(np.mean(terms)) if terms else 0.0


@pytest.mark.parametrize('cfg', LOSSES)
class TestContract:
    def test_no_heads(self, cfg: dict):
        maps = scene(0, [(40, 48), (20, 30)], [0, 0])
        maps.pred.requires_grad_()
        loss = MODELS.build(cfg)(maps)
        loss.backward()
        assert torch.isfinite(loss)
        assert torch.isfinite(maps.pred.grad).all()

    def test_equal_maps_cost_nothing(self, cfg: dict):
        maps = scene(0, [(40, 48), (20, 30)], [5, 3])
        assert MODELS.build(cfg)(replace(maps, target=maps.pred.clone())).item() == pytest.approx(0, abs=1e-5)

    @pytest.mark.parametrize('value', [0.0, 1.0, -3.0, 1e4])
    def test_flat_maps_have_finite_gradients(self, cfg: dict, value: float):
        maps = scene(0, [(40, 48)], [4])
        pred = torch.full_like(maps.pred, value).requires_grad_()
        loss = MODELS.build(cfg)(replace(maps, pred=pred, target=torch.zeros_like(pred)))
        loss.backward()
        assert torch.isfinite(loss)
        assert torch.isfinite(pred.grad).all()

    @pytest.mark.parametrize('region', ['padding', 'ignored'])
    def test_what_does_not_count_carries_no_loss(self, cfg: dict, region: str):
        maps = scene(1, [(30, 30), (20, 48)], [6, 6])
        if region == 'ignored':
            counted = maps.valid.clone()
            counted[:, :, 5:17, 3:19] = False
            maps = replace(maps, counted=counted)
        loss = MODELS.build(cfg)
        before = loss(maps)
        noisy = torch.where(maps.counted, maps.pred, torch.full_like(maps.pred, 7.0)).requires_grad_()
        after = loss(replace(maps, pred=noisy))
        after.backward()
        assert before.item() == pytest.approx(after.item(), rel=1e-6)
        assert noisy.grad[~maps.counted].abs().sum() == 0

    def test_batch_order_does_not_matter(self, cfg: dict):
        maps = scene(2, [(40, 48), (20, 30), (33, 17)], [6, 0, 3])
        loss, order = MODELS.build(cfg), [2, 0, 1]
        turned = {name: getattr(maps, name)[order] for name in ('pred', 'target', 'valid', 'counted')}
        got = loss(replace(maps, **turned, points=[maps.points[i] for i in order]))
        assert got.item() == pytest.approx(loss(maps).item(), rel=1e-5)

    def test_float32_under_autocast(self, cfg: dict):
        maps = scene(3, [(40, 48)], [6])
        loss = MODELS.build(cfg)
        expected = loss(maps)
        with torch.autocast('cpu', torch.bfloat16):
            got = loss(maps)
        assert got.dtype == torch.float32
        assert got.item() == expected.item()

    def test_loss_weight(self, cfg: dict):
        maps = scene(4, [(40, 48)], [6])
        one, three = MODELS.build(cfg)(maps), MODELS.build(dict(cfg, loss_weight=3.0))(maps)
        assert three.item() == pytest.approx(3 * one.item(), rel=1e-6)

    def test_gradient(self, cfg: dict):
        maps = scene(5, [(12, 14)], [3], (12, 14))
        loss = MODELS.build(cfg)
        maps.pred.requires_grad_()
        loss(maps).backward()
        direction = torch.rand(maps.pred.shape, generator=torch.Generator().manual_seed(6)) - 0.5
        step = 2e-2 if 'SSIM' in cfg['type'] else 1e-2
        with torch.no_grad():
            ends = [loss(replace(maps, pred=maps.pred + s * step * direction)) for s in (-1, 1)]
        numeric = (ends[1] - ends[0]).item() / (2 * step)
        assert (maps.pred.grad * direction).sum().item() == pytest.approx(numeric, rel=0.02, abs=2e-4)


class TestSumsOverCells:
    @pytest.mark.parametrize(('name', 'power'), [('MapMSELoss', 2), ('MapL1Loss', 1)])
    def test_normalizers(self, name: str, power: int):
        maps = scene(0, [(40, 48), (10, 20)], [5, 3])
        total = ((maps.pred - maps.target).abs().pow(power) * maps.valid).sum().item()
        for normalizer, size in dict(sum=1, num_heads=8, batch=2, mean=40 * 48 + 200).items():
            got = MODELS.build(dict(type=f'mmcrowd.{name}', normalizer=normalizer))(maps)
            assert got.item() == pytest.approx(total / size, rel=1e-6)

    @pytest.mark.parametrize('name', ['MapMSELoss', 'MapL1Loss', 'BayesianLoss'])
    def test_unknown_normalizer(self, name: str):
        with pytest.raises(ValueError, match=f"{name}: normalizer must be .* got 'heads'"):
            MODELS.build(dict(type=f'mmcrowd.{name}', normalizer='heads'))

    def test_root_of_each_image(self):
        maps = scene(0, [(40, 48), (10, 20)], [5, 3])
        squares = [(maps.pred - maps.target)[i, 0][maps.valid[i, 0]].square().mean() for i in (0, 1)]
        expected = sum(square.sqrt().item() for square in squares) / 2
        assert MODELS.build(dict(type='mmcrowd.MapRMSELoss'))(maps).item() == pytest.approx(expected, rel=1e-6)


class TestBayesian:
    def reference(self, maps: MapTargets, sigma: float, background: float | None) -> float:
        """Cell by cell and head by head."""
        total = 0.0
        for i, points in enumerate(maps.points):
            rows, cols = maps.valid[i, 0].any(1).sum().item(), maps.valid[i, 0].any(0).sum().item()
            counts = np.zeros(len(points) + 1)
            for row, col in maps.counted[i, 0].nonzero().tolist():
                centre = (np.array([col, row]) + 0.5) * maps.stride
                distance = np.linalg.norm(points.numpy() - centre, axis=1) if len(points) else np.array([np.inf])
                likely = np.append(np.exp(-(distance**2) / (2 * sigma**2))[: len(points)], 0)
                if background is not None:
                    away = background * min(rows, cols) * maps.stride - distance.min()
                    likely[-1] = np.exp(-(away**2) / (2 * sigma**2))
                counts += (
                    likely / likely.sum() * maps.pred[i, 0, row, col].item()
                    if len(points)
                    else [maps.pred[i, 0, row, col].item()]
                )
            total += np.abs(counts[:-1] - 1).sum() + abs(counts[-1])
        return total / len(maps.points)

    @pytest.mark.parametrize('background', [None, 0.2])
    def test_equals_the_reference(self, background: float | None):
        maps = scene(0, [(12, 15), (9, 10), (12, 15)], [4, 1, 0], (12, 15))
        counted = maps.valid.clone()
        counted[0, :, 2:5, 3:9] = False
        maps = replace(maps, stride=8, points=[8 * p for p in maps.points], counted=counted)
        loss = MODELS.build(dict(type='mmcrowd.BayesianLoss', sigma=12.0, background=background))
        assert loss(maps).item() == pytest.approx(self.reference(maps, 12.0, background), rel=1e-4)
        noisy = torch.where(counted, maps.pred, 7.0).requires_grad_()
        loss(replace(maps, pred=noisy)).backward()
        assert noisy.grad[~counted].abs().sum() == 0
        assert noisy.grad[2].abs().sum() > 0, 'an image without heads should count nothing'

    def test_far_from_all_heads_is_background(self):
        maps = replace(scene(0, [(20, 20)], [1], (20, 20)), stride=8, points=[torch.tensor([[4.0, 4.0]])])
        pred = torch.zeros_like(maps.pred)
        pred[..., 0, 0], pred[..., 15, 15] = 1, 3
        loss = MODELS.build(dict(type='mmcrowd.BayesianLoss', sigma=8.0, background=0.3))
        assert loss(replace(maps, pred=pred)).item() == pytest.approx(3, abs=1e-3)

    def test_heads_in_one_place(self):
        maps = replace(scene(0, [(20, 20)], [3], (20, 20)), stride=8, points=[torch.full((3, 2), 4.0)])
        pred = torch.zeros_like(maps.pred)
        pred[..., 0, 0] = 3
        assert MODELS.build(dict(type='mmcrowd.BayesianLoss'))(replace(maps, pred=pred)).item() < 0.1

    def test_bad_options(self):
        with pytest.raises(ValueError, match='sigma and background must be positive'):
            MODELS.build(dict(type='mmcrowd.BayesianLoss', sigma=0))


class TestInstanceSSIM:
    @example(seed=67, region=2, heads=0)  # needs more than float32
    @settings(max_examples=20, deadline=None)
    @given(seed=st.integers(0, 999), region=st.sampled_from([2, 7, 15, 30]), heads=st.integers(0, 12))
    def test_equals_the_reference_head_by_head(self, seed: int, region: int, heads: int):
        maps = scene(seed, [(40, 48), (21, 30)], [heads, 2])
        assert InstanceSSIMLoss(region)(maps).item() == pytest.approx(issim_reference(maps, region), abs=1e-6)

    def test_border_head_uses_the_clipped_patch(self):
        maps = replace(scene(0, [(40, 48)], [1]), points=[torch.tensor([[0.2, 39.9]])])
        got = InstanceSSIMLoss(30)(maps)
        x, y = maps.pred[0, 0, 24:40, 0:15].numpy(), maps.target[0, 0, 24:40, 0:15].numpy()
        assert got.item() == pytest.approx(1 - ssim_of_patch(x, y), abs=1e-6)

    def test_gauss_window_of_a_whole_map_is_the_global_loss(self):
        maps = replace(scene(0, [(15, 15)], [1], (15, 15)), points=[torch.tensor([[7.0, 7.0]])])
        ours = InstanceSSIMLoss(15, window='gauss11')(maps)
        assert ours.item() == pytest.approx(SSIMLoss()(maps).item(), abs=1e-6)

    @pytest.mark.parametrize('kwargs', [dict(window='box'), dict(region=1)])
    def test_bad_parameters(self, kwargs: dict):
        with pytest.raises(ValueError, match='InstanceSSIMLoss'):
            InstanceSSIMLoss(**kwargs)


def test_gaussian_ssim_equals_the_definition():
    maps = scene(0, [(9, 13)], [1], (9, 13))
    axis = np.exp(-((np.arange(11) - 5.0) ** 2) / (2 * 1.5**2))
    window = np.outer(axis, axis)
    x, y = maps.pred[0, 0].double().numpy(), maps.target[0, 0].double().numpy()
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
    assert SSIMLoss()(maps).item() == pytest.approx(1 - np.mean(values), abs=1e-5)


def test_ssim_is_stable_far_from_zero():
    """A large common offset must not turn small variances into noise."""
    x = 1e3 + 1e-2 * torch.rand(1, 1, 30, 30)
    valid = torch.ones_like(x, dtype=torch.bool)
    loss = SSIMLoss()(MapTargets(x, x.clone(), valid, valid, [], 1, torch.tensor(1.0)))
    assert loss.item() == pytest.approx(0, abs=1e-4)
    assert F.mse_loss(x, x) == 0
