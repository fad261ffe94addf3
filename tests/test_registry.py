"""Every registry is a child of mmdet's, and its parts are found from either scope."""

import subprocess
import sys

import pytest
from mmdet import registry as mmdet_registry
from mmengine.config import Config
from mmengine.registry import DefaultScope, Registry, init_default_scope

import mmcrowd
from mmcrowd import registry

NODES = sorted(n for n, v in vars(mmdet_registry).items() if isinstance(v, Registry) and v.scope == 'mmdet')


def test_every_node_is_a_child_of_mmdets():
    assert len(NODES) == 20
    for node in NODES:
        child, parent = getattr(registry, node), getattr(mmdet_registry, node)
        assert child.parent is parent, node
        assert (child.scope, child.name) == ('mmcrowd', parent.name)
        homes = {'.'.join(part.__module__.split('.')[:2]) for part in child.module_dict.values()}
        assert {home for home in homes if home.startswith('mmcrowd.')} <= set(child._locations), node
    assert registry.CODECS is registry.TASK_UTILS


@pytest.mark.parametrize('scope', ['mmdet', 'mmcrowd'])
def test_scoped_names_are_found_from_every_scope(scope):
    init_default_scope(scope)
    found = 0
    for node in NODES:
        child, parent = getattr(registry, node), getattr(mmdet_registry, node)
        for name, part in child.module_dict.items():
            assert child.get(f'mmcrowd.{name}') is part
            assert parent.parent.get(f'mmcrowd.{name}') is part, 'from the scope of a session that has read no config'
            with parent.switch_scope_and_registry(None) as searched:
                assert searched.get(f'mmcrowd.{name}') is part
            found += 1
    assert found > 60


@pytest.mark.parametrize(
    ('node', 'name'),
    [
        ('MODELS', 'ResNet'),
        ('DATASETS', 'CocoDataset'),
        ('TRANSFORMS', 'RandomFlip'),
        ('METRICS', 'CocoMetric'),
        ('HOOKS', 'DetVisualizationHook'),
        ('HOOKS', 'EMAHook'),
        ('VISUALIZERS', 'DetLocalVisualizer'),
        ('VISBACKENDS', 'LocalVisBackend'),
        ('DATA_SAMPLERS', 'DefaultSampler'),
        ('OPTIM_WRAPPERS', 'OptimWrapper'),
        ('LOOPS', 'EpochBasedTrainLoop'),
    ],
)
def test_parts_of_mmdet_and_mmengine_are_found(node, name):
    child = getattr(registry, node)
    assert child.get(name) is not None
    assert child.get(name).__module__.split('.')[0] in {'mmdet', 'mmengine'}


def test_no_name_of_mmdet_is_shadowed():
    for node in NODES:
        parent = getattr(mmdet_registry, node)
        assert set(getattr(registry, node).module_dict) & set(parent.module_dict) == set(), node


def test_what_is_registered_is_imported_when_it_is_asked_for():
    """``custom_imports=['mmcrowd']`` is all that a config says, and must not cost the import of all of mmdet."""
    code = (
        'import sys, mmcrowd\n'
        "assert 'mmdet.models' not in sys.modules\n"
        'from mmdet.registry import MODELS, TRANSFORMS\n'
        "assert MODELS.get('mmcrowd.FIDTHead').__module__ == 'mmcrowd.models.dense_heads.fidt_head'\n"
        "assert TRANSFORMS.get('mmcrowd.LoadHeads') and MODELS.get('FCOS')\n"
        "assert mmcrowd.registry.LOOPS.get('EpochBasedTrainLoop') and mmcrowd.codecs.FIDTCodec\n"
    )
    done = subprocess.run([sys.executable, '-W', 'ignore', '-c', code], capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout) == (0, ''), done.stderr


def test_everything_public_is_importable():
    for package in ('codecs', 'datasets', 'engine', 'evaluation', 'models', 'structures', 'visualization'):
        module = getattr(mmcrowd, package)
        assert sorted(set(module.__all__)) == sorted(module.__all__)
        assert [name for name in module.__all__ if not hasattr(module, name)] == []


@pytest.mark.parametrize('scope', ['mmdet', 'mmcrowd'])
def test_base_config_of_mmdet(tmp_path, scope):
    """A config on top of mmdet's own: everything in ``model`` is then built in scope mmdet, hence the scoped names."""
    path = tmp_path / 'fcos.py'
    path.write_text(
        "_base_ = 'mmdet::fcos/fcos_r50-caffe_fpn_gn-head_1x_coco.py'\n"
        f'default_scope = {scope!r}\n'
        "custom_imports = dict(imports=['mmcrowd'])\n"
        'model = dict(\n'
        "    data_preprocessor=dict(_delete_=True, type='mmcrowd.CrowdDataPreprocessor', pad_size_divisor=32),\n"
        '    backbone=dict(depth=18, init_cfg=None),\n'
        '    neck=dict(in_channels=[64, 128, 256, 512]))\n'
    )
    cfg = Config.fromfile(path)
    init_default_scope(scope)
    model = registry.MODELS.build(cfg.model)
    assert type(model).__module__.startswith('mmdet.')
    assert type(model.data_preprocessor) is mmcrowd.models.CrowdDataPreprocessor
    assert DefaultScope.get_current_instance().scope_name == scope
