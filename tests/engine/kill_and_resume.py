"""Kill trainings by SIGKILL at chosen moments, resume them, and compare all their files with an uninterrupted run's.

``python -m tests.engine.kill_and_resume --kills 40`` kills as many trainings of the tiny task, half of them inside a
save or between a save and the end of its validation, and prints one line each. All runs are forks of one process, which
never trains itself: torch's autograd refuses to work in a fork of a process that has used it.
"""

import argparse
import builtins
import json
import os
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from unittest import mock

import torch
from mmengine.fileio import LocalBackend
from mmengine.hooks import Hook

import tests.engine.tiny_task  # noqa: F401 - registers the task
from mmcrowd.engine.launch import launch_training
from mmcrowd.engine.work_dir_lock import LOCK_FILE
from mmcrowd.registry import HOOKS
from mmcrowd.utils import atomic_files

TESTS = Path(__file__).parents[1]
TINY = TESTS / 'engine' / 'tiny_config.py'
FIDT = TESTS / 'data' / 'tiny_fidt.py'
HOOKS_OF_ALL = [
    dict(type='EMAHook', ema_type='ExpMomentumEMA', momentum=0.1, update_buffers=True),
    dict(type='mmcrowd.PreciseBN', num_images=8, batch_size=4),
    dict(type='mmcrowd.MomentsBefore'),
    dict(type='mmcrowd.MomentsAfter'),
]
VARIANTS = dict(
    # Dropout, batch normalization, two figures that choose; a save and a validation after every epoch.
    tiny=(TINY, {'model.dropout': 0.5, 'model.batch_norm': True, 'train_cfg.max_epochs': 5}),
    # Validations without a save: the best file is there before a checkpoint knows of it.
    rare=(TINY, {'model.batch_norm': True, 'train_cfg.max_epochs': 5, 'default_hooks.checkpoint.interval': 2}),
    # One checkpoint kept, and one figure.
    single=(TINY, {'default_hooks.checkpoint.max_keep_ckpts': 1, 'default_hooks.checkpoint.save_best': ['crowd/f1']}),
    fidt=(FIDT, {'optim_wrapper.type': 'mmcrowd.AutocastOptimWrapper'}),
)
SAVING = ('half of', 'before', 'after', 'remov', 'validat')
_moment: Callable[[str], None] = lambda name: None  # noqa: E731 - replaced in each run


@HOOKS.register_module()
class MomentsBefore(Hook):
    """Moments of a training before the checkpoint hook does its part."""

    priority = 'LOW'

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        _moment(f'iteration {runner.iter + 1}')

    def before_val(self, runner):
        _moment('validation begins')

    def after_val_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        _moment(f'validation image {batch_idx}')

    def after_val_epoch(self, runner, metrics=None):
        _moment('validation ends')


@HOOKS.register_module()
class MomentsAfter(Hook):
    """Moments of a training after the checkpoint hook has done its part."""

    priority = 'LOWEST'

    def before_train_epoch(self, runner):
        _moment(f'epoch {runner.epoch + 1} begins')

    def after_val_epoch(self, runner, metrics=None):
        _moment('judged')


