"""Hooks, one by one, and in a real training of the tiny task."""

import os
import random
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.fileio import get_file_backend
from mmengine.registry import HOOKS as MMENGINE_HOOKS
from mmengine.visualization import Visualizer

import tests.engine.tiny_task  # noqa: F401 - registers the task
from mmcrowd.engine import ChannelsLastHook, CrowdCheckpointHook, EpochSeedHook, NonFiniteLossHook
from mmcrowd.engine.hooks import checkpoint_hook, find_resume_checkpoint, non_finite_loss_hook
from mmcrowd.engine.hooks.visualization_hook import original_image
from mmcrowd.engine.launch import launch_testing, launch_training
from mmcrowd.registry import HOOKS, MODELS

RUNNER = SimpleNamespace(epoch=1, iter=9, seed=3)
CONFIG = str(Path(__file__).with_name('tiny_config.py'))


def batch_of(*paths):
    return dict(data_samples=[DetDataSample(metainfo=dict(img_path=path)) for path in paths])


class TestNonFiniteLossHook:
    @pytest.mark.parametrize('value', [float('nan'), float('inf'), -float('inf')])
    def test_names_loss_and_images(self, value):
        outputs = dict(loss=torch.tensor(value), loss_map=torch.tensor(value), acc=torch.tensor(1.0))
        with pytest.raises(FloatingPointError) as error:
            NonFiniteLossHook().after_train_iter(RUNNER, 0, batch_of('a/1.jpg', 'a/2.jpg'), outputs)
        message = str(error.value)
        assert f'loss={value}, loss_map={value}' in message
        assert 'epoch 2, iteration 10' in message
        assert message.endswith('a/1.jpg, a/2.jpg')
        assert 'acc' not in message

    @pytest.mark.parametrize('outputs', [None, {}, dict(loss=torch.tensor(1.0), parts=[torch.tensor(2.0), 3.0])])
    def test_finite_losses_pass(self, outputs):
        NonFiniteLossHook().after_train_iter(RUNNER, 0, batch_of('a.jpg'), outputs)

    def test_one_bad_part_of_a_list(self):
        outputs = dict(parts=[torch.tensor(1.0), torch.tensor(float('nan'))])
        with pytest.raises(FloatingPointError, match='parts=nan'):
            NonFiniteLossHook().after_train_iter(RUNNER, 0, None, outputs)

    def test_all_processes_stop_together(self, monkeypatch):
        monkeypatch.setattr(non_finite_loss_hook, 'get_world_size', lambda: 2)
        monkeypatch.setattr(non_finite_loss_hook, 'all_reduce', lambda flag, op: flag.fill_(1.0))
        good, bad = dict(loss=torch.tensor(1.0)), dict(loss=torch.tensor(float('nan')))
        with pytest.raises(FloatingPointError, match='a loss of another process is not finite'):
            NonFiniteLossHook().after_train_iter(RUNNER, 0, batch_of('good.jpg'), good)
        with pytest.raises(FloatingPointError, match=r'images of the batch: bad\.jpg'):
            NonFiniteLossHook().after_train_iter(RUNNER, 0, batch_of('bad.jpg'), bad)

    def test_refuses_a_poisoned_checkpoint(self):
        hook = NonFiniteLossHook()
        good = {'state_dict': {'weight': torch.ones(2), 'steps': torch.tensor(3)}}
        hook.before_save_checkpoint(RUNNER, good)
        good['state_dict']['weight'][1] = float('inf')
        with pytest.raises(FloatingPointError, match='weight holds values that are not finite'):
            hook.before_save_checkpoint(RUNNER, good)

    def test_stops_a_run_before_it_saves(self, tmp_path):
        options = {'train_dataloader.dataset.poison': 5}
        with pytest.raises(FloatingPointError, match=r'images of the batch: .*tiny/5\.jpg'):
            launch_training(CONFIG, str(tmp_path), cfg_options=options)
        assert not list(tmp_path.glob('*.pth'))


