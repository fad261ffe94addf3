"""Every shipped config can be read and built, and its data pipeline and head agree."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
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


def metrics_of(cfg: Config, phase: str) -> dict[str, dict]:
    """Metric name -> options, of the evaluators of a phase."""
    metrics = cfg[f'{phase}_evaluator']
    return {m.type: m for m in (metrics if isinstance(metrics, list) else [metrics])}


def keys_of(cfg: Config) -> set[str]:
    """Keys that validation returns, as far as configs choose checkpoints by them."""
    keys = set()
    for name, options in metrics_of(cfg, 'val').items():
        if name == 'mmcrowd.CrowdCountingMetric':
            keys |= {'crowd/mae', 'crowd/rmse', 'crowd/nae'} | (
                {'crowd/best_mae'} if options.get('best_mae') else set()
            )
        elif name == 'mmcrowd.CrowdLocalizationMetric':
            radii = [f'{radius}px' for radius in options.get('radii', [4, 8])]
            keys |= {f'crowd/f1_{radius}' for radius in radii + [f'sigma_{s}' for s in options.get('sigma', '')]}
        elif name == 'mmcrowd.BoxIoUMetric':
            keys |= {'crowd/box_iou'}
    return keys


@pytest.mark.parametrize('name', CONFIGS)
def test_checkpoints_are_chosen_by_a_figure_that_validation_gives(name: str):
    cfg = Config.fromfile(ROOT / name)
    assert cfg.default_hooks.checkpoint.save_best in keys_of(cfg)


@pytest.mark.parametrize('name', CONFIGS)
def test_groups_of_images_are_in_the_meta_keys(name: str):
    cfg = Config.fromfile(ROOT / name)
    for phase in ('val', 'test'):
        groups = metrics_of(cfg, phase).get('mmcrowd.CrowdCountingMetric', {}).get('group_by', [])
        asked = {'weather', 'luminance', 'scene'} & set([groups] if isinstance(groups, str) else groups)
        assert asked <= set(cfg[f'{phase}_dataloader'].dataset.pipeline[-1].get('meta_keys', ()))


@pytest.mark.parametrize('name', CONFIGS)
def test_tiles_have_a_core(name: str):
    test_cfg = Config.fromfile(ROOT / name).model.get('test_cfg') or {}
    if 'tile' in test_cfg and test_cfg.get('merge') != 'average':
        tile = test_cfg.tile if isinstance(test_cfg.tile, int) else min(test_cfg.tile)
        assert tile >= 2 * test_cfg.halo + 256


@pytest.mark.parametrize('name', [name for name in CONFIGS if 'iim_' in name])
def test_crops_keep_the_heads_that_iim_regions_depend_on(name: str):
    """By the sequential rule a region may depend on any head: the reach of the order-free rule is taken for it, too."""
    cfg = Config.fromfile(ROOT / name)
    (crop,) = (t for t in cfg.train_dataloader.dataset.pipeline if t.type == 'mmcrowd.RandomScaleCrop')
    assert crop.context >= CODECS.build(cfg.model.bbox_head.codec).margin


@pytest.mark.parametrize(
    ('name', 'rate'),
    [
        ('iim_vgg16_1000e_sha', 2e-7),
        ('iim_hrnet-w48_600e_nwpu', 1e-6),
        ('iim_hrnet-w48_600e_nwpu_ibm', 1e-6),
        ('iim-lite_s2d_150e_sha', 5e-6),
        ('iim-lite_s2d_150e_sha_ibm', 5e-4),
    ],
)
def test_rates_of_threshold_encoders(name: str, rate: float):
    cfg = Config.fromfile(ROOT / f'configs/iim/{name}.py')
    with torch.device('meta'):
        model = MODELS.build(dict(cfg.model, backbone=dict(cfg.model.backbone, init_cfg=None)))
    groups = build_optim_wrapper(model, dict(cfg.optim_wrapper, type='OptimWrapper')).optimizer.param_groups
    encoder = {id(p) for p in model.bbox_head.threshold_encoder.parameters()}
    assert encoder
    for group in groups:
        inside = id(group['params'][0]) in encoder
        assert group['lr'] == pytest.approx(rate if inside else cfg.optim_wrapper.optimizer.lr)
        assert not inside or group['weight_decay'] == 0


@pytest.mark.parametrize(
    ('name', 'count'),
    [
        ('iim_vgg16_1000e_sha', 20_341_188),
        ('iim_hrnet-w48_2000e_sha', 68_611_636),
        ('iim-lite_s2d_150e_sha', 4_220_000),
        ('head-size-lite_8e-crops_scut-a', 4_080_000),
    ],
)
def test_parameters_of_iim(name: str, count: int):
    model = Config.fromfile(ROOT / f'configs/iim/{name}.py').model
    found = build_model(json.dumps(model.to_dict(), sort_keys=True), 'mmdet')
    assert found == (count if 'lite' not in name else pytest.approx(count, rel=0.02))
