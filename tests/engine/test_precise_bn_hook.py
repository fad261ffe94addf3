"""Running statistics taken anew: of all values, of the weights that are deployed, and nothing else changed."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.dataset import pseudo_collate
from torch import nn
from torch.utils.data import DataLoader

import tests.engine.tiny_task  # noqa: F401 - registers the task
from mmcrowd.engine.hooks import precise_bn_hook
from mmcrowd.engine.hooks.precise_bn_hook import BatchNormSums, PreciseBN
from mmcrowd.engine.launch import launch_training
from tests.engine.tiny_task import TinyDataset, TinyModel

CONFIG = str(Path(__file__).with_name('tiny_config.py'))
HOOK = dict(type='mmcrowd.PreciseBN', num_images=16, batch_size=4)
MEAN, VAR = 'layers.1.running_mean', 'layers.1.running_var'


def train(folder, *hooks, **options):
    """The last checkpoint of a training with these hooks."""
    options = {'model.batch_norm': True, 'custom_hooks': list(hooks), **options}
    launch_training(CONFIG, str(folder), cfg_options=options)
    return torch.load(folder / 'epoch_3.pth', weights_only=False)


def statistics(state):
    """Mean and unbiased variance of what reaches the normalization: all 8 images, each of them twice."""
    model = TinyModel(batch_norm=True)
    model.load_state_dict(state)
    with torch.no_grad():
        x = model.layers[0](torch.stack([TinyDataset()[i % 8]['inputs'] for i in range(16)])).double()
    return x.mean(dim=(0, 2, 3)).float(), x.var(dim=(0, 2, 3)).float()


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    return train(tmp_path_factory.mktemp('precise'), HOOK, **{'model.dropout': 0.5})


def test_statistics_are_those_of_all_values(checkpoint):
    mean, var = statistics(checkpoint['state_dict'])
    torch.testing.assert_close(checkpoint['state_dict'][MEAN], mean, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(checkpoint['state_dict'][VAR], var, rtol=1e-5, atol=1e-6)


def test_training_does_not_notice(checkpoint, tmp_path):
    plain = train(tmp_path, **{'model.dropout': 0.5})['state_dict']
    for name, value in checkpoint['state_dict'].items():
        assert torch.equal(value, plain[name]) == (name not in (MEAN, VAR)), name


@pytest.mark.parametrize('update_buffers', [False, True])
def test_averaged_weights_have_their_own(tmp_path, monkeypatch, update_buffers):
    validated = []
    forward = TinyModel.forward

    def spy(self, inputs, data_samples, mode='tensor'):
        if mode == 'predict':
            validated.append({name: value.clone() for name, value in self.state_dict().items()})
        return forward(self, inputs, data_samples, mode)

    monkeypatch.setattr(TinyModel, 'forward', spy)
    average = dict(type='EMAHook', ema_type='ExpMomentumEMA', momentum=0.1, update_buffers=update_buffers)
    state = train(tmp_path, average, HOOK)['state_dict']
    mean, var = statistics(state)
    torch.testing.assert_close(state[MEAN], mean, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(state[VAR], var, rtol=1e-5, atol=1e-6)
    for name, value in state.items():
        if 'num_batches_tracked' not in name:
            assert torch.equal(value, validated[-1][name]), name


def test_any_number_of_processes_takes_the_same_statistics(monkeypatch):
    loader = DataLoader(TinyDataset(), collate_fn=pseudo_collate)
    runner = SimpleNamespace(seed=0, train_dataloader=loader, optim_wrapper=None)
    model = TinyModel(batch_norm=True)
    model.init_weights()

    def sums(rank, processes):
        monkeypatch.setattr(precise_bn_hook, 'get_rank', lambda: rank)
        monkeypatch.setattr(precise_bn_hook, 'get_world_size', lambda: processes)
        layer = BatchNormSums(model.layers[1])
        PreciseBN(num_images=11, batch_size=4)._measure(runner, model, [layer])
        return layer.sums

    whole = sums(0, 1)
    assert whole[0] == 12 * 6 * 6
    parts = [sums(rank, 2) for rank in (0, 1)]
    assert [float(part[0]) for part in parts] == [8 * 6 * 6, 4 * 6 * 6]
    torch.testing.assert_close(sum(parts), whole, rtol=1e-14, atol=0)
    layers = [BatchNormSums(model.layers[1]) for _ in parts]
    layers[0].sums, layers[1].sums = parts
    monkeypatch.setattr(precise_bn_hook, 'all_reduce', lambda flat: flat.mul_(2))
    BatchNormSums.add_processes(layers)
    assert [layer.sums.tolist() for layer in layers] == [(2 * part).tolist() for part in parts]


class FrozenParts(nn.Module):
    """Normalizations of every kind; the one called ``kept`` is in eval mode whatever the mode of the model."""

    def __init__(self):
        super().__init__()
        self.kept, self.fixed, self.batch = nn.BatchNorm2d(2), nn.BatchNorm2d(2), nn.BatchNorm2d(2)
        self.plain, self.stateless = nn.BatchNorm1d(2, affine=False), nn.BatchNorm2d(2, track_running_stats=False)
        self.group, self.instance = nn.GroupNorm(1, 2), nn.InstanceNorm2d(2, track_running_stats=True)
        self.fixed.requires_grad_(False)

    def train(self, mode=True):
        super().train(mode)
        self.kept.eval()
        return self


def test_layers_that_keep_their_statistics_are_left_alone():
    model = FrozenParts().eval()
    assert precise_bn_hook._trained_layers(model) == ['batch', 'plain']
    assert not any(module.training for module in model.modules())


def test_validation_alone_keeps_the_statistics_of_the_file():
    PreciseBN().before_val(SimpleNamespace())  # would need a model and data


def test_a_layer_that_no_image_reaches_keeps_its_statistics():
    layer = nn.BatchNorm2d(2)
    layer.running_mean.fill_(3)
    BatchNormSums(layer).write(layer)
    assert layer.running_mean.tolist() == [3, 3]


@pytest.mark.parametrize('options', [dict(num_images=0), dict(batch_size=0)])
def test_needs_images(options):
    with pytest.raises(ValueError, match='needs images'):
        PreciseBN(**options)