class TestEpochSeedHook:
    def draw(self, epoch, seed=3):
        EpochSeedHook().before_train_epoch(SimpleNamespace(epoch=epoch, seed=seed))
        return random.random(), float(np.random.rand()), float(torch.rand(1))  # noqa: NPY002

    def test_same_epoch_same_numbers(self):
        assert self.draw(4) == self.draw(4)

    def test_epochs_and_seeds_differ(self):
        draws = [self.draw(0), self.draw(1), self.draw(0, seed=4)]
        assert all(len({draw[i] for draw in draws}) == 3 for i in range(3))


def test_channels_last_hook():
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.Conv2d(4, 4, 3))
    x = torch.randn(1, 3, 16, 16)
    before = model(x)
    ChannelsLastHook().before_run(SimpleNamespace(model=model))
    assert model[0].weight.is_contiguous(memory_format=torch.channels_last)
    after = model(x)
    assert after.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(after, before)


class TestCheckpoints:
    @pytest.mark.parametrize(
        ('metric', 'rule'),
        [
            ('crowd/mae', 'less'),
            ('crowd/rmse', 'less'),
            ('crowd/nae', 'less'),
            ('crowd/game_2', 'less'),
            ('crowd/f1_8px', 'greater'),
            ('crowd/precision_8px', 'greater'),
            ('crowd/recall_sigma_l', 'greater'),
            ('crowd/ap', 'greater'),
            ('coco/bbox_mAP_50', 'greater'),
        ],
    )
    def test_rule_is_found_from_the_name(self, metric, rule):
        assert CrowdCheckpointHook(save_best=metric).rules == [rule]

    def test_given_rule_wins(self):
        assert CrowdCheckpointHook(save_best='crowd/bias', rule='less').rules == ['less']

    def test_backend_writes_whole_files(self, tmp_path, monkeypatch):
        written = []
        monkeypatch.setattr(checkpoint_hook, 'write_atomic', lambda path, data: written.append((path, data)))
        backend = get_file_backend(str(tmp_path), backend_args=dict(backend='atomic'))
        backend.put(b'bytes', tmp_path / 'a.pth')
        backend.put_text('\u7fa4', tmp_path / 'a.txt')
        assert written == [(tmp_path / 'a.pth', b'bytes'), (tmp_path / 'a.txt', '\u7fa4'.encode())]

    def test_find_resume_checkpoint(self, tmp_path):
        assert find_resume_checkpoint(tmp_path) is None
        for i, name in enumerate(('epoch_1.pth', 'epoch_2.pth', 'best_crowd_mae_epoch_2.pth')):
            (tmp_path / name).write_bytes(b'x')
            os.utime(tmp_path / name, (i, i))
        newest = tmp_path / 'epoch_2.pth'
        assert find_resume_checkpoint(tmp_path) == newest
        (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'epoch_1.pth'))
        assert find_resume_checkpoint(tmp_path) == tmp_path / 'epoch_1.pth'
        for broken in ('', 'gone/epoch_9.pth'):
            (tmp_path / 'last_checkpoint').write_text(broken)
            assert find_resume_checkpoint(tmp_path) == newest

    def test_a_copied_folder_goes_on_by_itself(self, tmp_path):
        for folder in ('from', 'to'):
            (tmp_path / folder).mkdir()
            (tmp_path / folder / 'epoch_1.pth').touch()
            (tmp_path / folder / 'last_checkpoint').write_text(str(tmp_path / 'from' / 'epoch_1.pth'))
        assert find_resume_checkpoint(tmp_path / 'to') == tmp_path / 'to' / 'epoch_1.pth'


