"""Checkpoints as authors release them: small networks with the names of theirs, and theirs where the files are."""

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from torch import Tensor

from mmcrowd.apis import CrowdInferencer
from mmcrowd.apis.released import RELEASED, convert_released, load_released, recognize_released
from mmcrowd.registry import MODELS
from mmcrowd.utils.errors import WeightsError

NETWORKS = [network.name for network in RELEASED]
STAGES = {f'stage{n}': dict(num_blocks=(1,) * n, num_channels=(4, 8, 16, 32)[:n]) for n in (1, 2, 3, 4)}
HRNET = dict(backbone=dict(extra={name: dict(num_modules=1, **stage) for name, stage in STAGES.items()}))
THRESHOLDS = dict(channels=(8, 8, 8))
NARROW = dict(channels=(4, 4, 8, 8, 8))
SMALL = {
    'fidtm_hrnet_w48': HRNET | dict(bbox_head=dict(in_channels=60)),
    'iim_hrnet_w48': HRNET | dict(bbox_head=dict(in_channels=60, threshold_encoder=dict(in_channels=60, **THRESHOLDS))),
    'iim_vgg16': dict(
        backbone=dict(channels=(4, 4, 8, 8, 8)),
        neck=dict(in_channels=[8, 8, 8], out_channels=8),
        bbox_head=dict(in_channels=24, threshold_encoder=dict(in_channels=24, **THRESHOLDS)),
    ),
    'csrnet': dict(backbone=NARROW, neck=dict(in_channels=8, channels=(8, 4)), bbox_head=dict(in_channels=4)),
    'cannet': dict(
        backbone=NARROW,
        neck=[
            dict(type='mmcrowd.ScaleContext', channels=8),
            dict(type='mmcrowd.ConvBackEnd', in_channels=8, channels=(8, 4), norm_cfg=dict(type='BN')),
        ],
        bbox_head=dict(in_channels=4),
    ),
    'bl_vgg19': dict(backbone=NARROW, neck=dict(in_channels=8, channels=(8, 4)), bbox_head=dict(in_channels=4)),
    'raz_loc': dict(backbone=NARROW, bbox_head=dict(in_channels=8, channels=(8, 4, 4))),
}
DENSITY = {
    'csrnet': (('backbone.features.', 'frontend.'), ('neck.layers.', 'backend.'), ('bbox_head.conv.', 'output_layer.')),
    'cannet': (
        ('backbone.features.', 'frontend.'),
        ('neck.0.', 'context.'),
        ('neck.1.layers.', 'backend.'),
        ('bbox_head.conv.', 'output_layer.'),
    ),
    'bl_vgg19': (
        ('backbone.features.', 'features.'),
        ('neck.layers.', 'reg_layer.'),
        ('bbox_head.conv.', 'reg_layer.4.'),
    ),
}
"""Our beginnings of names and the authors', of networks that differ in nothing else."""


def official_name(network: str, key: str) -> str:
    """The authors' name of one of our tensors, as far as the rules to convert are from being this one backwards."""
    if network in DENSITY:
        return next(key.replace(ours, theirs) for ours, theirs in DENSITY[network] if key.startswith(ours))
    key = key.replace('bbox_head.threshold_encoder.layers.6.', 'Binar.Threshold_Module.7.')
    key = key.replace('bbox_head.threshold_encoder.layers.', 'Binar.Threshold_Module.')
    if network == 'iim_vgg16':
        key = key.replace('bbox_head.layers.', 'Extractor.de_pred.').replace('neck.', 'Extractor.neck.')
        number = re.match(r'backbone\.features\.(\d+)', key)
        if number:
            layer = int(number[1])
            part, first = next((part, first) for part, first in ((3, 33), (2, 23), (1, 0)) if layer >= first)
            key = key.replace(number[0], f'Extractor.layer{part}.{layer - first}')
        return key
    if network == 'raz_loc':
        key = key.replace('bbox_head.output.', 'de_pred.12.conv.').replace('bbox_head.layers.', 'de_pred.')
        return key.replace('backbone.features.', 'features4.')
    outer = 'Extractor.' if network == 'iim_hrnet_w48' else ''
    return key.replace('bbox_head.layers.', f'{outer}last_layer.').replace('backbone.', outer)


@pytest.fixture
def small(repo_root, tmp_path) -> Callable[[str], tuple[torch.nn.Module, dict[str, Tensor], Path]]:
    """A small network by name: the model, its weights under the authors' names, and a folder with its config."""

    def make(name: str):
        network = next(n for n in RELEASED if n.name == name)
        path = next(iter(network.configs.values()))
        config = Config.fromfile(repo_root / 'configs' / path)
        config.merge_from_dict(dict(model=SMALL[name]))
        (tmp_path / path).parent.mkdir(exist_ok=True)
        config.dump(tmp_path / path)
        torch.manual_seed(0)
        model = MODELS.build(config.model).eval()
        state = {official_name(name, key): value.clone() for key, value in model.state_dict().items()}
        if name.startswith('iim'):
            state |= {'Binar.weight': torch.full((1,), 0.5), 'Binar.bias': torch.zeros(1)}
        return model, state, tmp_path

    return make


