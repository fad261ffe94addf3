"""Every shipped config can be read and built, and its data pipeline and head agree."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmcrowd.registry import CODECS, MODELS, TRANSFORMS

ROOT = Path(__file__).parents[1]
CONFIGS = sorted(
    str(p.relative_to(ROOT)) for p in (ROOT / 'configs').rglob('*.py') if '_base_' not in p.relative_to(ROOT).parts
)


def unscoped_types(node, path: str = '') -> list[str]:
    """Registered names of mmcrowd that a config writes without its scope."""
    import mmcrowd.registry as registry

    own = {
        name
        for node_name in dir(registry)
        if node_name.isupper() and hasattr(getattr(registry, node_name), 'module_dict')
        for name in getattr(registry, node_name).module_dict
    }
    found = []
    if isinstance(node, dict):
        if node.get('type') in own:
            found.append(f'{path}: {node["type"]}')
        for key, value in node.items():
            found += unscoped_types(value, f'{path}.{key}')
    elif isinstance(node, (list, tuple)):
        for i, value in enumerate(node):
            found += unscoped_types(value, f'{path}[{i}]')
    return found


@cache
def build_model(model: str, scope: str) -> int:
    """Build a model (JSON) without weights; returns its number of parameters. Many configs share one."""
    with DefaultScope.overwrite_default_scope(scope), torch.device('meta'):
        return sum(p.numel() for p in MODELS.build(Config(json.loads(model))).parameters())


@pytest.mark.parametrize('name', CONFIGS)
def test_config(name: str):
    cfg = Config.fromfile(ROOT / name)
    assert cfg.default_scope == 'mmdet'
    assert unscoped_types(cfg.to_dict()) == []
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        pipeline = [TRANSFORMS.build(t) for t in cfg[loader].dataset.pipeline]
        assert type(pipeline[-1]).__name__.startswith('Pack')
    assert build_model(json.dumps(cfg.model.to_dict(), sort_keys=True), cfg.default_scope) > 0
    for step in cfg.train_dataloader.dataset.pipeline:
        if step.type == 'mmcrowd.EncodeTargets':
            points = np.random.default_rng(0).uniform(0, 64, (9, 2))
            boxes = np.concatenate([points - 3, points + 3], axis=1)
            drawn, read = (
                CODECS.build(c).encode(points, boxes, (64, 64)) for c in (step.codec, cfg.model.bbox_head.codec)
            )
            for key in read:
                np.testing.assert_array_equal(drawn[key], read[key])
