"""Two trainings in one work dir: the second is refused, a killed one is not in the way."""

import os
import signal
import time
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

import tests.engine.tiny_task  # noqa: F401 - registers the task
from mmcrowd.engine.hooks import CrowdCheckpointHook
from mmcrowd.engine.launch import launch_training
from mmcrowd.engine.work_dir_lock import LOCK_FILE, sole_training
from mmcrowd.utils import sole_process

CONFIG = str(Path(__file__).with_name('tiny_config.py'))


@contextmanager
def other_process(folder, worker=False):
    """A process that holds the lock, and may leave a data worker behind; killed at the end."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        with sole_training(folder):
            if worker and os.fork() == 0:
                time.sleep(20)
                os._exit(0)
            os.write(write, b'x')
            time.sleep(60)
    os.read(read, 1)
    try:
        yield child
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(read)
        os.close(write)


def test_second_training_is_refused_before_it_writes(tmp_path):
    with other_process(tmp_path) as holder:
        with pytest.raises(BlockingIOError, match=f'{tmp_path}: another training writes here .process {holder} on '):
            launch_training(CONFIG, str(tmp_path))
        assert [path.name for path in tmp_path.iterdir()] == [LOCK_FILE]


def test_every_runner_with_the_hook_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr('mmcrowd.engine.launch.sole_training', lambda work_dir: nullcontext())
    with other_process(tmp_path), pytest.raises(BlockingIOError, match='another training writes here'):
        launch_training(CONFIG, str(tmp_path))
    assert not list(tmp_path.glob('*.pth'))


def test_a_kill_leaves_no_lock_even_if_its_workers_live(tmp_path):
    with other_process(tmp_path, worker=True):
        pass
    with sole_training(tmp_path), sole_training(tmp_path):  # the holder may ask again
        pass
    with sole_training(tmp_path):
        assert f'process {os.getpid()} on' in (tmp_path / LOCK_FILE).read_text()


def test_file_system_without_locks(tmp_path, monkeypatch, caplog):
    def no_locks(*args):
        raise OSError(sole_process.errno.ENOLCK, 'No locks available')

    monkeypatch.setattr(sole_process.fcntl, 'lockf', no_locks)
    said = []
    monkeypatch.setattr(sole_process, 'print_log', lambda text, **kwargs: said.append(text))
    with sole_training(tmp_path):
        pass
    assert said == [
        f'{tmp_path}: its file system has no locks (No locks available); a second training would not be refused'
    ]


def test_only_a_training_takes_the_lock():
    hook = CrowdCheckpointHook(save_best='crowd/mae')
    hook.after_val_epoch(runner=None, metrics={'crowd/mae': 1.0})  # a validation alone: no folder, no judgement
