"""Every shipped config can be read and built, and its parts agree."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope, Registry

import mmcrowd.registry
from mmcrowd.registry import CODECS, MODELS, TRANSFORMS

ROOT = Path(__file__).parents[1]
CONFIGS = sorted(
    str(p.relative_to(ROOT)) for p in (ROOT / 'configs').rglob('*.py') if '_base_' not in p.relative_to(ROOT).parts
)
OWN = {
    name
    for registry in vars(mmcrowd.registry).values()
    if isinstance(registry, Registry) and registry.scope == 'mmcrowd'
    for name in registry.module_dict
}


def unscoped_types(node, path: str = '') -> list[str]:
    """Registered names of mmcrowd that a config writes without its scope."""
    found = []
    if isinstance(node, dict):
        if node.get('type') in OWN:
            found.append(f'{path}: {node["type"]}')
        for key, value in node.items():
            found += unscoped_types(value, f'{path}.{key}')
    elif isinstance(node, (list, tuple)):
        for i, value in enumerate(node):
            found += unscoped_types(value, f'{path}[{i}]')
    return found


@cache
def build_model(model: str) -> int:
    """Build a model (JSON) without weights; returns its number of parameters. Many configs share one."""
    with DefaultScope.overwrite_default_scope('mmdet'), torch.device('meta'):
        return sum(p.numel() for p in MODELS.build(Config(json.loads(model))).parameters())


@cache
def build_pipeline(pipeline: str) -> list:
    """Build a pipeline (JSON)."""
    with DefaultScope.overwrite_default_scope('mmdet'):
        return [TRANSFORMS.build(step) for step in json.loads(pipeline)]


def pipelines_of(dataset: dict) -> list[list[dict]]:
    """The pipeline of a data set, or those of the data sets that it repeats or joins."""
    inner = dataset.get('datasets') or [dataset.get('dataset')]
    return [dataset.pipeline] if 'pipeline' in dataset else [p for part in inner for p in pipelines_of(part)]


def check_pipelines(cfg: Config) -> None:
    """All steps can be built, and what is drawn for training is what the head reads."""
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        for pipeline in pipelines_of(cfg[loader].dataset):
            steps = json.dumps([step.to_dict() for step in pipeline], sort_keys=True)
            assert type(build_pipeline(steps)[-1]).__name__.startswith('Pack')
    codecs = {
        head.get('field', 'gt_map'): head.codec
        for head in cfg.model.values()
        if isinstance(head, dict) and 'codec' in head
    }
    for step in [step for pipeline in pipelines_of(cfg.train_dataloader.dataset) for step in pipeline]:
        if step.type == 'mmcrowd.EncodeTargets':
            points = np.random.default_rng(0).uniform(0, 64, (9, 2))
            boxes = np.concatenate([points - 3, points + 3], axis=1)
            read = codecs[step.get('field', 'gt_map')]
            drawn, read = (CODECS.build(c).encode(points, boxes, (64, 64)) for c in (step.codec, read))
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


def check_groups_are_in_the_meta_keys(cfg: Config) -> None:
    for phase in ('val', 'test'):
        groups = metrics_of(cfg, phase).get('mmcrowd.CrowdCountingMetric', {}).get('group_by', [])
        asked = {'weather', 'luminance', 'scene'} & set([groups] if isinstance(groups, str) else groups)
        assert asked <= set(cfg[f'{phase}_dataloader'].dataset.pipeline[-1].get('meta_keys', ()))


def check_tiles_have_a_core(cfg: Config) -> None:
    test_cfg = cfg.model.get('test_cfg') or {}
    if 'tile' in test_cfg and test_cfg.get('merge') != 'average':
        tile = test_cfg.tile if isinstance(test_cfg.tile, int) else min(test_cfg.tile)
        assert tile >= 2 * test_cfg.halo + 256


def check_crops_keep_the_heads_that_regions_depend_on(cfg: Config) -> None:
    """By the sequential rule a region may depend on any head: the reach of the order-free rule is taken for it, too."""
    (crop,) = (t for t in cfg.train_dataloader.dataset.pipeline if t.type == 'mmcrowd.RandomScaleCrop')
    assert crop.context >= CODECS.build(cfg.model.bbox_head.codec).margin


@pytest.mark.parametrize('name', CONFIGS)
def test_config(name: str):
    cfg = Config.fromfile(ROOT / name)
    assert cfg.default_scope == 'mmdet'
    assert unscoped_types(cfg.to_dict()) == []
    assert build_model(json.dumps(cfg.model.to_dict(), sort_keys=True)) > 0
    assert cfg.default_hooks.checkpoint.save_best in keys_of(cfg)
    check_pipelines(cfg)
    check_groups_are_in_the_meta_keys(cfg)
    check_tiles_have_a_core(cfg)
    if 'iim_' in name:
        check_crops_keep_the_heads_that_regions_depend_on(cfg)


def test_folds_of_ucf_cc_50():
    for fold in range(5):
        cfg = Config.fromfile(ROOT / f'configs/fidt/fidt_hrnet-w48_3000e_ucf-cc-50_fold{fold}.py')
        found = {cfg[f'{phase}_dataloader'].dataset.fold for phase in ('train', 'val', 'test')}
        assert found == {fold}


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
        model = MODELS.build(cfg.model)
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
    found = build_model(json.dumps(model.to_dict(), sort_keys=True))
    assert found == (count if 'lite' not in name else pytest.approx(count, rel=0.02))
