"""mmcrowd inside mmdet: mmdet's own scripts run its configs, and both default scopes build them."""

import os
import subprocess
import sys
from pathlib import Path

import mmdet
import pytest
import torch

from mmcrowd.engine.launch import launch_testing, launch_training

CONFIG = str(Path(__file__).parent / 'data' / 'tiny_fidt.py')
MMDET_TOOLS = Path(mmdet.__file__).parent / '.mim' / 'tools'


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """Folder of a run of ``tools/train.py``'s function."""
    folder = tmp_path_factory.mktemp('ours')
    launch_training(CONFIG, str(folder))
    return folder


def run_mmdet_tool(repo_root, name, *args):
    script = MMDET_TOOLS / name
    if not script.is_file():
        pytest.skip(f'this mmdet ships no {name} in {MMDET_TOOLS}')
    env = {**os.environ, 'OMP_NUM_THREADS': str(torch.get_num_threads())}
    done = subprocess.run(
        [sys.executable, str(script), *args], cwd=repo_root, env=env, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_mmdets_train_script_ends_with_the_same_weights(trained, tmp_path, repo_root):
    run_mmdet_tool(repo_root, 'train.py', CONFIG, '--work-dir', str(tmp_path))
    theirs, ours = (torch.load(folder / 'epoch_2.pth', weights_only=False) for folder in (tmp_path, trained))
    assert theirs['state_dict'].keys() == ours['state_dict'].keys()
    for name, value in ours['state_dict'].items():
        assert torch.equal(theirs['state_dict'][name], value), name


def test_mmdets_test_script_finds_the_same_metrics(trained, tmp_path, repo_root):
    weights = str(trained / 'epoch_2.pth')
    printed = run_mmdet_tool(repo_root, 'test.py', CONFIG, weights, '--work-dir', str(tmp_path / 'theirs'))
    ours = launch_testing(CONFIG, weights, str(tmp_path / 'ours'))
    assert f'crowd/mae: {ours["crowd/mae"]:.4f}' in printed


def test_default_scope_mmcrowd_trains_the_same(trained, tmp_path):
    launch_training(CONFIG, str(tmp_path), cfg_options={'default_scope': 'mmcrowd'})
    other, ours = (torch.load(folder / 'epoch_2.pth', weights_only=False) for folder in (tmp_path, trained))
    assert all(torch.equal(other['state_dict'][name], value) for name, value in ours['state_dict'].items())
