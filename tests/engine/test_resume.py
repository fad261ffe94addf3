"""A run that was killed and resumed ends with the weights of one that was not."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mmcrowd.engine.launch import launch_training

TESTS = Path(__file__).parents[1]
EMA = dict(type='EMAHook', ema_type='ExpMomentumEMA', momentum=0.01)
PRECISE_BN = dict(type='mmcrowd.PreciseBN', num_images=8, batch_size=4)
DROPOUT = "model = dict(dropout=0.5)\ncustom_imports = dict(imports=['mmcrowd', 'tests.engine.tiny_task'])\n"
BFLOAT16 = (
    "optim_wrapper = dict(type='mmcrowd.AutocastOptimWrapper')\n"
    "custom_imports = dict(imports=['mmcrowd', 'tests.engine.tiny_task'])\n"
)


def write_config(path: Path, base: Path, options: str, *hooks: dict) -> str:
    """A config on top of ``base`` with an average of the weights, precise statistics and these hooks."""
    path.write_text(f'_base_ = {str(base)!r}\n{options}custom_hooks = {[EMA, PRECISE_BN, *hooks]}\n')
    return str(path)


@pytest.mark.parametrize(
    ('base', 'options'),
    [(TESTS / 'engine' / 'tiny_config.py', DROPOUT), (TESTS / 'data' / 'tiny_fidt.py', BFLOAT16)],
    ids=['dropout', 'fidt'],
)
def test_killed_and_resumed_equals_uninterrupted(tmp_path, repo_root, base, options):
    config = write_config(tmp_path / 'config.py', base, options)
    runner = launch_training(config, str(tmp_path / 'whole'))

    # 4 iterations an epoch: number 6 is in the middle of the second.
    deadly = write_config(tmp_path / 'deadly.py', base, options, dict(type='mmcrowd.KillHook', at=6))
    broken = tmp_path / 'broken'
    killed = subprocess.run(
        [sys.executable, 'tools/train.py', deadly, '--work-dir', str(broken)],
        cwd=repo_root,
        env={**os.environ, 'PYTHONPATH': str(repo_root), 'OMP_NUM_THREADS': str(torch.get_num_threads())},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert {path.name for path in broken.glob('epoch_*')} == {'epoch_1.pth'}

    launch_training(config, str(broken), resume='auto')
    last = f'epoch_{runner.max_epochs}.pth'
    expected, found = (torch.load(tmp_path / run / last, weights_only=False) for run in ('whole', 'broken'))
    for part in ('state_dict', 'ema_state_dict'):
        assert expected[part].keys() == found[part].keys()
        for name, value in expected[part].items():
            assert torch.equal(value, found[part][name]), (part, name)
