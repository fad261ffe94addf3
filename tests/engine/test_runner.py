"""Every way of weights into a run: what is refused, what is loaded, and that nothing of a file is run or removed."""

from pathlib import Path

import pytest
import torch
from mmengine.model import BaseModel
from torch import nn

from mmcrowd.apis import CrowdInferencer
from mmcrowd.engine import CrowdRunner
from mmcrowd.engine.launch import launch_testing, launch_training, load_config
from mmcrowd.registry import MODELS
from mmcrowd.utils.weights import WeightsError
from tests.utils.bad_weights import FORMS, GOOD, PARTIAL, POISONED_PLACES, REFUSED, poisoned, save_as

CONFIG = str(Path(__file__).with_name('tiny_config.py'))
SMALL = dict(type='mmcrowd.VGG', depth=11, channels=(2, 2, 2, 2, 2), out_indices=(0,))


@MODELS.register_module(force=True)
class TinyNet(BaseModel):
    """A loss on a backbone that is initialised by its ``init_cfg``."""

    def __init__(self, backbone=SMALL, init_cfg=None):
        super().__init__(init_cfg=init_cfg)
        self.backbone = MODELS.build(backbone)
        self.head = nn.Conv2d(2, 1, 1)

    def forward(self, inputs, data_samples=None, mode='tensor'):
        return dict(loss=self.head(self.backbone(torch.stack(list(inputs)))[0]).mean())


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    """Folder of a short training."""
    folder = tmp_path_factory.mktemp('run')
    launch_training(CONFIG, str(folder), cfg_options={'train_cfg.max_epochs': 2})
    return folder


@pytest.fixture
def checkpoint(run):
    return torch.load(run / 'epoch_2.pth', weights_only=False)


def train_net(folder, options=None, **model):
    """Weights of a :class:`TinyNet` after a training with a learning rate of 0."""
    options = dict(options or {})
    options.setdefault('model', dict(type='mmcrowd.TinyNet', **model))
    fixed = {'train_cfg.max_epochs': 1, 'default_hooks.checkpoint.save_best': None}
    # Runs of one name that begin in the same second share a log, which is that of the first.
    fixed['experiment_name'] = str(folder).replace('/', '_')
    fixed |= dict.fromkeys(('val_dataloader', 'val_cfg', 'val_evaluator'))
    runner = launch_training(
        CONFIG, str(folder), cfg_options={'optim_wrapper.optimizer': dict(type='SGD', lr=0.0), **fixed, **options}
    )
    return {key: value for key, value in runner.model.state_dict().items() if value.is_floating_point()}


def pretrained(path, **options):
    return dict(SMALL, init_cfg=dict(type='Pretrained', checkpoint=str(path), **options))


WAYS = {
    'test': lambda path, folder: launch_testing(CONFIG, str(path), str(folder)),
    'resume': lambda path, folder: launch_training(CONFIG, str(folder), resume=str(path)),
    'load_from': lambda path, folder: launch_training(CONFIG, str(folder), cfg_options={'load_from': str(path)}),
    'pretrained': lambda path, folder: train_net(folder, backbone=pretrained(path)),
    'predict': lambda path, folder: CrowdInferencer(CONFIG, path, device='cpu'),
}


