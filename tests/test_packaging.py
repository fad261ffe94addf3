"""What pip installs is enough to predict: configs and tools travel in ``mmcrowd/.mim``."""

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from mmengine.config import Config

from mmcrowd.registry import MODELS
from mmcrowd.version import __version__
from tests.datasets.fixtures.images import write_image

ROOT = Path(__file__).parents[1]
BUILD = """
import sys
from setuptools import build_meta
getattr(build_meta, sys.argv[1])(sys.argv[2])
"""
CONFIG = """
_base_ = [
    'mmcrowd::_base_/models/fidt_lite.py',
    'mmcrowd::_base_/datasets/own_data.py',
    'mmcrowd::_base_/default_runtime.py',
]
model = dict(
    backbone=dict(channels=(4, 8, 8, 8, 8), blocks=(0, 1, 1, 1, 1)),
    neck=dict(in_channels=(4, 8, 8, 8, 8), out_channels=(4, 8, 8, 8, 8)),
    bbox_head=dict(in_channels=4),
)
"""


def run(folder: Path, *command: str, **env: str) -> str:
    done = subprocess.run(command, cwd=folder, env={**os.environ, **env}, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope='module')
def installed(tmp_path_factory) -> Path:
    """A folder into which the wheel was installed that was built from the sdist; neither touches the checkout."""
    folder = tmp_path_factory.mktemp('packaging')
    (folder / 'checkout').mkdir()
    for source in ROOT.iterdir():
        if source.name in ('mmcrowd', 'mmcrowd_command', 'configs', 'tools', 'requirements'):
            ignored = shutil.ignore_patterns('__pycache__', '.mim')
            shutil.copytree(source, folder / 'checkout' / source.name, ignore=ignored)
        elif source.is_file():
            shutil.copy2(source, folder / 'checkout')
    run(folder / 'checkout', sys.executable, '-c', BUILD, 'build_sdist', str(folder))
    with tarfile.open(folder / f'mmcrowd-{__version__}.tar.gz') as sdist:
        sdist.extractall(folder, filter='data')
    run(folder / f'mmcrowd-{__version__}', sys.executable, '-c', BUILD, 'build_wheel', str(folder))
    (wheel,) = folder.glob('*.whl')
    pip = [sys.executable, '-m', 'pip', 'install', '--no-deps', '--no-index', '--no-compile', '--quiet']
    run(folder, *pip, '--target', str(folder / 'installed'), str(wheel))
    return folder / 'installed'


def test_everything_is_carried(installed, repo_root):
    shipped = installed / 'mmcrowd' / '.mim'
    for name in ('configs', 'tools'):
        files = [p.relative_to(repo_root) for p in (repo_root / name).rglob('*') if p.is_file() and p.suffix != '.pyc']
        assert len(files) > 10
        assert [str(path) for path in files if not (shipped / path).is_file()] == []
    assert (installed / 'mmcrowd' / 'py.typed').is_file()
    page = Path('mmcrowd') / 'labeling' / 'static'
    assert {p.name for p in (installed / page).iterdir()} == {p.name for p in (repo_root / page).iterdir()}
    assert (shipped / 'model-index.yml').is_file()
    assert {p.name for p in (installed / 'mmcrowd_command').glob('*.py')} == {
        p.name for p in (repo_root / 'mmcrowd_command').glob('*.py')
    }
    assert (installed / 'bin' / 'mmcrowd').is_file()


def test_prediction_without_a_checkout(installed, tmp_path):
    (tmp_path / 'tiny.py').write_text(CONFIG)
    write_image(tmp_path / 'photos' / 'street.jpg', (96, 80))
    model = MODELS.build(Config.fromfile(Path(__file__).parent / 'data' / 'tiny_fidt.py').model)
    torch.save(dict(state_dict=model.state_dict(), meta=dict()), tmp_path / 'weights.pth')
    predict = installed / 'mmcrowd' / '.mim' / 'tools' / 'predict.py'
    command = (str(predict), 'photos', 'tiny.py', 'weights.pth', '--out-dir', 'out', '--device', 'cpu')
    run(tmp_path, sys.executable, *command, PYTHONPATH=str(installed))
    assert np.genfromtxt(tmp_path / 'out' / 'counts.csv', delimiter=',', skip_header=1, usecols=1) >= 0


def test_index_of_models(repo_root):
    named = yaml.safe_load((repo_root / 'model-index.yml').read_text())['Import']
    assert sorted(named) == sorted(
        str(p.relative_to(repo_root)) for p in (repo_root / 'configs').glob('*/metafile.yml')
    )
    for path in named:
        meta = yaml.safe_load((repo_root / path).read_text())
        (collection,) = meta['Collections']
        assert (repo_root / collection['README']).is_file()
        for model in meta['Models']:
            assert model['In Collection'] == collection['Name']
            assert (repo_root / model['Config']).is_file()
            assert model['Name'] == Path(model['Config']).stem
            (result,) = model['Results']
            table = (repo_root / collection['README']).read_text()
            assert all(f'{value}' in table for value in result['Metrics'].values())
