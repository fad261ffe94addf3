"""bfloat16 training on any device."""

import pytest
import torch
from mmengine.model import BaseModel
from torch import nn

from mmcrowd.engine import AutocastOptimWrapper
from mmcrowd.registry import OPTIM_WRAPPERS


class Recorder(BaseModel):
    """One layer, which notes the data type it computed in."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 1)

    def forward(self, inputs, data_samples=None, mode='loss'):
        out = self.layer(inputs)
        self.seen = out.dtype
        return dict(loss=out.float().square().mean())


def make(**kwargs):
    torch.manual_seed(0)
    model = Recorder()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    config = dict(type='mmcrowd.AutocastOptimWrapper', optimizer=optimizer, **kwargs)
    return model, OPTIM_WRAPPERS.build(config)


def test_forward_in_bfloat16_weights_in_float32():
    model, wrapper = make()
    before = model.layer.weight.clone()
    model.train_step(dict(inputs=torch.ones(2, 4)), wrapper)
    assert isinstance(wrapper, AutocastOptimWrapper)
    assert model.seen == torch.bfloat16
    assert model.layer.weight.dtype == torch.float32
    assert not torch.equal(model.layer.weight, before)
    assert not torch.is_autocast_enabled('cpu')


def test_loss_falls_and_gradients_are_clipped():
    model, wrapper = make(clip_grad=dict(max_norm=0.5))
    losses = [model.train_step(dict(inputs=torch.ones(2, 4)), wrapper)['loss'].item() for _ in range(20)]
    assert losses[-1] < 0.1 * losses[0]


def test_accumulates_gradients():
    model, wrapper = make(accumulative_counts=2)
    before = model.layer.weight.clone()
    model.train_step(dict(inputs=torch.ones(2, 4)), wrapper)
    assert torch.equal(model.layer.weight, before)
    model.train_step(dict(inputs=torch.ones(2, 4)), wrapper)
    assert not torch.equal(model.layer.weight, before)


def test_float16_is_refused():
    with pytest.raises(ValueError, match=r"found dtype='float16'"):
        make(dtype='float16')
