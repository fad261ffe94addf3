"""Training and testing from a config file, in this process."""

import hashlib
import json
import os
import pickle
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.structures import InstanceData

import mmcrowd
from mmcrowd.engine import AutocastOptimWrapper
from mmcrowd.engine.launch import format_metrics, launch_testing, launch_training, load_config
from mmcrowd.registry import DATASETS, MODELS
from mmcrowd.utils.distributed import launched_rank, prepare_distributed, set_rank_environment

from .tiny_task import TinyDataset, TinyModel

CONFIG = str(Path(__file__).with_name('tiny_config.py'))


class TestLoadConfig:
    def test_work_dir_is_named_after_the_config(self):
        assert load_config(CONFIG).work_dir == str(Path('work_dirs/tiny_config'))

    def test_options_and_work_dir_win(self, tmp_path):
        cfg = load_config(CONFIG, str(tmp_path), {'train_cfg.max_epochs': 7, 'work_dir': 'elsewhere'})
        assert (cfg.train_cfg.max_epochs, cfg.work_dir, cfg.launcher) == (7, str(tmp_path), 'none')

    def test_missing_file_is_named(self):
        with pytest.raises(FileNotFoundError, match='no_such_config'):
            load_config('configs/no_such_config.py')


class TestTrainAndTest:
    @pytest.fixture(scope='class')
    def work_dir(self, tmp_path_factory):
        folder = tmp_path_factory.mktemp('run')
        launch_training(CONFIG, str(folder))
        return folder

    def test_training_leaves_checkpoints(self, work_dir):
        names = {path.name for path in work_dir.glob('*.pth')}
        assert {'epoch_2.pth', 'epoch_3.pth'} <= names
        assert 'epoch_1.pth' not in names  # max_keep_ckpts=2
        assert len([name for name in names if name.startswith('best_crowd_mae_')]) == 1

    def test_testing_writes_metrics_and_predictions(self, work_dir, tmp_path):
        out = tmp_path / 'predictions.pkl'
        metrics = launch_testing(CONFIG, str(work_dir / 'epoch_3.pth'), str(tmp_path), out=str(out))
        record = json.loads((tmp_path / 'metrics.json').read_text())
        assert record.pop('figures') == pytest.approx(metrics)
        digest = hashlib.sha256((work_dir / 'epoch_3.pth').read_bytes()).hexdigest()
        assert record == dict(
            num_images=3,
            num_heads=None,  # the tiny metric knows no heads
            protocols=[],
            weights=dict(file='epoch_3.pth', sha256=digest),
            config='tiny_config.py',
            mmcrowd=mmcrowd.__version__,
        )
        assert metrics['images'] == 3
        with open(out, 'rb') as file:
            predictions = pickle.load(file)
        assert [p['img_id'] for p in predictions] == [0, 1, 2]

    def test_predictions_are_pkl(self, work_dir, tmp_path):
        with pytest.raises(ValueError, match=r'--out predictions\.json'):
            launch_testing(CONFIG, str(work_dir / 'epoch_3.pth'), str(tmp_path), out='predictions.json')

    def test_resume_auto_in_a_fresh_folder_starts_from_scratch(self, work_dir, tmp_path):
        launch_training(CONFIG, str(tmp_path), resume='auto')
        fresh, first = (torch.load(d / 'epoch_3.pth', weights_only=False)['state_dict'] for d in (tmp_path, work_dir))
        assert all(torch.equal(fresh[name], first[name]) for name in first)

    def test_resume_from_a_named_checkpoint(self, work_dir, tmp_path):
        runner = launch_training(CONFIG, str(tmp_path), resume=str(work_dir / 'epoch_2.pth'))
        assert runner.iter == 12
        assert not (tmp_path / 'epoch_2.pth').exists()
        resumed, first = (torch.load(d / 'epoch_3.pth', weights_only=False)['state_dict'] for d in (tmp_path, work_dir))
        assert all(torch.equal(resumed[name], first[name]) for name in first)

    def test_amp(self, tmp_path):
        options = {'optim_wrapper.loss_scale': 'dynamic', 'optim_wrapper.clip_grad': dict(max_norm=1.0)}
        runner = launch_training(CONFIG, str(tmp_path), amp=True, cfg_options=options)
        assert isinstance(runner.optim_wrapper, AutocastOptimWrapper)
        assert runner.optim_wrapper.clip_grad_kwargs == dict(max_norm=1.0)

    def test_unknown_type_is_named(self, tmp_path):
        with pytest.raises(KeyError, match='NoSuchModel'):
            launch_training(CONFIG, str(tmp_path), cfg_options={'model.type': 'mmcrowd.NoSuchModel'})


@DATASETS.register_module(force=True)
class TinyHeads(TinyDataset):
    """Images with as many heads as their index says."""

    def __getitem__(self, index):
        sample = super().__getitem__(index)
        sample['data_samples'].gt_instances = InstanceData(points=torch.full((int(index), 2), 4.0))
        return sample