def maps_of(model: torch.nn.Module, image: Tensor) -> Tensor:
    with torch.no_grad():
        return model.bbox_head.to_maps(model.bbox_head(model.extract_feat(image))[0])


def test_every_config_is_there(repo_root):
    for network in RELEASED:
        for path in network.configs.values():
            assert (repo_root / 'configs' / path).is_file()


@pytest.mark.parametrize('name', NETWORKS)
def test_conversion(small, name):
    """Bare names, and those of training on several GPUs inside a checkpoint."""
    model, state, configs = small(name)
    image = torch.rand(1, 3, 64, 96)
    parallel = {re.sub(r'^(Extractor\.|Binar\.|)', r'\1module.', key): value for key, value in state.items()}
    for content in (state, dict(state_dict=parallel)):
        torch.save(content, configs / 'released.pth')
        loaded, config, found = load_released(configs / 'released.pth', configs)
        assert found == name
        assert config.model.bbox_head.in_channels == SMALL[name]['bbox_head']['in_channels']
        torch.testing.assert_close(maps_of(loaded, image), maps_of(model, image))


@pytest.mark.parametrize('name', NETWORKS)
@pytest.mark.parametrize('change', ['missing', 'additional', 'shape'])
def test_what_does_not_fit(small, name, change):
    _, state, configs = small(name)
    key = next(iter(state))
    if change == 'missing':
        del state[key]
    elif change == 'additional':
        state[key.replace('weight', 'scale')] = torch.ones(1)
    else:
        state[key] = state[key][:1]
    torch.save(state, configs / 'released.pth')
    with pytest.raises(
        WeightsError,
        match=r'released\.pth: does not fit .* 1 (not in the file|not in the model|unlike) .* as its authors',
    ):
        load_released(configs / 'released.pth', configs)


def test_a_converted_file_predicts(small, tmp_path):
    _, state, configs = small('fidtm_hrnet_w48')
    torch.save(state, tmp_path / 'released.pth')
    weights = convert_released(tmp_path / 'released.pth', tmp_path / 'out' / 'ours', configs)
    crowd = CrowdInferencer(weights.with_suffix('.py'), weights, device='cpu')
    result = crowd(np.zeros((60, 90, 3), np.uint8), return_map=True)
    image = torch.zeros(1, 3, 64, 96)
    image[..., :60, :90] = -crowd.model.data_preprocessor.mean / crowd.model.data_preprocessor.std
    expected = maps_of(load_released(tmp_path / 'released.pth', configs)[0], image)
    np.testing.assert_allclose(result.maps['fidt'], expected[0, :, :60, :90], atol=1e-5)


def test_other_files(small, tmp_path):
    model, state, configs = small('iim_vgg16')
    with pytest.raises(
        WeightsError, match=r'own\.pth: is no released checkpoint of fidtm_hrnet_w48, .*needs no conversion'
    ):
        recognize_released(model.state_dict(), 'own.pth')
    with pytest.raises(WeightsError, match=r'a\.pth: has 1 names that are not of iim_vgg16 \(optimizer\.step\)'):
        recognize_released(state | {'optimizer.step': torch.ones(1)}, 'a.pth')
    torch.save(state, tmp_path / 'released.pth')
    with pytest.raises(ValueError, match=r"iim_vgg16 was released for nwpu, sha, .*, not for 'mall'"):
        load_released(tmp_path / 'released.pth', configs, 'mall')
    with pytest.raises(FileNotFoundError, match='gone'):
        load_released(tmp_path / 'gone.pth', configs)


@pytest.mark.parametrize('name', NETWORKS)
def test_the_official_outputs(repo_root, tmp_path, name, monkeypatch):
    """Fixed weights under the authors' own names give what the authors' code gives."""
    folder = os.environ.get('MMCROWD_OFFICIAL')
    if folder is None:
        pytest.skip('official outputs: set MMCROWD_OFFICIAL to the folder that holds them')
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, 'kit', raising=False)
    import kit

    torch.save({key: torch.from_numpy(value) for key, value in kit.official_state(name).items()}, tmp_path / 'a.pth')
    model, _, found = load_released(tmp_path / 'a.pth', repo_root / 'configs')
    assert found == name
    image = torch.from_numpy(kit.official_input())
    if name == 'raz_loc':  # what its authors give are the logits
        with torch.no_grad():
            logits = model.bbox_head(model.extract_feat(image))[0].numpy()
        np.testing.assert_allclose(logits, kit.official_outputs(name)[0], atol=1e-4, rtol=1e-4)
        return
    maps = maps_of(model, image).numpy()
    for i, expected in enumerate(kit.official_outputs(name)[: maps.shape[1]]):
        np.testing.assert_allclose(maps[:, i : i + 1], expected, atol=1e-4, rtol=1e-4)
