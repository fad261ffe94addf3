"""Shared set-up: mmdet's scope as the default, and paths to real data for the tests that want them."""

import os
from pathlib import Path

import pytest
from mmengine.registry import init_default_scope

from mmcrowd import datasets, engine, evaluation, models, visualization  # noqa: F401 - everything is registered

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def default_scope() -> None:
    """Build registered parts as the shipped configs do, whatever scope the test before has left."""
    init_default_scope('mmdet')


@pytest.fixture
def repo_root() -> Path:
    """Root of the checkout, which holds ``tools/`` and ``configs/``."""
    return ROOT


def _data_folder(variable: str) -> Path:
    path = os.environ.get(variable)
    if path is None:
        pytest.skip(f'real data: set {variable} to the folder that holds it')
    if not Path(path).is_dir():
        pytest.fail(f'{variable}={path} is not a folder')
    return Path(path)


@pytest.fixture
def data_root() -> Path:
    """Folder of the public data sets, ``$MMCROWD_DATA``."""
    return _data_folder('MMCROWD_DATA')


@pytest.fixture
def samples_root() -> Path:
    """Folder of a few images of every data set, ``$MMCROWD_SAMPLES``."""
    return _data_folder('MMCROWD_SAMPLES')


@pytest.fixture
def eval_root() -> Path:
    """Folder of published predictions and ground truth, ``$MMCROWD_EVAL``."""
    return _data_folder('MMCROWD_EVAL')
