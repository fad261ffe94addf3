"""The console command: verbs, tools, exit codes."""

import re
import subprocess
import sys

import click
import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from mmcrowd_command import cli


@pytest.fixture
def run():
    return lambda *arguments: CliRunner().invoke(cli.main, arguments, prog_name='mmcrowd')


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from mmcrowd_command import cli; cli.main(['--help'], standalone_mode=False); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert {'torch', 'mmengine', 'mmcrowd', 'numpy', 'cv2'}.isdisjoint(done.stdout.split('\n')[-2].split())
    for verb in (*cli.VERBS, 'count', 'video', 'models', 'env'):
        assert f'\n  {verb} ' in done.stdout


def test_help_of_a_verb_imports_nothing_heavy():
    code = """
import contextlib, io, sys
from mmcrowd_command import cli
for verb in cli.main.commands:
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
        cli.main([verb, '--help'])
    print(verb, *{'torch', 'mmengine', 'mmcrowd', 'numpy', 'cv2', 'PIL'} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == list(cli.main.commands)


@pytest.mark.parametrize('verb', cli.VERBS)
def test_every_verb_is_a_tool_that_explains_itself(run, verb, monkeypatch):
    monkeypatch.setattr(sys, 'argv', sys.argv)
    result = run(verb, '--help')
    assert result.exit_code == 0
    assert result.output.startswith(f'usage: mmcrowd {verb} ')


def test_options_reach_the_tool(run, monkeypatch):
    monkeypatch.setattr(sys, 'argv', sys.argv)
    result = run('train', 'no_such.py', '--work-dir', 'x', '--amp')
    assert result.exit_code == 2
    assert 'no_such.py' in result.output


@pytest.mark.parametrize(('verb', 'message'), [('predit', 'did you mean predict?'), ('xyz', 'verbs: predict, count')])
def test_unknown_verb(run, verb, message):
    result = run(verb)
    assert result.exit_code == 2
    assert f'{verb}: no such verb' in result.output
    assert message in result.output


def test_count(run, tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((64, 96, 3), np.uint8))
    (tmp_path / 'b.png').write_bytes(b'no picture')
    result = run('count', str(tmp_path), '--device', 'cpu')
    assert result.exit_code == 1
    assert 'b.png' in result.stderr
    assert 'It is left out' in result.stderr
    lines = result.stdout.splitlines()
    assert re.search(r'a\.png  \(0 to \d+\)$', lines[0])
    counts = [line.split()[:2] for line in lines]
    assert counts == [['0', str(tmp_path / 'a.png')], ['0', 'in']]
    assert lines[1].endswith('0  in 1 image')


def test_count_of_nothing(run, tmp_path):
    result = run('count', str(tmp_path / 'nowhere.jpg'))
    assert result.exit_code == 2
    assert 'nowhere.jpg: no such file or folder' in result.stderr


def test_count_by_an_untrained_network_is_refused(run, repo_root, tmp_path):
    config = str(repo_root / 'configs/fidt/fidt-lite_s2d_90min_sha.py')
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((64, 96, 3), np.uint8))
    result = run('count', str(tmp_path), '--model', config)
    assert result.exit_code == 2
    assert f'{config}: expected a config and its weights, found no weights' in result.stderr


def test_models_and_environment(run):
    listed = run('models').output
    assert 'crowd_count_lite (default): finds heads' in listed
    assert 'density-bl_efficientnet-lite0_s2d_32e-mixed-12e_sha\n' in listed  # whole, to be copied
    assert 'torch' in run('env').output


def test_an_installation_without_tools(monkeypatch, tmp_path):
    monkeypatch.setattr(cli, '__file__', str(tmp_path / 'mmcrowd_command' / 'cli.py'))
    monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    with pytest.raises(click.ClickException, match='has no tools: install it anew'):
        cli.tools_folder()