class TestPoison:
    @pytest.mark.parametrize('way', WAYS)
    @pytest.mark.parametrize('form', FORMS)
    @pytest.mark.parametrize('place', POISONED_PLACES)
    def test_nothing_runs(self, way, form, place, checkpoint, tmp_path):
        marker = tmp_path / 'ran'
        path = save_as(form, poisoned(marker, place, checkpoint), tmp_path / 'w.pth')
        with pytest.raises(WeightsError, match=f'^{path}: .*nothing of it was run'):
            WAYS[way](path, tmp_path / 'run')
        assert not marker.exists()

    @pytest.mark.parametrize('way', [dict(resume=True), {}])
    def test_nor_in_a_runner_of_its_own(self, way, checkpoint, tmp_path):
        path = save_as('zip', poisoned(tmp_path / 'ran', 'message_hub', checkpoint), tmp_path / 'w.pth')
        runner = CrowdRunner.from_cfg(load_config(CONFIG, str(tmp_path / 'run'), dict(load_from=str(path), **way)))
        for start in (runner.train, runner.test):
            with pytest.raises(WeightsError, match='nothing of it was run'):
                start()
        assert not (tmp_path / 'ran').exists()

    def test_strings_of_a_resumed_file_are_not_run(self, checkpoint, tmp_path):
        """mmengine runs ``meta['config']`` as a config file, and passes this file for one of weights only."""
        checkpoint['meta']['config'] = f'import pathlib\npathlib.Path({str(tmp_path / "ran")!r}).touch()\n'
        torch.save(checkpoint, tmp_path / 'w.pth')
        WAYS['resume'](tmp_path / 'w.pth', tmp_path / 'run')
        assert not (tmp_path / 'ran').exists()

    @pytest.mark.parametrize('key', ['best_ckpt', 'keep_ckpt_ids'])
    def test_no_file_or_folder_is_removed_that_a_resumed_file_names(self, key, checkpoint, tmp_path):
        victim = tmp_path / 'other' / 'epoch_..' / 'sub'
        victim.mkdir(parents=True)
        (tmp_path / 'run' / 'epoch_..').mkdir(parents=True)
        (tmp_path / 'run' / 'epoch_9.pth').touch()
        names = [str(tmp_path / 'other'), '../epoch_9.pth'] if key == 'best_ckpt' else ['../../other', '9']
        for name in names:
            info = checkpoint['message_hub']['runtime_info']
            info[key] = name if key == 'best_ckpt' else [name, name, name]
            info['best_score'] = 1e9
            torch.save(checkpoint, tmp_path / 'w.pth')
            WAYS['resume'](tmp_path / 'w.pth', tmp_path / 'run')
        assert victim.exists()
        assert (tmp_path / 'run' / 'epoch_9.pth').exists()

    def test_the_best_of_the_run_itself_is_replaced(self, run, checkpoint, tmp_path):
        info = checkpoint['message_hub']['runtime_info']
        info.update(best_ckpt='/moved/since/best_crowd_mae_epoch_1.pth', best_score=1e9)
        torch.save(checkpoint, tmp_path / 'epoch_2.pth')
        (tmp_path / 'best_crowd_mae_epoch_1.pth').touch()
        WAYS['resume'](tmp_path / 'epoch_2.pth', tmp_path)
        assert [path.name for path in tmp_path.glob('best_*')] == ['best_crowd_mae_epoch_3.pth']


class TestKinds:
    @pytest.mark.parametrize('way', ['test', 'load_from'])
    @pytest.mark.parametrize('kind', REFUSED)
    def test_refused_in_one_line(self, way, kind, checkpoint, tmp_path):
        path = tmp_path / 'w.pth'
        REFUSED[kind][0](path, checkpoint['state_dict'])
        with pytest.raises(WeightsError, match=f'(?i)^{path}: .*{REFUSED[kind][1]}') as error:
            WAYS[way](path, tmp_path / 'run')
        assert len(str(error.value).splitlines()) == 1
        assert not list(tmp_path.rglob('metrics.json'))

    @pytest.mark.parametrize('kind', [*REFUSED, *PARTIAL])
    def test_refused_by_resume(self, kind, checkpoint, tmp_path):
        path = tmp_path / 'w.pth'
        {**REFUSED, **PARTIAL}[kind][0](path, checkpoint['state_dict'])
        with pytest.raises(WeightsError, match=f'^{path}: .*') as error:
            WAYS['resume'](path, tmp_path / 'run')
        assert len(str(error.value).splitlines()) == 1

    @pytest.mark.parametrize('kind', GOOD)
    def test_tested(self, kind, run, checkpoint, tmp_path):
        state = {key: value.half().float() for key, value in checkpoint['state_dict'].items()}
        torch.save(state, tmp_path / 'plain.pth')
        GOOD[kind](tmp_path / 'w.pth', state)
        expected = WAYS['test'](tmp_path / 'plain.pth', tmp_path / 'plain')
        assert WAYS['test'](tmp_path / 'w.pth', tmp_path / 'run') == expected

    def test_no_such_file(self, tmp_path):
        for way in WAYS.values():
            with pytest.raises(FileNotFoundError, match=r'^gone.pth: no such file'):
                way('gone.pth', tmp_path)