class TestVisualizationHook:
    def sample(self, path, shape):
        return DetDataSample(metainfo=dict(img_path=str(path), ori_shape=shape))

    def test_image_of_a_file_is_read(self, tmp_path):
        path = tmp_path / 'a.png'
        cv2.imwrite(str(path), np.full((6, 8, 3), (10, 20, 30), np.uint8))
        image = original_image(torch.zeros(3, 3, 4, dtype=torch.uint8), self.sample(path, (6, 8)))
        assert image.shape == (6, 8, 3)
        assert image[0, 0].tolist() == [30, 20, 10]

    @pytest.mark.parametrize('shape', [(6, 8), (12, 16)])
    def test_rendered_image_comes_from_the_batch(self, shape):
        inputs = torch.tensor([10, 20, 30], dtype=torch.uint8)[:, None, None].expand(3, 6, 8)
        image = original_image(inputs, self.sample('rendered/3', shape))
        assert image.shape == (*shape, 3)
        assert image.dtype == np.uint8
        assert (image == [30, 20, 10]).all()

    @pytest.fixture
    def drawn(self, monkeypatch):
        calls = []
        monkeypatch.setattr(
            Visualizer, 'add_datasample', lambda self, name, image, **kwargs: calls.append((name, kwargs))
        )
        return calls

    def test_testing_draws_up_to_max_images(self, tmp_path, drawn):
        checkpoint = tmp_path / 'w.pth'
        torch.save(dict(state_dict=MODELS.build(dict(type='mmcrowd.TinyModel')).state_dict()), checkpoint)
        options = {'default_hooks.visualization.max_images': 2}
        launch_testing(CONFIG, str(checkpoint), str(tmp_path), show_dir=str(tmp_path / 'p'), cfg_options=options)
        files = [Path(kwargs['out_file']) for _, kwargs in drawn]
        assert [file.parent for file in files] == [tmp_path / 'p'] * 2
        assert [file.name.split('_')[0] for file in files] == ['0', '1']

    @pytest.mark.parametrize('tells', [True, False])
    def test_no_picture_of_a_test_replaces_another(self, tmp_path, drawn, tells: bool):
        """Frames of two videos, in a data set that tells its images beforehand, and in one that does not."""
        Visualizer.get_instance('names')
        paths = [f'video{v}/{frame:03}.jpg' for v in range(2) for frame in range(3)]
        listed = type('Listed', (list,), dict(get_data_info=lambda self, i: dict(img_path=self[i])))
        dataset = listed(paths) if tells else paths
        hook = HOOKS.build(dict(type='mmcrowd.CrowdVisualizationHook', draw=True, test_out_dir='p'))
        runner = SimpleNamespace(log_dir=tmp_path, test_dataloader=SimpleNamespace(dataset=dataset))
        inputs = [torch.zeros(3, 4, 4, dtype=torch.uint8)]
        for path in [*paths, paths[0]]:
            hook.after_test_iter(runner, 0, dict(inputs=inputs), [self.sample(path, (4, 4))])
        files = [kwargs['out_file'] for _, kwargs in drawn]
        assert len(set(files)) == len(paths)
        assert files[0] == files[-1], 'an image that a sampler gives twice'

    def test_hook_is_quiet_unless_asked(self):
        Visualizer.get_instance('quiet')
        hook = HOOKS.build(dict(type='mmcrowd.CrowdVisualizationHook'))
        assert hook.after_test_iter(RUNNER, 0, {}, []) is None
        assert hook.after_val_iter(RUNNER, 0, {}, []) is None

    def test_validation_draws_every_interval(self, drawn):
        Visualizer.get_instance('val')
        hook = HOOKS.build(dict(type='mmcrowd.CrowdVisualizationHook', draw=True, interval=10))
        batch = dict(inputs=[torch.zeros(3, 4, 4, dtype=torch.uint8)])
        for batch_idx in range(12):
            hook.after_val_iter(RUNNER, batch_idx, batch, [self.sample('rendered/1', (4, 4))])
        assert [kwargs['step'] for _, kwargs in drawn] == [10, 20]


def test_hooks_are_not_in_the_parents_registry():
    assert 'NonFiniteLossHook' not in MMENGINE_HOOKS.module_dict
    assert HOOKS.get('mmcrowd.NonFiniteLossHook') is NonFiniteLossHook
