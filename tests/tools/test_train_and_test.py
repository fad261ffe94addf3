"""The command lines of tools/train.py and tools/test.py: a tool parses, and calls one function."""

import importlib.util
import inspect
import sys

import pytest

from mmcrowd.engine import launch


@pytest.fixture
def call(repo_root, monkeypatch):
    """Run ``tools/<name>.py`` with arguments: what it gave to the function of the package it calls."""

    def run(name, function, *arguments):
        spec = importlib.util.spec_from_file_location(f'tool_{name}', repo_root / 'tools' / f'{name}.py')
        tool = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(tool)
        given = {}
        signature = inspect.signature(getattr(launch, function))
        monkeypatch.setattr(launch, function, lambda **kwargs: given.update(kwargs))
        monkeypatch.setattr(sys, 'argv', [f'{name}.py', *arguments])
        tool.main()
        signature.bind(**given)
        return given

    return run


def test_train_defaults(call):
    assert call('train', 'launch_training', 'a.py') == dict(
        config='a.py', work_dir=None, resume=None, amp=False, cfg_options=None, launcher='none'
    )


def test_train_options(call):
    given = call(
        'train', 'launch_training', 'a.py', '--amp', '--resume', '--cfg-options', 'train_cfg.max_epochs=3', 'a.b=[1,2]'
    )
    assert given['amp'] is True
    assert given['resume'] == 'auto'
    assert given['cfg_options'] == {'train_cfg.max_epochs': 3, 'a.b': [1, 2]}
    assert call('train', 'launch_training', 'a.py', '--resume', 'x.pth')['resume'] == 'x.pth'


def test_test_options(call):
    given = call('test', 'launch_testing', 'a.py', 'w.pth', '--show-dir', 'pictures', '--out', 'p.pkl')
    assert given == dict(
        config='a.py',
        checkpoint='w.pth',
        work_dir=None,
        out='p.pkl',
        show_dir='pictures',
        score_thr=None,
        cfg_options=None,
        launcher='none',
    )


@pytest.mark.parametrize(('text', 'value'), [('val', 'val'), ('0.3', 0.3)])
def test_score_threshold(call, text, value):
    assert call('test', 'launch_testing', 'a.py', 'w.pth', '--score-thr', text)['score_thr'] == value


@pytest.mark.parametrize('name', ['train', 'test'])
def test_config_is_required(call, name, capsys):
    with pytest.raises(SystemExit):
        call(name, f'launch_{name}ing')
    assert 'config' in capsys.readouterr().err