class TestResume:
    @pytest.mark.parametrize(
        ('change', 'message'),
        [
            (lambda c: c.pop('meta'), 'no training that could be resumed'),
            (lambda c: c.pop('message_hub'), 'no training that could be resumed'),
            (lambda c: c['meta'].update(epoch='1'), 'no training that could be resumed'),
            (lambda c: c['message_hub'].pop('resumed_keys'), 'state of the training does not fit'),
            (lambda c: c['optimizer']['param_groups'].clear(), 'state of the training does not fit'),
            (
                lambda c: c['optimizer']['state'][0]['exp_avg'].fill_(float('nan')),
                'optimizer.state.0.exp_avg holds NaN',
            ),
            (lambda c: c['state_dict'].popitem(), 'does not fit TinyModel: 5 of 6'),
            (lambda c: c['state_dict'].popitem()[1].fill_(float('inf')), 'does not fit TinyModel: 5 of 6'),
        ],
    )
    def test_refused(self, change, message, checkpoint, tmp_path):
        change(checkpoint)
        torch.save(checkpoint, tmp_path / 'w.pth')
        with pytest.raises(WeightsError, match=f'^{tmp_path}/w.pth: .*{message}'):
            WAYS['resume'](tmp_path / 'w.pth', tmp_path / 'run')


class TestLoadFrom:
    def test_takes_what_fits_and_says_what_not(self, checkpoint, tmp_path):
        PARTIAL['half of the names'][0](tmp_path / 'w.pth', checkpoint['state_dict'])
        runner = launch_training(
            CONFIG, str(tmp_path), cfg_options={'load_from': str(tmp_path / 'w.pth'), 'optim_wrapper.optimizer.lr': 0.0}
        )
        key = list(checkpoint['state_dict'])[-1]
        assert torch.equal(runner.model.state_dict()[key], checkpoint['state_dict'][key])
        log = next(tmp_path.glob('*/*.log')).read_text()
        assert 'w.pth: loaded TinyModel: 3 of 6 tensors fit; 3 not in the file (layers.0.weight, ' in log

    def test_the_backbone_must_fit(self, tmp_path):
        torch.save(
            TinyNet(dict(SMALL, channels=(3,) * 5)).state_dict() | TinyNet().head.state_dict(), tmp_path / 'w.pth'
        )
        with pytest.raises(WeightsError, match=r'nothing fits|no tensor of the backbone fits'):
            train_net(tmp_path / 'run', options={'load_from': str(tmp_path / 'w.pth')})


