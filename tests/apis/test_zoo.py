"""Models by name."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from mmcrowd.apis import CrowdInferencer, zoo
from mmcrowd.apis.publish import write_published
from mmcrowd.registry import MODELS
from mmcrowd.utils.configs import read_config
from mmcrowd.utils.downloads import is_address
from tests.apis.spots import spots_config


@pytest.fixture
def index(tmp_path, monkeypatch):
    """An installation of its own: write its models, entries of a metafile."""
    monkeypatch.setattr(zoo, 'PACKAGE', tmp_path / 'package')
    (tmp_path / 'model-index.yml').write_text('Import: [spots.yml]')

    def write(*models: dict) -> None:
        (tmp_path / 'spots.yml').write_text(yaml.safe_dump(dict(Models=list(models))))
        zoo.list_models.cache_clear()

    yield write
    zoo.list_models.cache_clear()


@pytest.fixture
def spots(tmp_path) -> dict:
    """Entry of a model that finds white spots, with config and weights."""
    config = spots_config()
    config.custom_imports = dict(imports=['tests.apis.spots'])
    model = MODELS.build(config.model)
    weights = write_published(model, config.pretty_text, tmp_path / 'package' / 'zoo' / 'spots', 'float16')
    return dict(
        Name='spots_1e',
        Alias=['spots'],
        Config=str(weights.with_suffix('.py').relative_to(tmp_path)),
        Weights=f'zoo/{weights.name}',
        SHA256=hashlib.sha256(weights.read_bytes()).hexdigest(),
        Metadata={'Training Data': 'nothing'},
    )


@pytest.mark.parametrize('name', ['spots', 'spots_1e', None])
def test_a_model_by_name(index, spots, name, monkeypatch):
    index(dict(Name='other', Config='other.py'), spots)
    monkeypatch.setattr('mmcrowd.apis.inferencer.DEFAULT_MODEL', 'spots')
    crowd = CrowdInferencer(name, device='cpu')
    assert crowd.zoo_model.trained_on == 'nothing'
    image = np.zeros((40, 70, 3), np.uint8)
    image[5, 10] = 255
    assert crowd(image).points.tolist() == [[10.5, 5.5]]
    assert crowd.model.bias.dtype == torch.float32


def test_names_that_lead_nowhere(index, spots, tmp_path):
    index(spots, dict(Name='other', Config='other.py'))
    with pytest.raises(ValueError, match=r'^spts: no such model or config file; models with weights: spots'):
        CrowdInferencer('spts')
    with pytest.raises(ValueError, match=r'^other: its weights are not published: train .*other\.py, or give weights'):
        CrowdInferencer('other')
    with pytest.raises(ValueError, match=r'^x\.pth: weights need the model that they belong to'):
        CrowdInferencer(weights='x.pth')
    (tmp_path / 'package' / spots['Weights']).unlink()
    with pytest.raises(ValueError, match=r'^spots: .* is not part of this installation'):
        CrowdInferencer('spots')


def test_weights_of_ones_own_for_a_name(index, spots, tmp_path):
    """The config is found by the name, whether weights of it are published or not."""
    weights = tmp_path / 'package' / spots['Weights']
    index(spots, dict(Name='spots_2e', Alias=['fresh'], Config=spots['Config']))
    for name in ('fresh', 'spots_2e', 'spots'):
        crowd = CrowdInferencer(name, weights, device='cpu')
        assert crowd.zoo_model is None, 'these weights may have been trained on anything'
        assert Path(crowd.cfg.filename).name == Path(spots['Config']).name
    with pytest.raises(ValueError, match=r'^frsh: no such model or config file; models: fresh'):
        CrowdInferencer('frsh', weights)


def test_another_checksum(index, spots):
    index(dict(spots, SHA256='0' * 64))
    with pytest.raises(ValueError, match=r'its SHA-256 is .*, expected 0000'):
        CrowdInferencer('spots')


def test_an_address_without_network(index, spots):
    index(dict(spots, Weights='http://127.0.0.1:9/spots.safetensors', SHA256='0' * 64))
    with pytest.raises(ValueError, match=r'^http://127\.0\.0\.1:9/spots\.safetensors: cannot be downloaded'):
        CrowdInferencer('spots')


def test_an_installation_without_an_index(tmp_path, monkeypatch):
    monkeypatch.setattr(zoo, 'PACKAGE', tmp_path / 'package')
    zoo.list_models.cache_clear()
    with pytest.raises(FileNotFoundError, match='has no model-index'):
        zoo.find_model('spots')
    zoo.list_models.cache_clear()


def test_the_index_of_this_project():
    models = zoo.list_models()
    names = [name for model in models for name in (model.name, *model.aliases)]
    assert len(names) == len(set(names))
    for model in models:
        assert model.config.is_file()
        if model.weights is not None and not is_address(model.weights):
            content = Path(model.weights).read_bytes()
            assert hashlib.sha256(content).hexdigest() == model.sha256
            assert len(content) <= 10e6
            assert model.trained_on
            assert (zoo.PACKAGE / 'zoo' / f'{model.aliases[0]}.md').is_file(), 'a model that comes along has a card'
            read_config(model.config)
