"""A published model: what is in the file, in which precision, and that it predicts as the checkpoint does."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from mmcrowd.apis import CrowdInferencer
from mmcrowd.apis.publish import publish_model
from mmcrowd.registry import MODELS
from mmcrowd.utils.configs import read_config
from mmcrowd.utils.weights import WeightsError, file_sha256, read_weights

CONFIG = str(Path(__file__).parents[1] / 'data' / 'tiny_fidt.py')


@pytest.fixture
def state():
    return MODELS.build(read_config(CONFIG).model).state_dict()


@pytest.fixture
def publish(state, tmp_path):
    def run(**options):
        torch.save(dict(state_dict=state, optimizer=dict(state={}), meta=dict(cfg='raise')), tmp_path / 'epoch_1.pth')
        return publish_model(CONFIG, tmp_path / 'epoch_1.pth', tmp_path / 'out' / 'model.safetensors', **options)

    return run


def test_file(publish, state, tmp_path):
    (tmp_path / 'metrics.json').write_text('{"crowd/mae": 3.5, "crowd/nae": null}')
    path = publish(metrics=tmp_path / 'metrics.json')
    assert path.name == f'model-{file_sha256(path)[:8]}.safetensors'
    assert {file.name for file in path.parent.iterdir()} == {path.name, f'{path.stem}.py'}
    with safe_open(path, 'pt') as file:
        meta = file.metadata()
    assert json.loads(meta['metrics']) == {'crowd/mae': 3.5, 'crowd/nae': None}
    assert meta['config'] == path.with_suffix('.py').read_text() == read_config(CONFIG).pretty_text
    found = read_weights(path)['state_dict']
    for key, value in state.items():
        assert found[key].dtype == (torch.float16 if value.is_floating_point() else value.dtype), key
        torch.testing.assert_close(found[key].float(), value.float(), rtol=1e-3, atol=1e-4)
    crowd = CrowdInferencer(path.with_suffix('.py'), path, device='cpu')
    assert next(crowd.model.parameters()).dtype == torch.float32


def test_precision(publish, state):
    variance = next(key for key in state if key.endswith('running_var'))
    weight = next(key for key in state if key.endswith('.weight'))
    other = next(key for key in state if key.endswith('running_mean'))
    state[weight].view(-1)[0] = 1e5
    state[variance][0] = 1e-9
    found = read_weights(publish(float32=[rf'{other}$']))['state_dict']
    kept = {key for key, value in found.items() if value.dtype == torch.float32}
    assert kept == {weight, variance, other}
    assert all(torch.equal(found[key], state[key]) for key in kept)
    whole = read_weights(publish(dtype='float32'))['state_dict']
    assert all(torch.equal(whole[key], value) for key, value in state.items())


def test_a_changed_byte_is_found(publish, state):
    path = publish()
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    with pytest.raises(WeightsError, match='is damaged'):
        read_weights(path)


def test_refusals(publish, state, tmp_path):
    (tmp_path / 'metrics.json').write_text('none')
    with pytest.raises(ValueError, match=r'metrics.json: expected metrics as JSON'):
        publish(metrics=tmp_path / 'metrics.json')
    with pytest.raises(ValueError, match='dtype: expected one of'):
        publish(dtype='int8')
    state.popitem()
    with pytest.raises(WeightsError, match=r'epoch_1.pth: does not fit'):
        publish()
    assert not (tmp_path / 'out').exists()
