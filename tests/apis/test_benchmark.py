"""Times and multiply-adds of models."""

import time

import numpy as np
import pytest
import torch

from mmcrowd.apis import CrowdInferencer
from mmcrowd.apis.benchmark import as_rows, benchmark_models, rendered_picture
from mmcrowd.apis.complexity import default_size, measure_complexity
from mmcrowd.utils.configs import read_config


def crowd_of(path) -> CrowdInferencer:
    cfg = read_config(path)
    if 'init_cfg' in cfg.model.backbone:
        cfg.model.backbone.init_cfg = None
    with pytest.warns(UserWarning, match='untrained'):
        return CrowdInferencer(cfg, device='cpu')


@pytest.fixture(scope='module')
def tiny(request) -> CrowdInferencer:
    return crowd_of(request.config.rootpath / 'tests/data/tiny_fidt.py')


@pytest.fixture
def slow_steps(tiny, monkeypatch):
    """A clock that only the network and the decoding move: three seconds, and one; two processors work."""
    now = [0.0]
    monkeypatch.setattr(time, 'perf_counter', lambda: now[0])
    monkeypatch.setattr(time, 'process_time', lambda: 2 * now[0])
    codec, network = tiny.model.bbox_head.codec, tiny.model.backbone

    def takes(seconds, step):
        def run(*args, **kwargs):
            now[0] += seconds
            return step(*args, **kwargs)

        return run

    monkeypatch.setattr(type(codec), 'candidates', takes(1, type(codec).candidates))
    monkeypatch.setattr(type(network), 'forward', takes(3, type(network).forward))


def test_times_and_the_share_of_decoding(tiny, slow_steps):
    before = dict(vars(tiny.model.bbox_head.codec))
    images = [np.zeros((64, 96, 3), np.uint8), np.zeros((32, 32, 3), np.uint8)]
    first, other, second, _ = benchmark_models(dict(one=tiny, two=tiny), images, rounds=2, warmup=1)
    assert (first.model, first.width, first.height) == ('one', 96, 64)
    assert (other.model, other.width) == ('two', 96)
    assert (second.width, second.height) == (32, 32)
    assert first.latency_ms == first.slowest_ms == 4000
    assert first.processor_ms == 8000
    assert first.images_per_second == 0.25
    assert first.decode_share == 0.25
    assert first.peak_mb > 50
    assert vars(tiny.model.bbox_head.codec) == before, 'what was timed is as it was'
    assert as_rows([first])[0]['latency_ms'] == 4000


def test_no_rounds(tiny):
    with pytest.raises(ValueError, match='rounds: expected 1 or more, found 0'):
        benchmark_models(dict(one=tiny), [np.zeros((32, 32, 3), np.uint8)], rounds=0)


def test_a_rendered_picture():
    picture = rendered_picture(200, 120)
    assert picture.shape == (120, 200, 3)
    assert np.array_equal(picture, rendered_picture(200, 120))


def test_multiply_adds_of_csrnet(repo_root):
    """The back end by rows x columns x weights; what is padded counts."""
    crowd = crowd_of(repo_root / 'configs/density/csrnet_1000e_sha.py')
    found = measure_complexity(crowd, (61, 47))
    assert (found.width, found.height) == (64, 48)
    assert found.parts['neck'] == (6 * 8 * 8_626_176, 8_628_160)
    assert found.parts['bbox_head'] == (6 * 8 * 64, 65)
    assert found.total[1] == 16_263_489
    assert found.total[0] == sum(operations for operations, _ in found.parts.values())
    assert found.uncounted == {}
    assert torch.is_tensor(crowd.model(torch.zeros(1, 3, 16, 16))[0]), 'the model is as it was'


def test_the_size_of_a_model_of_tiles(repo_root, tiny):
    assert default_size(tiny) == (1024, 768)
    tiny.model.test_cfg['full_tiles'], tiny.model.test_cfg['tile'] = True, (384, 512)
    assert default_size(tiny) == (512, 384)
