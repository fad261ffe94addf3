"""The command lines of tools/dataset_tools: arguments, output and exit codes."""

import json
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.apis.test_data_tools import own_data


class Outcome(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def run(repo_root, tmp_path, monkeypatch, capsys) -> Callable[..., Outcome]:
    """Run a tool as its file would be run, in this process: starting another takes seconds."""
    monkeypatch.setenv('MMCROWD_CACHE', str(tmp_path / 'cache'))
    monkeypatch.chdir(tmp_path)

    def call(tool: str, *arguments: object) -> Outcome:
        path = repo_root / 'tools' / 'dataset_tools' / f'{tool}.py'
        monkeypatch.setattr(sys, 'argv', [str(path), *map(str, arguments)])
        code = 0
        try:
            runpy.run_path(str(path), run_name='__main__')
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 1
            if isinstance(stop.code, str):
                print(stop.code, file=sys.stderr)
        return Outcome(code, *capsys.readouterr())

    return call


def test_convert_split_check_and_describe(run, tmp_path):
    entries = [dict(img_path=f'{i}.png', points=[[1.5, 2.5]] * 1 + [[i + 9.0, 7.5]]) for i in range(10)]
    own_data(tmp_path, entries)
    (tmp_path / 'annotations.json').rename(tmp_path / 'own.json')
    made = run('convert', 'own.json', 'heads.csv', '--from', 'json', '--to', 'csv')
    assert made.returncode == 0, made.stderr
    assert 'heads.csv: 10 images, 20 heads, classes head' in made.stdout
    made = run('convert', 'heads.csv', 'annotations.json', '--from', 'csv', '--images', 'images')
    assert made.returncode == 0, made.stderr
    made = run('make_split', 'annotations.json', '--out-dir', 'splits', '--ratios', '0.6', '0.2', '0.2')
    assert made.stdout.splitlines()[-1] == 'test: 2 images, 4 heads', made.stderr
    made = run('check_dataset', tmp_path, '--out', 'report.json')
    assert made.returncode == 0, made.stderr
    assert json.loads((tmp_path / 'report.json').read_text())['splits']['all']['heads'] == 20
    made = run('dataset_stats', tmp_path, '--out-dir', 'stats')
    assert (tmp_path / 'stats' / 'stats.png').is_file(), made.stderr


def test_exit_codes(run, tmp_path):
    own_data(tmp_path, [dict(img_path='a.png', points=[[1, 2]])])
    Path(tmp_path / 'images' / 'a.png').write_bytes(b'no image')
    assert run('check_dataset', tmp_path).returncode == 1
    assert run('check_dataset', 'nowhere').returncode == 2
    made = run('convert', 'nowhere.csv', 'a.json', '--from', 'csv')
    assert made.returncode == 2
    assert made.stderr.strip() == 'nowhere.csv: no such file or folder, expected annotations there'


def test_pseudo_boxes(run, tmp_path):
    own_data(tmp_path / 'own', [dict(img_path=f'{i}.png', points=[[9, 9], [30, 30]]) for i in range(3)])
    made = run('make_pseudo_boxes', 'own', 'boxes')
    assert made.returncode == 0, made.stderr
    assert '3 images, 6 heads, 6 pseudo boxes' in made.stdout
    entry = json.loads((tmp_path / 'boxes' / 'all.json').read_text())['data_list'][0]
    assert len(entry['boxes']) == 2
    assert entry['pseudo_boxes'] == [0, 1]
    assert run('make_pseudo_boxes', 'own', 'boxes', '--config', 'a.py').returncode == 2
    missing = run('make_pseudo_boxes', 'nowhere', 'boxes')
    assert missing.returncode == 2
    assert 'nowhere: no such file or folder' in missing.stderr


def test_pseudo_boxes_of_a_network_for_the_data_of_a_config(run, tmp_path):
    """A config as source, its data elsewhere, sizes from a network."""
    import torch
    from mmengine.config import Config

    from tests.models.test_head_size import model, model_config

    own_data(tmp_path / 'own', [dict(img_path=f'{i}.png', points=[[9, 9], [30, 30]]) for i in range(2)])
    loader = "dict(dataset=dict(type='mmcrowd.CustomCrowd', data_root='elsewhere', ann_file='annotations.json', "
    (tmp_path / 'data.py').write_text(f"train_dataloader = {loader}format='json', img_folder='images', pipeline=[]))\n")
    net = model()
    torch.save(dict(state_dict=net.state_dict(), meta={}), tmp_path / 'size.pth')
    pipeline = [dict(type='LoadImageFromFile'), dict(type='mmcrowd.LoadHeads'), dict(type='mmcrowd.PackCrowdInputs')]
    Config(dict(model=model_config(), test_dataloader=dict(dataset=dict(pipeline=pipeline)))).dump('size.py')
    options = ['--config', 'size.py', '--weights', 'size.pth', '--device', 'cpu', '--data-root', 'own']
    made = run('make_pseudo_boxes', 'data.py', 'boxes', *options)
    assert made.returncode == 0, made.stderr
    entry = json.loads((tmp_path / 'boxes' / 'train.json').read_text())['data_list'][0]
    x1, y1, x2, y2 = entry['boxes'][0]
    assert ((x1 + x2) / 2, (y1 + y2) / 2) == pytest.approx((9, 9), abs=1e-3)
    assert entry['img_path'] == 'images/0.png'
