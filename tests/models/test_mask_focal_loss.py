import math

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mmdet.models.losses import FocalLoss, GaussianFocalLoss
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode

from mmcrowd.models.losses.mask_focal_loss import MaskFocalLoss, distance_from_logits
from mmcrowd.registry import MODELS

EQUATIONS = {
    'L_f': dict(gamma=2, beta=0, poly=0),
    'L_h': dict(gamma=2, beta=0, poly=0, mask='peak', negative_beta=4),
    'L_f^P1': dict(gamma=2, beta=0, poly=1, mask='peak', negative_beta=4),
    'L_m': dict(gamma=4, beta=0.5, poly=0),
    'L_m^P1': dict(gamma=4, beta=0.5, poly=1),
    'L_m^P1, as printed': dict(gamma=4, beta=0.5, poly=1, beta_on='poly'),
    'L_m^P1, log': dict(gamma=4, beta=0.5, poly=1, beta_on='log'),
    'cross entropy': dict(gamma=0, beta=0, poly=0),
    'odd exponents': dict(gamma=0.3, beta=1.7, poly=0.6, negative_beta=0.4),
}
by_equation = pytest.mark.parametrize('options', EQUATIONS.values(), ids=EQUATIONS.keys())
levels = st.one_of(st.sampled_from([0.0, 1.0, 1e-45, 1e-12, 1 - 2**-24]), st.floats(0, 1, width=32))
logits = st.one_of(st.sampled_from([0.0, -0.0, 1e4, -1e4, 88.0, -104.0]), st.floats(-1e4, 1e4, width=32))


def build(**options) -> MaskFocalLoss:
    return MODELS.build(dict(type='mmcrowd.MaskFocalLoss', use_sigmoid=True, **options))


def heat_and_logits(seed: int = 0, shape: tuple[int, ...] = (6, 3), dtype=torch.float32):
    """Random logits and heat with zeros, ones and everything between."""
    rng = torch.Generator().manual_seed(seed)
    heat = (2 * torch.rand(shape, generator=rng, dtype=torch.float64) - 0.5).clamp(0, 1)
    return 3 * torch.randn(shape, generator=rng, dtype=torch.float64).to(dtype), heat.to(dtype)


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def l_h(p: float, q: float, gamma: float, b: float) -> float:
    """Equation 3, one pixel, alpha = N = 1; equation 2 for b = 0."""
    return -((1 - q) ** gamma * math.log(q) if p == 1 else (1 - p) ** b * q**gamma * math.log(1 - q))


def l_f_p1(p: float, q: float, gamma: float, b: float) -> float:
    """Equation 5."""
    if p == 1:
        return -((1 - q) ** gamma * math.log(q) - (1 - q) ** (gamma + 1))
    return -((1 - p) ** b) * (q**gamma * math.log(1 - q) - q ** (gamma + 1))


def l_m(p: float, q: float, gamma: float, b: float) -> float:
    """Equation 6."""
    d = abs(p - q)
    return -(p**b * d**gamma * math.log(1 - d) if p > 0 else q**gamma * math.log(1 - q))


def l_m_p1(p: float, q: float, gamma: float, b: float, beta_on: str) -> float:
    """Equation 7, with p^b on both terms, on the poly term as printed, or on the log term."""
    if p == 0:
        return -(q**gamma * math.log(1 - q) - q ** (gamma + 1))
    d = abs(p - q)
    log_term, poly_term = d**gamma * math.log(1 - d), d ** (gamma + 1)
    if beta_on == 'both':
        return -(p**b) * (log_term - poly_term)
    return -(p**b * log_term - poly_term) if beta_on == 'log' else -(log_term - p**b * poly_term)


