"""Two processes on CPUs."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mmcrowd.engine.launch import launch_testing, launch_training

CONFIG = str(Path(__file__).with_name('tiny_config.py'))


def free_port() -> str:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return str(probe.getsockname()[1])


def gloo_threads() -> int:
    """Threads of this process that carry out collective calls."""
    names = [path.read_text() for path in Path('/proc/self/task').glob('*/comm')]
    return sum('gloo' in name for name in names)


def two_processes(repo_root: Path, script: str, *args: str) -> subprocess.CompletedProcess:
    """Run one of the ``dist_*.sh`` tools with two processes, on a free port."""
    env = {**os.environ, 'PYTHONPATH': str(repo_root), 'PYTHON': sys.executable, 'OMP_NUM_THREADS': '1'}
    env['PORT'] = free_port()
    return subprocess.run(
        ['bash', f'tools/{script}', *args], cwd=repo_root, env=env, capture_output=True, text=True, timeout=300
    )


@pytest.fixture(scope='module')
def runs(tmp_path_factory):
    """Folders of a run with 2 processes of batch 2, and of a run with 1 process of batch 4."""
    root = Path(__file__).parents[2]
    folder = tmp_path_factory.mktemp('runs')
    done = two_processes(root, 'dist_train.sh', CONFIG, '2', '--work-dir', str(folder / 'two'))
    assert done.returncode == 0, done.stderr[-3000:]
    launch_training(CONFIG, str(folder / 'one'), cfg_options={'train_dataloader.batch_size': 4})
    return folder / 'two', folder / 'one'


def test_two_processes_equal_one_with_double_batch(runs):
    two, one = (torch.load(folder / 'epoch_3.pth', weights_only=False) for folder in runs)
    assert two['meta']['iter'] == one['meta']['iter'] == 6
    for name, value in one['state_dict'].items():
        torch.testing.assert_close(two['state_dict'][name], value, rtol=1e-4, atol=1e-6)


def test_testing_gathers_all_images_once(runs, tmp_path, repo_root):
    weights = str(runs[0] / 'epoch_3.pth')
    done = two_processes(repo_root, 'dist_test.sh', CONFIG, weights, '2', '--work-dir', str(tmp_path))
    assert done.returncode == 0, done.stderr[-3000:]
    alone = launch_testing(CONFIG, weights, str(tmp_path / 'alone'))
    assert alone['images'] == 3
    assert json.loads((tmp_path / 'metrics.json').read_text())['figures'] == pytest.approx(alone)
    assert done.stdout.count('\ncrowd/mae ') == 1, done.stdout  # one table, by one process


def test_a_group_of_one_process_trains_as_no_group(runs, tmp_path, monkeypatch):
    environment = dict(RANK='0', WORLD_SIZE='1', LOCAL_RANK='0', MASTER_ADDR='127.0.0.1', MASTER_PORT=free_port())
    for name, value in dict(environment, OMP_NUM_THREADS='1', MKL_NUM_THREADS='1').items():
        monkeypatch.setenv(name, value)
    options = {'train_dataloader.batch_size': 4}
    runner = launch_training(CONFIG, str(tmp_path), cfg_options=options, launcher='pytorch')
    assert not torch.distributed.is_initialized()
    # One that is left when Python ends would abort the process; the runner is still there.
    assert runner.iter == 6
    assert gloo_threads() == 0
    group, plain = (torch.load(folder / 'epoch_3.pth', weights_only=False) for folder in (tmp_path, runs[1]))
    for name, value in plain['state_dict'].items():
        torch.testing.assert_close(group['state_dict'][name], value, rtol=1e-4, atol=1e-6)
