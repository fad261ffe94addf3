"""Models of white spots, built once per test that wants one."""

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))

from spots import spots_config

from mmcrowd.apis import CrowdInferencer
from mmcrowd.registry import MODELS


@pytest.fixture
def weights(tmp_path) -> str:
    """A checkpoint of the model of white spots."""
    path = tmp_path / 'spots.pth'
    torch.save(dict(state_dict=MODELS.build(spots_config().model).state_dict(), meta={}), path)
    return str(path)


@pytest.fixture
def crowd(weights):
    """Makes inferencers of white spots: options are those of the config and of the inferencer."""

    def make(score_thr=None, scale=1, **options) -> CrowdInferencer:
        return CrowdInferencer(spots_config(**options), weights, device='cpu', score_thr=score_thr, scale=scale)

    return make