class TestValues:
    """Against the equations, written out for one pixel."""

    @pytest.mark.parametrize(
        ('logit', 'p', 'expected'),
        [
            # q = 1/2 and p = 1: D = 1/2, (1/2)^4 (log 2 + 1/2)
            (0.0, 1.0, (math.log(2) + 0.5) / 16),
            (0.0, 0.0, (math.log(2) + 0.5) / 16),
            # q = 3/4, p = 1/4: D = 1/2 again, p^beta = 1/2
            (math.log(3), 0.25, (math.log(2) + 0.5) / 32),
            (0.0, 0.5, 0.0),
            (-math.log(3), 1.0, (3 / 4) ** 4 * (math.log(4) + 3 / 4)),
        ],
    )
    def test_by_hand(self, logit: float, p: float, expected: float):
        got = build()(torch.tensor([[logit]]), torch.tensor([[p]]))
        assert got.item() == pytest.approx(expected, rel=1e-6, abs=1e-9)

    @settings(max_examples=60, deadline=None)
    @given(x=st.floats(-12, 12), p=levels, gamma=st.floats(0, 5), beta=st.floats(0, 5))
    def test_equations(self, x: float, p: float, gamma: float, beta: float):
        q = sigmoid(x)
        cases = [
            (dict(beta=0, poly=0, mask='peak'), l_h(p, q, gamma, 0)),
            (dict(beta=0, poly=0, mask='peak', negative_beta=beta), l_h(p, q, gamma, beta)),
            (dict(beta=0, poly=1, mask='peak', negative_beta=beta), l_f_p1(p, q, gamma, beta)),
            (dict(beta=beta, poly=0), l_m(p, q, gamma, beta)),
            (dict(beta=beta, poly=3), 3 * l_m_p1(p, q, gamma, beta, 'both') - 2 * l_m(p, q, gamma, beta)),
            *((dict(beta=beta, poly=1, beta_on=on), l_m_p1(p, q, gamma, beta, on)) for on in ('both', 'poly', 'log')),
        ]
        for options, expected in cases:
            for activated, pred in ((False, x), (True, q)):
                loss = build(gamma=gamma, activated=activated, **options)
                got = loss(torch.tensor([[pred]], dtype=torch.float64), torch.tensor([[p]], dtype=torch.float64))
                assert got.item() == pytest.approx(expected, rel=1e-6, abs=1e-9), options

    @settings(max_examples=60, deadline=None)
    @given(x=st.floats(-1e4, 1e4), gamma=st.sampled_from([0.0, 0.5, 2.0, 4.0]), poly=st.sampled_from([0.0, 1.0]))
    def test_symmetric_for_binary_targets(self, x: float, gamma: float, poly: float):
        pred = torch.tensor([[x]], requires_grad=True)
        loss = build(gamma=gamma, poly=poly, reduction='sum')
        positive, negative = loss(pred, torch.ones(1, 1)), loss(-pred, torch.zeros(1, 1))
        assert positive.item() == negative.item()
        grads = [torch.autograd.grad(one, pred)[0].item() for one in (positive, negative)]
        assert grads[0] == grads[1]

    def test_wrong_by_far(self):
        """A logit of float16's largest size costs its size and is pulled back with full strength."""
        pred = torch.tensor([[-1e4], [1e4], [-1e4], [1e4]], requires_grad=True)
        loss = build(poly=0, reduction='none')(pred, torch.tensor([[1.0], [0.0], [0.0], [1.0]]))
        loss.sum().backward()
        assert loss.flatten().tolist() == [1e4, 1e4, 0, 0]
        assert pred.grad.flatten().tolist() == [-1, 1, 0, 0]

    @given(x=logits, p=st.sampled_from([0.0, 1.0]))
    def test_log_is_logsigmoid_for_binary_targets(self, x: float, p: float):
        x = torch.tensor(x)
        _, log_closeness = distance_from_logits(x, torch.tensor(p))
        # Equal, but that a processor may flush numbers below 1e-38 to zero.
        torch.testing.assert_close(log_closeness, torch.nn.functional.logsigmoid(x if p else -x), rtol=0, atol=1.2e-38)


