"""A run that was killed and resumed leaves the files of one that was not; what a resumed file says is data."""

import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
import torch

import tests.engine.tiny_task  # noqa: F401 - registers the task
from mmcrowd.engine.launch import launch_training
from tests.engine.tiny_task import TinyMetric

CONFIG = str(Path(__file__).with_name('tiny_config.py'))


def test_killed_and_resumed_equals_uninterrupted(repo_root):
    command = [sys.executable, '-m', 'tests.engine.kill_and_resume', '--kills', '10']
    done = subprocess.run(command, cwd=repo_root, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    assert '10 of 10 runs have the files of the uninterrupted one' in done.stdout


def train(folder, epochs=3, resume=None, **options):
    """Train the tiny task; the text of its log."""
    # Runs of one name that begin in the same second share a log and a state, which are those of the first.
    fixed = {'experiment_name': uuid4().hex, 'train_cfg.max_epochs': epochs}
    options = {key.replace('__', '.'): value for key, value in options.items()}
    runner = launch_training(CONFIG, str(folder), resume=resume, cfg_options={**fixed, **options})
    return Path(runner.log_dir, f'{runner.timestamp}.log').read_text()


def names(folder):
    return sorted(path.name for path in folder.glob('*.pth'))


def change(path, **info):
    """Change what a checkpoint says of the run."""
    checkpoint = torch.load(path, weights_only=False)
    checkpoint['message_hub']['runtime_info'].update(info)
    torch.save(checkpoint, path)


def test_a_resumed_file_removes_nothing_of_others(tmp_path):
    run, other = tmp_path / 'run', tmp_path / 'other'
    train(run, 1)
    (other / 'sub').mkdir(parents=True)
    mine = [other / 'sub' / 'file.txt', other / 'best_of_others.pth', run / 'best_notes.txt', run / 'x' / 'weights.pth']
    for path in mine:
        path.parent.mkdir(exist_ok=True)
        path.touch()
    change(
        run / 'epoch_1.pth',
        best_ckpt=str(other),
        superseded_ckpts=['../other/best_of_others.pth', '../other', 'best_notes.txt', 'x/weights.pth', 3],
        keep_ckpt_ids=['../../other', 1],
    )
    log = train(run, 2, resume='auto')
    assert all(path.is_file() for path in mine)
    assert 'the resumed file names no file of a best crowd/mae: it is sought anew' in log
    # Nor what the changed file does not name any more.
    assert names(run) == [*(f'best_crowd_mae_epoch_{i}.pth' for i in (1, 2)), 'epoch_1.pth', 'epoch_2.pth']


def test_file_names_of_mmengine_are_taken_over(tmp_path):
    train(tmp_path, 1)
    assert 'best_crowd_mae_epoch_1.pth' in names(tmp_path)
    change(tmp_path / 'epoch_1.pth', best_ckpt=f'/moved/since/{tmp_path.name}/best_crowd_mae_epoch_1.pth')
    assert 'sought anew' not in train(tmp_path, 2, resume='auto')
    assert names(tmp_path) == ['best_crowd_mae_epoch_1.pth', 'epoch_1.pth', 'epoch_2.pth']  # the second is not better


def test_a_best_file_that_is_gone_is_sought_anew(tmp_path):
    train(tmp_path, 1)
    (tmp_path / 'best_crowd_mae_epoch_1.pth').unlink()
    change(tmp_path / 'epoch_1.pth', best_score=-1e9)
    log = train(tmp_path, 2, resume='auto')
    assert 'the best crowd/mae is sought anew' in log or 'of a best crowd/mae: it is sought anew' in log
    assert 'best_crowd_mae_epoch_2.pth' in names(tmp_path)


def test_a_finished_run_stays_as_it_is(tmp_path):
    train(tmp_path, 2)
    before = {path: path.read_bytes() for path in tmp_path.glob('*.pth')}
    train(tmp_path, 2, resume='auto')
    assert {path: path.read_bytes() for path in tmp_path.glob('*.pth')} == before


def test_left_over_temporary_files_are_removed_by_their_run(tmp_path):
    own = ['.epoch_7.pth.tmp', '.best_crowd_mae_epoch_7.pth.tmp', '.last_checkpoint.tmp']
    for name in (*own, '.notes.tmp', 'epoch.tmp'):
        (tmp_path / name).write_bytes(b'half')
    log = train(tmp_path, 1)
    assert sorted(path.name for path in tmp_path.glob('*.tmp')) == ['.notes.tmp', 'epoch.tmp']
    assert all(f'{name} is removed: a run was killed while it wrote' in log for name in own)


def test_starting_anew_in_a_used_folder_says_so(tmp_path):
    assert 'earlier training' not in train(tmp_path, 1)
    assert 'holds checkpoints of an earlier training (epoch_1.pth)' in train(tmp_path, 1)


@pytest.fixture
def figures(monkeypatch):
    """Values of crowd/mae, one a validation."""
    values = []
    monkeypatch.setattr(TinyMetric, 'compute_metrics', lambda self, results: {'crowd/mae': values.pop(0)})
    return values


def test_a_figure_without_a_value_is_said(tmp_path, figures):
    figures += [float('nan')] * 2
    log = train(tmp_path, 2)
    assert 'crowd/mae is nan in this validation' in log
    assert 'no best checkpoint was saved: crowd/mae had no value in any of 2 validations' in log
    assert names(tmp_path) == ['epoch_1.pth', 'epoch_2.pth']


def test_a_figure_with_a_value_beats_those_without(tmp_path, figures):
    figures += [float('nan'), 5.0, float('inf'), 7.0]
    log = train(tmp_path, 4)
    assert 'no best checkpoint was saved' not in log
    assert names(tmp_path) == ['best_crowd_mae_epoch_2.pth', 'epoch_3.pth', 'epoch_4.pth']


def test_a_figure_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"save_best='crowd/f1_8px': no such figure, the validation gave crowd/mae,"):
        train(tmp_path, 1, default_hooks__checkpoint__save_best='crowd/f1_8px')
