"""The model that comes with the package."""

import warnings

import numpy as np
import pytest

from mmcrowd.apis import CrowdInferencer
from mmcrowd.apis.intervals import intervals_file, read_intervals
from mmcrowd.datasets import SyntheticCrowd
from mmcrowd.evaluation.functional import PointSets, localize
from mmcrowd.utils.weights import file_sha256

PIPELINE = [dict(type='mmcrowd.LoadSynthetic')]


@pytest.fixture(scope='module')
def crowd() -> CrowdInferencer:
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        return CrowdInferencer(device='cpu')


def test_it_finds_heads_of_a_rendered_crowd_that_it_never_saw(crowd):
    data = SyntheticCrowd(length=3, size=(512, 384), heads=(60, 120), min_head=10, seed=4321, pipeline=PIPELINE)
    found, truth = [], []
    for i in range(len(data)):
        info = data[i]
        found.append(crowd(info['img']).points)
        truth.append(info['heads'][:, :2])
    assert localize(PointSets.stack(found, truth), 8.0).summary()['f1'] > 0.6


def test_it_finds_nobody_in_noise_and_on_a_wall(crowd):
    rng = np.random.default_rng(0)
    assert crowd(np.full((300, 400, 3), 120, np.uint8)).count == 0
    assert crowd(rng.integers(0, 256, (300, 400, 3), np.uint8)).count < 30


def test_the_models_that_come_along_have_intervals(repo_root):
    weights = sorted((repo_root / 'mmcrowd' / 'zoo').glob('*.safetensors'))
    assert weights
    for path in weights:
        found = read_intervals(intervals_file(path), file_sha256(path))
        assert found.level == 0.9
        assert found.of(100)[0] < 100 < found.of(100)[1]


def test_its_counts_have_intervals(crowd):
    result = crowd(np.full((64, 96, 3), 120, np.uint8))
    assert result.interval[0] == result.count == 0 < result.interval[1]