class TestEqualsMmdet:
    """The baselines to 1e-6, with their gradients; in float64, as mmdet's lose 1 - q in float32."""

    @pytest.mark.parametrize('activated', [False, True])
    @pytest.mark.parametrize('gamma', [0.5, 1.0, 2.0, 4.0])
    def test_focal_loss(self, activated: bool, gamma: float):
        x = torch.linspace(-9, 9, 301, dtype=torch.float64).view(-1, 1).expand(-1, 3)
        labels = torch.arange(301) % 4
        options = dict(gamma=gamma, beta=0, poly=0)
        theirs = FocalLoss(gamma=gamma, alpha=0.5, activated=activated, loss_weight=2.0)
        weight = torch.rand(301, generator=torch.Generator().manual_seed(0))
        pred = x.sigmoid() if activated else x
        self.check(build(activated=activated, **options), theirs, pred, labels, weight)
        exact = theirs(pred, labels, reduction_override='none')
        self.assert_close(build(reduction='none', **options)(x.float(), labels), exact)

    @pytest.mark.parametrize(('gamma', 'negative_beta'), [(2.0, 4.0), (1.0, 2.0), (4.0, 0.5)])
    def test_gaussian_focal_loss(self, gamma: float, negative_beta: float):
        x, heat = heat_and_logits(1, (2, 1, 40, 50), torch.float64)
        theirs = GaussianFocalLoss(alpha=gamma, gamma=negative_beta)
        options = dict(gamma=gamma, beta=0, poly=0, mask='peak', negative_beta=negative_beta)
        weight = torch.rand(heat.shape, generator=torch.Generator().manual_seed(0))
        self.check(build(activated=True, **options), theirs, x.sigmoid(), heat, weight)
        exact = theirs(x.sigmoid(), heat, reduction_override='none')
        self.assert_close(build(reduction='none', **options)(x.float(), heat.float()), exact)

    @staticmethod
    def assert_close(got, expected):
        torch.testing.assert_close(got, expected, atol=1e-6, rtol=1e-6, check_dtype=False)

    def check(self, ours, theirs, pred, target, weight):
        for kwargs in (
            dict(reduction_override='none'),
            dict(reduction_override='sum'),
            dict(),
            dict(avg_factor=7.0),
            dict(weight=weight, avg_factor=torch.tensor(7.0)),
            dict(weight=weight, reduction_override='none'),
        ):
            values, grads = [], []
            for loss in (ours, theirs):
                leaf = pred.clone().requires_grad_()
                values.append(loss(leaf, target, **kwargs))
                grads.append(torch.autograd.grad(values[-1].sum(), leaf)[0])
            self.assert_close(*values)
            self.assert_close(*grads)

    @pytest.mark.parametrize('beta', [0.0, 0.25, 4.0])
    def test_beta_and_mask_do_nothing_for_binary_maps(self, beta: float):
        x, heat = heat_and_logits()
        heat = heat.round()
        plain = build(gamma=2, beta=0, poly=0, reduction='none')(x, heat)
        for mask in ('support', 'peak'):
            got = build(gamma=2, beta=beta, poly=0, mask=mask, negative_beta=beta, reduction='none')(x, heat)
            torch.testing.assert_close(got, plain, atol=0, rtol=0)


@by_equation
class TestAnyInput:
    @pytest.mark.parametrize('activated', [False, True])
    def test_gradcheck(self, options: dict, activated: bool):
        x, heat = heat_and_logits(2, (8, 4), torch.float64)
        pred = (x.sigmoid() if activated else x).requires_grad_()
        loss = build(activated=activated, **options)
        assert torch.autograd.gradcheck(lambda pred: loss(pred, heat), pred)

    def test_gradient_at_zero_logits(self, options: dict):
        """Where a layer of zeros starts: sigmoid has no corner there."""
        pred = torch.zeros(5, 1, dtype=torch.float64, requires_grad=True)
        heat = torch.tensor([0.0, 0.2, 0.49, 0.8, 1.0], dtype=torch.float64).view(-1, 1)
        assert torch.autograd.gradcheck(lambda pred: build(**options)(pred, heat), pred)

    @example(x=0.0, p=0.5)  # D = 0
    @example(x=-1e4, p=1.0)
    @settings(max_examples=50, deadline=None)
    @given(x=logits, p=levels)
    def test_extreme_logits(self, options: dict, x: float, p: float):
        self.check_finite(build(**options), x, p)

    @pytest.mark.parametrize(('x', 'p'), [(math.inf, 0.0), (-math.inf, 1.0), (math.inf, 0.3)])
    def test_infinite_logits(self, options: dict, x: float, p: float):
        """An overflow in half precision: a large loss where it is wrong, and no NaN in it or its gradient."""
        self.check_finite(build(**options), x, p)
        loss = build(reduction='none', **options)
        wrong, large = (loss(torch.tensor([[v]]), torch.tensor([[p]])) for v in (x, math.copysign(1e5, x)))
        assert wrong >= large
        weighted = loss(torch.tensor([[x], [0.0]]), torch.tensor([[p], [p]]), weight=torch.tensor([0.0, 1.0]))
        assert weighted[0] == 0

    @example(x=0.5, p=0.5)
    @example(x=1.0, p=0.0)
    @example(x=0.0, p=1.0)
    @settings(max_examples=50, deadline=None)
    @given(x=levels, p=levels)
    def test_extreme_probabilities(self, options: dict, x: float, p: float):
        self.check_finite(build(activated=True, **options), x, p)

    @staticmethod
    def check_finite(loss: MaskFocalLoss, x: float, p: float):
        pred = torch.tensor([[x]], requires_grad=True)
        value = loss(pred, torch.tensor([[p]]))
        value.backward()
        assert 0 <= value.item() < math.inf
        assert torch.isfinite(pred.grad).all()

    @settings(max_examples=40, deadline=None)
    @given(x=st.floats(-30, 30), p=levels)
    def test_gradient_leads_to_the_target(self, options: dict, x: float, p: float):
        pred = torch.tensor([[x]], dtype=torch.float64, requires_grad=True)
        loss = build(**options)
        loss(pred, torch.tensor([[p]], dtype=torch.float64)).backward()
        goal = p if loss.mask == 'support' or p == 1 else 0.0
        assert pred.grad.item() * (sigmoid(x) - goal) >= 0

    @pytest.mark.parametrize('reduction', ['mean', 'sum', 'none'])
    def test_no_elements(self, options: dict, reduction: str):
        pred = torch.zeros(0, 3, requires_grad=True)
        loss = build(reduction=reduction, **options)
        for target in (torch.zeros(0, dtype=torch.long), torch.zeros(0, 3)):
            value = loss(pred, target, weight=torch.zeros(0))
            value.sum().backward()
            assert value.shape == ((0, 3) if reduction == 'none' else ())
            assert value.sum().item() == 0
        assert build(**options)(pred, target, avg_factor=0.0).item() == 0

    @pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
    def test_float32_under_autocast(self, options: dict, dtype: torch.dtype):
        x, heat = heat_and_logits(3)
        x = x.to(dtype)
        expected = build(**options)(x.float(), heat, avg_factor=torch.tensor(3.0))
        with torch.autocast('cpu', dtype):
            got = build(**options)(x, heat, avg_factor=torch.tensor(3.0))
        assert got.dtype == torch.float32
        assert got.item() == expected.item()

    def test_cuda_does_not_wait_for_values(self, options: dict):
        """Tensors without values, as on a device still at work: reading one would raise."""
        loss = build(**options)
        with FakeTensorMode(), torch.no_grad():
            pred, factor = torch.empty(10, 2, device='cuda'), torch.empty((), device='cuda')
            for target in (torch.empty(10, 2, device='cuda'), torch.empty(10, dtype=torch.long, device='cuda')):
                assert loss(pred, target, weight=torch.empty(10, device='cuda'), avg_factor=factor).shape == ()
            with pytest.raises(DataDependentOutputException):
                bool(pred.any())