class _HalfWritten:
    """A file whose ``write`` passes a moment at which half of the bytes are on the disk."""

    def __init__(self, file, name):
        self.file, self.name = file, name

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.file.close()

    def __getattr__(self, name):
        return getattr(self.file, name)

    def write(self, data):
        self.file.write(data[: len(data) // 2])
        self.file.flush()
        _moment(f'half of {self.name}')
        self.file.write(data[len(data) // 2 :])


class _NamedFiles:
    """The ``os`` of :mod:`mmcrowd.utils.atomic_files`, with a moment before and after a file gets its name."""

    def __getattr__(self, name):
        return getattr(os, name)

    def replace(self, source, target):
        _moment(f'before {target.name}')
        os.replace(source, target)
        _moment(f'after {target.name}')


def _open(path, mode='r'):
    return _HalfWritten(builtins.open(path, mode), Path(path).name)


def _remove(self, path):
    _moment(f'removing {Path(path).name}')
    os.remove(path)
    _moment(f'removed {Path(path).name}')


def train(variant: str, folder: Path, kill_at: int | None = None) -> list[str] | None:
    """Train or resume in a fork, which dies at moment number ``kill_at``; all moments, or None if it died."""
    child = os.fork()
    if child == 0:
        try:
            _train(variant, folder, kill_at)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status not in (0, -signal.SIGKILL):
        raise RuntimeError(f'{folder}: a training ended with status {status}')
    return json.loads((folder.parent / f'{folder.name}.json').read_text()) if status == 0 else None


def _train(variant: str, folder: Path, kill_at: int | None) -> None:
    global _moment
    moments = []

    def reach(name: str) -> None:
        moments.append(name)
        if len(moments) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    _moment = reach
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(os.open(folder.parent / f'{folder.name}.log', os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    config, options = VARIANTS[variant]
    figures = ['crowd/mae', 'crowd/f1_8px' if config == FIDT else 'crowd/f1']
    options = {'custom_hooks': HOOKS_OF_ALL, 'default_hooks.checkpoint.save_best': figures, **options}
    with (
        mock.patch.object(atomic_files, 'open', _open, create=True),
        mock.patch.object(atomic_files, 'os', _NamedFiles()),
        mock.patch.object(LocalBackend, 'remove', _remove),
    ):
        launch_training(str(config), str(folder), resume='auto', cfg_options=options)
    (folder.parent / f'{folder.name}.json').write_text(json.dumps(moments))


def differences(expected: Path, found: Path) -> list[str]:
    """What differs between two work dirs: names of files, weights, state of the optimizer, record of the best."""
    names = [_files(folder) for folder in (expected, found)]
    if names[0] != names[1]:
        return [f'files {sorted(names[1] - names[0])} too many, {sorted(names[0] - names[1])} lacking']
    different = []
    for name in sorted(names[0]):
        if name.endswith('.pth'):
            first, second = (_parts(torch.load(folder / name, weights_only=False)) for folder in (expected, found))
            different += [f'{name}: {part}' for part in first if not _same(first[part], second[part])]
    return different


def _files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_file()} - {LOCK_FILE}


def _parts(checkpoint: dict) -> dict:
    parts = {key: checkpoint.get(key) for key in ('state_dict', 'ema_state_dict', 'optimizer', 'param_schedulers')}
    record = {k: v for k, v in checkpoint['message_hub']['runtime_info'].items() if k.startswith('best_')}
    return dict(parts, record=record, time={key: checkpoint['meta'][key] for key in ('epoch', 'iter')})


def _same(first: object, second: object) -> bool:
    """Equal to the last bit, in nested dicts and lists."""
    if isinstance(first, torch.Tensor):
        return first.dtype == second.dtype and torch.equal(first, second)
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(_same(first[key], second[key]) for key in first)
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(map(_same, first, second))
    return first == second


def choose(moments: Sequence[str], number: int) -> list[int]:
    """Numbers of moments, from 1: half of them in a save or between a save and the end of its validation."""
    saving = [i for i, name in enumerate(moments, 1) if name.startswith(SAVING)]
    others = [i for i, name in enumerate(moments, 1) if not name.startswith(SAVING)]
    half = (number + 1) // 2
    return [
        part[(2 * i + 1) * len(part) // (2 * n)]
        for part, n in ((saving, half), (others, number - half))
        for i in range(n)
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Kill and resume; returns the number of runs that differ from the uninterrupted one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--kills', type=int, default=40)
    parser.add_argument('--variants', nargs='+', default=list(VARIANTS), choices=VARIANTS)
    args = parser.parse_args(argv)
    root = Path(tempfile.mkdtemp(prefix='kill_and_resume_'))
    wrong = done = 0
    for i, variant in enumerate(args.variants):
        whole = root / variant
        moments = train(variant, whole)
        print(f'{variant}: uninterrupted, {len(moments)} moments; {", ".join(sorted(_files(whole)))}')
        share = (args.kills + i) // len(args.variants)
        for kill_at in choose(moments, share):
            broken = root / f'{variant}_{kill_at}'
            if train(variant, broken, kill_at) is not None:
                raise RuntimeError(f'{broken}: was not killed')
            train(variant, broken)
            found = differences(whole, broken)
            done += 1
            wrong += bool(found)
            print(f'{variant}: killed at {moments[kill_at - 1]!r}: {"; ".join(found) or "the same files"}')
            shutil.rmtree(broken)
    print(f'{done - wrong} of {done} runs have the files of the uninterrupted one')
    if not wrong:
        shutil.rmtree(root)
    return wrong


if __name__ == '__main__':
    sys.exit(main())