@MODELS.register_module(force=True)
class TinyFinder(TinyModel):
    """Finds every head with score 0.6 and five false ones with score 0.4."""

    def forward(self, inputs, data_samples, mode='tensor'):
        for s in data_samples:
            scores = torch.tensor([0.6] * len(s.gt_instances) + [0.4] * 5)
            s.pred_instances = InstanceData(points=torch.full((len(scores), 2), 4.0), scores=scores)
        return data_samples


class TestScoreThreshold:
    options = {
        'model.type': 'mmcrowd.TinyFinder',
        'val_dataloader.dataset.type': 'mmcrowd.TinyHeads',
        'test_dataloader.dataset': dict(type='mmcrowd.TinyHeads', length=4),
        'test_evaluator': [
            dict(type='mmcrowd.CrowdCountingMetric'),
            dict(type='mmcrowd.CrowdLocalizationMetric', radii=[4]),
        ],
    }

    def run(self, folder, score_thr):
        model = TinyFinder()
        torch.save(dict(state_dict=model.state_dict(), meta={}), folder / 'weights.pth')
        return launch_testing(
            CONFIG, str(folder / 'weights.pth'), str(folder), score_thr=score_thr, cfg_options=self.options
        )

    @pytest.mark.parametrize(('score_thr', 'mae'), [(None, 5), (0.5, 0), (0.7, 1.5)])
    def test_number(self, tmp_path, score_thr, mae):
        assert self.run(tmp_path, score_thr)['crowd/mae'] == mae

    def test_chosen_on_validation(self, tmp_path):
        found = self.run(tmp_path, 'val')
        assert (found['crowd/mae'], found['crowd/f1_4px']) == (0, 1)
        stored = json.loads((tmp_path / 'threshold.json').read_text())
        assert (stored['threshold'], stored['mae'], stored['num_images']) == (pytest.approx(0.6), 0, 3)
        record = json.loads((tmp_path / 'metrics.json').read_text())
        assert (record['num_images'], record['num_heads']) == (4, 6)
        assert [p['protocol'] for p in record['protocols']] == ['counting', 'localization']

    def test_no_validation_images(self, tmp_path, monkeypatch):
        monkeypatch.setitem(self.options, 'val_dataloader', None)
        with pytest.raises(ValueError, match="score_thr='val' needs a val_dataloader"):
            self.run(tmp_path, 'val')


def test_format_metrics():
    assert format_metrics({'crowd/mae': 1.25, 'crowd/f1_8px': 0.5}).splitlines() == [
        'crowd/mae         1.2500',
        'crowd/f1_8px      0.5000',
    ]
    assert format_metrics({}) == ''


@pytest.mark.parametrize(
    ('launcher', 'environment', 'rank'),
    [
        ('none', {'RANK': '3'}, 0),
        ('pytorch', {'RANK': '3'}, 3),
        ('slurm', {'SLURM_PROCID': '2', 'RANK': '0'}, 2),
        ('mpi', {'OMPI_COMM_WORLD_RANK': '1'}, 1),
        ('pytorch', {}, 0),
    ],
)
def test_rank_before_there_is_a_group(monkeypatch, launcher, environment, rank):
    for name in ('RANK', 'SLURM_PROCID', 'OMPI_COMM_WORLD_RANK'):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert launched_rank(launcher) == rank


class TestRankEnvironment:
    @pytest.fixture(autouse=True)
    def clean(self, monkeypatch):
        for name in ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'MASTER_ADDR', 'MASTER_PORT'):
            monkeypatch.setenv(name, 'x')  # so that the value of before is restored
            monkeypatch.delenv(name)

    @pytest.mark.parametrize(
        ('launcher', 'prefix', 'names'),
        [
            ('slurm', 'SLURM_', ('PROCID', 'NTASKS', 'LOCALID')),
            ('mpi', 'OMPI_COMM_WORLD_', ('RANK', 'SIZE', 'LOCAL_RANK')),
        ],
    )
    def test_translates(self, monkeypatch, launcher, prefix, names):
        for name, value in zip(names, '352', strict=True):
            monkeypatch.setenv(prefix + name, value)
        set_rank_environment(launcher)
        assert [os.environ[name] for name in ('RANK', 'WORLD_SIZE', 'LOCAL_RANK')] == ['3', '5', '2']
        assert os.environ['MASTER_ADDR'] == '127.0.0.1'

    @pytest.mark.parametrize(('launcher', 'starter'), [('pytorch', 'torchrun'), ('slurm', 'srun'), ('mpi', 'mpirun')])
    def test_process_not_started_by_the_launcher(self, launcher, starter):
        with pytest.raises(
            RuntimeError, match=f'--launcher {launcher}: RANK, WORLD_SIZE, LOCAL_RANK not set.*{starter}'
        ):
            set_rank_environment(launcher)

    def test_single_process_needs_nothing(self):
        cfg = Config(dict(launcher='none'))
        prepare_distributed(cfg)
        assert 'model_wrapper_cfg' not in cfg