class TestTargets:
    def test_class_indices_are_one_hot_without_background(self):
        x, _ = heat_and_logits(shape=(5, 3))
        labels = torch.tensor([0, 3, 2, 1, 3])
        one_hot = torch.tensor([[1, 0, 0], [0, 0, 0], [0, 0, 1], [0, 1, 0], [0, 0, 0]])
        expected = build()(x, one_hot.float())
        for target in (labels, labels.int(), one_hot, one_hot.bool()):
            assert build()(x, target).item() == expected.item()

    def test_class_indices_of_maps(self):
        x, _ = heat_and_logits(shape=(2, 3, 4, 5))
        labels = torch.arange(40).view(2, 4, 5) % 4
        flat = x.permute(0, 2, 3, 1).reshape(-1, 3)
        assert build()(x, labels).item() == pytest.approx(build()(flat, labels.flatten()).item(), rel=1e-6)

    def test_no_gradient_into_the_target(self):
        x, heat = heat_and_logits()
        heat.requires_grad_()
        build()(x.requires_grad_(), heat).backward()
        assert heat.grad is None

    @pytest.mark.parametrize('label', [-1, 3])
    def test_index_out_of_range(self, label: int):
        with pytest.raises(ValueError, match=r'class indices must be in \[0, 2\].*found 0 to 3|found -1 to 0'):
            build()(torch.zeros(2, 2), torch.tensor([0, label]))

    @pytest.mark.parametrize('value', [1.5, -0.1, math.nan, math.inf])
    def test_heat_out_of_range(self, value: float):
        with pytest.raises(ValueError, match=r'heat must be in \[0, 1\]: combine.*found'):
            build()(torch.zeros(2, 1), torch.tensor([[0.5], [value]]))

    def test_rounded_heat_is_clamped(self):
        x = torch.tensor([[0.3], [-2.0]])
        got = build(mask='peak')(x, torch.tensor([[1.0005], [-0.0005]]))
        assert got.item() == build(mask='peak')(x, torch.tensor([[1.0], [0.0]])).item()

    def test_logits_given_as_probabilities(self):
        with pytest.raises(ValueError, match=r'activated=True pred must be probabilities.*found -2 to 0.5'):
            build(activated=True)(torch.tensor([[-2.0], [0.5]]), torch.zeros(2, 1))

    @pytest.mark.parametrize('activated', [False, True])
    def test_nan_prediction_is_seen_in_the_loss(self, activated: bool):
        pred = torch.tensor([[math.nan], [0.5]])
        assert build(activated=activated)(pred, torch.zeros(2, 1)).isnan()

    @pytest.mark.parametrize(
        'target',
        [torch.zeros(4), torch.zeros(4, 3), torch.zeros(4, dtype=torch.bool), torch.zeros(5, dtype=torch.long)],
    )
    def test_shapes_that_do_not_fit(self, target: torch.Tensor):
        with pytest.raises(ValueError, match=r'target has shape .* expected class indices'):
            build()(torch.zeros(4, 2), target)