class TestPretrained:
    @pytest.fixture
    def weights(self, tmp_path):
        """Published weights: names of torchvision, a classifier, later stages."""
        state = MODELS.build(dict(SMALL, out_indices=(0,))).state_dict()
        state = {key: torch.rand(value.shape) for key, value in state.items() if value.is_floating_point()}
        torch.save(state | {'classifier.0.weight': torch.rand(2, 2)}, tmp_path / 'vgg.pth')
        return {f'backbone.{key}': value for key, value in state.items()}

    def test_loads_all(self, weights, tmp_path):
        found = train_net(tmp_path / 'run', backbone=pretrained(tmp_path / 'vgg.pth'))
        # A training updates running statistics even at a learning rate of 0.
        for key in [key for key in weights if 'running' not in key]:
            assert torch.equal(found[key], weights[key])
        assert 'VGG: 6 tensors from ' in next((tmp_path / 'run').glob('*/*.log')).read_text()

    @pytest.mark.parametrize('entry', ['prefix', 'whole model', 'list'])
    def test_forms_of_the_entry(self, entry, weights, tmp_path):
        path = tmp_path / 'w.pth'
        torch.save(weights | {'head.weight': torch.ones(1, 2, 1, 1), 'head.bias': torch.ones(1)}, path)
        init_cfg = dict(type='Pretrained', checkpoint=str(path))
        kaiming = dict(type='Kaiming', layer='Conv2d')
        model = {
            'prefix': dict(backbone=pretrained(path, prefix='backbone')),
            'whole model': dict(init_cfg=init_cfg, backbone=dict(SMALL, init_cfg=kaiming)),
            'list': dict(init_cfg=[init_cfg, dict(type='Constant', layer='Conv2d', val=9)]),
        }[entry]
        found = train_net(tmp_path / 'run', **model)
        assert torch.equal(found['backbone.features.0.weight'], weights['backbone.features.0.weight'])
        assert (entry == 'prefix') == (found['head.weight'][0, 0] != 1).item()

    @pytest.mark.parametrize(
        ('change', 'message'),
        [
            (lambda s: s.pop('features.1.weight'), r'5 of 6 tensors fit; 1 not in the file \(features.1.weight\)'),
            (lambda s: s.update({'features.0.weight': torch.ones(2, 2, 3, 3)}), 'features.0.weight .*, expected'),
            (lambda s: s.update({'features.0.extra': torch.ones(1)}), r'1 not in the model \(features.0.extra\)'),
            (lambda s: s['features.1.weight'].fill_(float('nan')), 'features.1.weight holds NaN'),
        ],
    )
    def test_what_does_not_fit_is_refused(self, change, message, weights, tmp_path):
        """Such as the file of VGG without normalisation, which shares the first names with that of VGG with it."""
        state = torch.load(tmp_path / 'vgg.pth')
        change(state)
        torch.save(state, tmp_path / 'vgg.pth')
        with pytest.raises(WeightsError, match=f'vgg.pth: .*{message}'):
            train_net(tmp_path / 'run', backbone=pretrained(tmp_path / 'vgg.pth'))

    def test_sha256(self, weights, tmp_path):
        with pytest.raises(WeightsError, match='expected 0123abcd'):
            train_net(tmp_path / 'run', backbone=pretrained(tmp_path / 'vgg.pth', sha256='0123abcd'))

    @pytest.mark.parametrize('resume', [None, 'auto'])
    def test_is_not_asked_for_where_weights_are_loaded(self, resume, weights, tmp_path):
        """A run goes on, or starts from other weights, without the file of its backbone."""
        model = dict(type='mmcrowd.TinyNet', backbone=pretrained(tmp_path / 'vgg.pth'))
        before = train_net(tmp_path / 'run', backbone=model['backbone'])
        (tmp_path / 'vgg.pth').unlink()
        options = {'model': model, 'resume': True} if resume else {'load_from': str(tmp_path / 'run' / 'epoch_1.pth')}
        after = train_net(tmp_path / 'run', options={'model': model, **options})
        assert torch.equal(before['backbone.features.0.weight'], after['backbone.features.0.weight'])
        with pytest.raises(FileNotFoundError, match=r'vgg.pth: no such file'):
            train_net(tmp_path / 'new', options={'model': model, 'resume': True})

    def test_backbones_of_mmdet(self, tmp_path, monkeypatch):
        """By the name of a published file, from the cache of downloads, with its classifier left out."""
        resnet = dict(type='mmdet.ResNet', depth=18, base_channels=2, num_stages=1, strides=(1,), dilations=(1,))
        backbone = dict(resnet, out_indices=(0,))
        state = {
            key: torch.rand_like(value) if value.is_floating_point() else value
            for key, value in MODELS.build(backbone).state_dict().items()
        }
        monkeypatch.setattr('mmcrowd.utils.weights.fetch_weights', lambda name, sha256: (tmp_path / 'r.pth', sha256))
        torch.save(state | {'fc.weight': torch.ones(1), 'layer2.0.conv1.weight': torch.ones(1)}, tmp_path / 'r.pth')
        init_cfg = dict(type='Pretrained', checkpoint='torchvision://resnet18')
        found = train_net(tmp_path / 'run', backbone=dict(backbone, init_cfg=init_cfg))
        assert torch.equal(found['backbone.conv1.weight'], state['conv1.weight'])
        poison = poisoned(tmp_path / 'ran', 'state_dict', dict(state_dict=state))
        save_as('zip', poison, tmp_path / 'r.pth')
        with pytest.raises(WeightsError, match=r'^torchvision://resnet18: .*nothing of it was run'):
            train_net(tmp_path / 'other', backbone=dict(backbone, init_cfg=init_cfg))
        assert not (tmp_path / 'ran').exists()


def test_mmengines_loader_is_left_as_it_is():
    from mmengine.runner.checkpoint import CheckpointLoader, load_from_local

    assert CheckpointLoader._get_checkpoint_loader('w.pth') is load_from_local


@pytest.mark.parametrize('kind', ['a flipped bit', 'strings for tensors', 'NaN'])
def test_files_of_no_use_are_refused_before_anything_is_built(kind, checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(CrowdRunner, '__init__', pytest.fail)
    REFUSED[kind][0](tmp_path / 'w.pth', checkpoint['state_dict'])
    with pytest.raises(WeightsError, match=REFUSED[kind][1]):
        WAYS['test'](tmp_path / 'w.pth', tmp_path / 'run')
    assert not (tmp_path / 'run').exists()
