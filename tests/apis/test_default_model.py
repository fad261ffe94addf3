"""The model that comes with the package."""

import warnings

import numpy as np
import pytest

from mmcrowd.apis import CrowdInferencer
from mmcrowd.datasets import SyntheticCrowd
from mmcrowd.evaluation.functional import PointSets, localize

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