class TestWeightAndMask:
    def test_ignored_elements(self):
        x, _ = heat_and_logits(shape=(4, 2))
        labels, weight = torch.tensor([0, 1, 2, 1]), torch.tensor([1.0, 0.0, 1.0, 0.0])
        leaf = x.clone().requires_grad_()
        got = build()(leaf, labels, weight, avg_factor=2)
        got.backward()
        kept = build(reduction='sum')(x[::2], labels[::2]) / 2
        assert got.item() == pytest.approx(kept.item(), rel=1e-6)
        assert leaf.grad[1::2].abs().sum() == 0

    def test_shapes(self):
        x, heat = heat_and_logits(shape=(4, 2))
        rows = torch.rand(4, generator=torch.Generator().manual_seed(0))
        expected = build()(x, heat, rows)
        for weight in (rows.view(4, 1), rows.view(4, 1).expand(4, 2), rows.view(4, 1).expand(4, 2).reshape(8)):
            assert build()(x, heat, weight).item() == expected.item()
        valid = torch.rand(2, 1, 5, 6) > 0.5
        x, heat = heat_and_logits(shape=(2, 3, 5, 6))
        all_elements = build(reduction='none')(x, heat)
        assert build(reduction='sum')(x, heat, valid).item() == pytest.approx(
            (all_elements * valid).sum().item(), rel=1e-6
        )

    @pytest.mark.parametrize('shape', [(3,), (5, 2), (4, 1, 1), (2, 4)])
    def test_shapes_that_do_not_fit(self, shape: tuple[int, ...]):
        for name in ('weight', 'mask'):
            with pytest.raises(ValueError, match=f'{name} has shape'):
                build()(torch.zeros(4, 2), torch.zeros(4, 2), **{name: torch.ones(shape)})

    @pytest.mark.parametrize('dtype', [torch.bool, torch.float32, torch.uint8])
    def test_given_mask(self, dtype: torch.dtype):
        """Only the mask says where p counts: outside it q is compared with 0, inside p = 0 is a target like others."""
        x = torch.tensor([[0.0], [0.0], [0.0]])
        heat, mask = torch.tensor([[0.25], [0.25], [0.0]]), torch.tensor([[1], [0], [1]]).to(dtype)
        got = build(reduction='none', negative_beta=2)(x, heat, mask=mask).flatten().tolist()
        inside = 0.25**0.5 * 0.25**4 * (-math.log(0.75) + 0.25)
        outside = 0.75**2 * 0.5**4 * (math.log(2) + 0.5)
        assert got == pytest.approx([inside, outside, 0.0], rel=1e-5)
        assert build(reduction='none', beta=0)(x, heat, mask=mask)[2].item() > 0

    def test_average(self):
        x, heat = heat_and_logits()
        total = build(reduction='sum', loss_weight=3.0)(x, heat).item()
        loss = build(loss_weight=3.0)
        assert loss(x, heat).item() == pytest.approx(total / 18, rel=1e-6)
        for factor in (5, 5.0, torch.tensor(5.0), torch.tensor([5.0])):
            assert loss(x, heat, avg_factor=factor).item() == pytest.approx(total / 5, rel=1e-6)
        assert loss(x, heat, reduction_override='none').shape == x.shape
        assert loss(x, heat, reduction_override='sum').item() == pytest.approx(total, rel=1e-6)
        with pytest.raises(ValueError, match='reduction_override must be'):
            loss(x, heat, reduction_override='average')


class TestOptions:
    @pytest.mark.parametrize('options', [dict(), dict(use_sigmoid=False)])
    def test_use_sigmoid_is_mandatory(self, options: dict):
        with pytest.raises(ValueError, match='write use_sigmoid=True'):
            MODELS.build(dict(type='mmcrowd.MaskFocalLoss', **options))

    @pytest.mark.parametrize(
        ('name', 'value'),
        [
            ('gamma', -1),
            ('beta', math.nan),
            ('poly', -1),
            ('negative_beta', math.inf),
            ('beta_on', 'all'),
            ('mask', 'box'),
            ('reduction', 'avg'),
        ],
    )
    def test_out_of_range(self, name: str, value: object):
        with pytest.raises(ValueError, match=f'MaskFocalLoss: {name} must be'):
            build(**{name: value})
