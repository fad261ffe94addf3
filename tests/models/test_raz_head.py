import math

import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from torch import Tensor, nn

from mmcrowd.models import RAZLocalizationHead, WeightedBCELoss
from mmcrowd.models.map_targets import MapTargets
from mmcrowd.registry import MODELS

CODEC = dict(type='mmcrowd.CrossCodec', threshold=0.3)


def head(**params) -> RAZLocalizationHead:
    losses = dict(cross=dict(type='mmcrowd.WeightedBCELoss'))
    return RAZLocalizationHead(8, (8, 4, 4), codec=CODEC, losses=losses, **params)


@pytest.mark.parametrize(('two_class', 'count'), [(True, 18_242_370), (False, 18_242_305)])
def test_parameter_counts(repo_root, two_class: bool, count: int):
    cfg = Config.fromfile(repo_root / 'configs/raz/raz-loc_vgg16_2000e_nwpu.py').model
    assert cfg.bbox_head.two_class
    cfg.bbox_head.update(two_class=two_class, final_relu=two_class)
    with torch.device('meta'):
        assert sum(p.numel() for p in MODELS.build(cfg).parameters()) == count


@pytest.mark.parametrize('params', [{}, dict(two_class=True), dict(two_class=True, final_relu=True)])
def test_full_resolution_and_probabilities(params: dict):
    torch.manual_seed(0)
    net = head(**params)
    nn.init.constant_(net.output.bias[:1], -3)
    x = (torch.randn(2, 8, 5, 7),)
    (pred,) = net(x)
    assert pred.shape == (2, 2 if params else 1, 40, 56)
    assert net.features(x).shape == (2, 4, 40, 56)
    maps = net.to_maps(pred)
    expected = pred.softmax(1)[:, 1:] if params else pred.sigmoid()
    torch.testing.assert_close(maps, expected)
    assert (pred.min() >= 0) == ('final_relu' in params)


@pytest.mark.parametrize(
    ('params', 'message'), [(dict(final_relu=True), 'needs two_class'), (dict(channels=()), 'channels is empty')]
)
def test_bad_parameters(params: dict, message: str):
    with pytest.raises(ValueError, match=message):
        RAZLocalizationHead(8, **params, codec=CODEC, losses={})


def targets(pred: Tensor, target: Tensor, counted: Tensor | None = None) -> MapTargets:
    valid = torch.ones_like(target, dtype=torch.bool)
    return MapTargets(pred, target, valid, valid if counted is None else counted, [], 1, torch.tensor(1.0))


class TestWeightedBCELoss:
    pred = torch.randn(2, 2, 6, 9, generator=torch.Generator().manual_seed(0))
    target = (torch.rand(2, 1, 6, 9, generator=torch.Generator().manual_seed(1)) > 0.8).float()

    def test_two_channels_equal_the_weighted_nll(self):
        """As published: a softmax over two channels, and torch's mean by the weights of the classes."""
        expected = F.cross_entropy(self.pred, self.target[:, 0].long(), weight=torch.tensor([1.0, 100.0]))
        loss = WeightedBCELoss(normalizer='weights')(targets(self.pred, self.target))
        torch.testing.assert_close(loss, expected)

    def test_pixels_and_what_does_not_count(self):
        counted = torch.rand(2, 1, 6, 9) > 0.3
        pred = self.pred[:, :1]
        loss = WeightedBCELoss(7.0, loss_weight=2.0)(targets(pred, self.target, counted))
        p = pred.sigmoid()
        cells = -7 * self.target * p.log() - (1 - self.target) * (1 - p).log()
        torch.testing.assert_close(loss, 2 * cells[counted].mean())

    @pytest.mark.parametrize('normalizer', ['pixels', 'weights'])
    def test_no_heads_and_nothing_that_counts(self, normalizer: str):
        loss = WeightedBCELoss(normalizer=normalizer)
        zeros = torch.zeros(1, 1, 4, 4)
        assert loss(targets(zeros, zeros)).item() == pytest.approx(math.log(2))
        assert loss(targets(zeros, zeros, zeros.bool())).item() == 0

    def test_bad_arguments(self):
        with pytest.raises(ValueError, match="'pixels' or 'weights'"):
            WeightedBCELoss(normalizer='mean')
        with pytest.raises(ValueError, match='one or two logits'):
            WeightedBCELoss()(targets(torch.zeros(1, 3, 4, 4), torch.zeros(1, 1, 4, 4)))


def test_learns_to_locate():
    """Three heads of one image are found where they are."""
    torch.manual_seed(0)
    net = head()
    points = torch.tensor([[9.5, 12.5], [30.5, 7.5], [20.5, 25.5]])
    target = torch.from_numpy(net.codec.encode(points.numpy(), None, (32, 40))['cross'])[None]
    features = (torch.randn(1, 8, 4, 5),)
    optimizer = torch.optim.Adam(net.parameters(), 3e-3)
    for _ in range(120):
        optimizer.zero_grad()
        net.losses['loss_cross'](targets(net(features)[0], target)).backward()
        optimizer.step()
    (found,) = net.codec.decode(net.to_maps(net(features)[0]))
    assert sorted(found.points.tolist()) == sorted(points.tolist())
