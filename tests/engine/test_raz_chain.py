"""What the stages of RAZ-Net hand on: regions of training images, fitted thresholds."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmcrowd.datasets import CropRegion, LoadHeads
from mmcrowd.datasets.crowd_dataset import make_heads
from mmcrowd.engine import raz_chain
from mmcrowd.engine.raz_chain import STAGES
from mmcrowd.engine.raz_stages import fit_fusion, write_regions
from mmcrowd.models import RAZNet
from mmcrowd.models.zooming import TwoStreamFusion, fit_thresholds
from mmcrowd.registry import MODELS
from mmcrowd.utils.weights import read_weights
from tests.models.test_raz_net import parts

SHAPES = [(64, 80), (72, 56), (40, 48)]


def model_config(**params) -> dict:
    return dict(
        type='mmcrowd.RAZNet',
        **parts(8),
        density_neck=dict(type='mmcrowd.ConvBackEnd', in_channels=8, channels=(8, 4)),
        density_head=dict(
            type='mmcrowd.DensityHead', in_channels=4, codec=dict(type='mmcrowd.DensityCodec', stride=8), losses={}
        ),
        fusion=dict(type='mmcrowd.TwoStreamFusion'),
        zoom_net=dict(type='mmcrowd.RAZNet', **parts(4)),
        data_preprocessor=dict(type='mmcrowd.CrowdDataPreprocessor', pad_size_divisor=8),
        test_cfg=dict(depth=1, regions=dict(threshold=0.0, number=2, num_points=5)),
        **params,
    )


@pytest.fixture
def task(tmp_path):
    """Config of three pictures, and a checkpoint."""
    (tmp_path / 'images').mkdir()
    random, images = np.random.default_rng(0), []
    for i, shape in enumerate(SHAPES):
        cv2.imwrite(str(tmp_path / 'images' / f'{i}.png'), random.integers(0, 255, (*shape, 3), np.uint8))
        points = random.uniform(0, shape[::-1], (7 * i, 2)).round(2).tolist()
        images.append(dict(img_path=f'{i}.png', width=shape[1], height=shape[0], points=points))
    (tmp_path / 'annotations.json').write_text(json.dumps(dict(metainfo=dict(classes=['head']), data_list=images)))
    pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='mmcrowd.LoadHeads'),
        dict(type='mmcrowd.PackCrowdInputs', drop_outside=False),
    ]
    data = dict(
        type='mmcrowd.CustomCrowd',
        data_root=str(tmp_path),
        ann_file='annotations.json',
        data_prefix=dict(img_path='images'),
        pipeline=pipeline,
    )
    cfg = Config(
        dict(model=model_config(), train_dataloader=dict(dataset=data), test_dataloader=dict(dataset=dict(data)))
    )
    torch.manual_seed(0)
    torch.save(dict(state_dict=MODELS.build(cfg.model).state_dict()), tmp_path / 'weights.pth')
    return cfg, tmp_path


def test_regions(task):
    cfg, folder = task
    out = write_regions(cfg, folder / 'weights.pth', folder / 'regions.json')
    regions = json.loads(out.read_text())['regions']
    assert len(regions) == 3
    for i, shape in enumerate(SHAPES):
        boxes = np.array(regions[str(folder / 'images' / f'{i}.png')])
        assert 1 <= len(boxes) <= 2
        assert (boxes[:, :2] >= 0).all()
        assert (boxes[:, 2:] <= shape[::-1]).all()
        assert (boxes[:, 2:] > boxes[:, :2]).all()


def test_an_interrupted_call_goes_on(task, monkeypatch):
    cfg, folder = task
    whole = json.loads(write_regions(cfg, folder / 'weights.pth', folder / 'regions.json').read_text())
    part = dict(whole, regions=dict(list(whole['regions'].items())[:2]))
    (folder / 'part.json').write_text(json.dumps(part))
    looks = []
    look = RAZNet.look
    monkeypatch.setattr(RAZNet, 'look', lambda self, *given: looks.append(1) or look(self, *given))
    write_regions(cfg, folder / 'weights.pth', folder / 'part.json')
    assert len(looks) == 1
    assert json.loads((folder / 'part.json').read_text()) == whole


@pytest.mark.parametrize(
    ('text', 'message'), [('{"weights": "x", "regions": {}}', 'of other weights'), ('[1', 'expected a file of regions')]
)
def test_a_file_that_it_cannot_go_on_with(task, text: str, message: str):
    cfg, folder = task
    (folder / 'regions.json').write_text(text)
    with pytest.raises(ValueError, match=rf'regions\.json.*{message}'):
        write_regions(cfg, folder / 'weights.pth', folder / 'regions.json')


def test_fusion_is_fitted_for_its_depth(task):
    cfg, folder = task
    out = fit_fusion(cfg, folder / 'weights.pth', folder / 'fitted.safetensors')
    state = read_weights(out)['state_dict']
    assert bool(state['fusion.fitted'])
    assert int(state['fusion.depth']) == 1
    assert torch.isfinite(state['fusion.theta']).all()
    assert not torch.equal(state['fusion.theta'], torch.zeros(16))
    with pytest.raises(ValueError, match=r'ends in \.safetensors'):
        fit_fusion(cfg, folder / 'weights.pth', folder / 'fitted.pth')


def test_thresholds_are_those_of_the_counts(task, monkeypatch):
    """The counts that are fitted are those that a test of the same images finds."""
    cfg, folder = task
    given = {}
    fit = TwoStreamFusion.fit
    monkeypatch.setattr(
        TwoStreamFusion, 'fit', lambda self, d, p, t, depth: given.update(d=d, p=p, t=t) or fit(self, d, p, t, depth)
    )
    out = fit_fusion(cfg, folder / 'weights.pth', folder / 'fitted.safetensors')
    assert given['t'].sum(dim=(1, 2)).tolist() == [0, 7, 14]
    assert not given['d'].requires_grad  # the graphs of all images would be kept
    expected = fit_thresholds(*(given[name].flatten(-2) for name in 'dpt'))
    torch.testing.assert_close(read_weights(out)['state_dict']['fusion.theta'].double(), expected, rtol=1e-6, atol=1e-6)


class TestCropRegion:
    @pytest.fixture
    def results(self):
        image = np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)
        heads = make_heads([[10.5, 10.5], [30.0, 20.0], [59.5, 39.5]])
        return LoadHeads()(
            dict(img=image, img_shape=(40, 60), img_path='a.png', heads=heads, labels=np.zeros(3, np.int64))
        )

    @staticmethod
    def transform(tmp_path, regions) -> CropRegion:
        (tmp_path / 'regions.json').write_text(json.dumps(dict(weights='', regions=regions)))
        return CropRegion(tmp_path / 'regions.json', context=0)

    def test_a_region_is_enlarged_with_its_heads(self, results, tmp_path):
        cut = self.transform(tmp_path, {'a.png': [[8, 0, 32, 24]]})(results)
        assert cut['img'].shape == (48, 48, 3)
        assert cut['img_shape'] == (48, 48)
        assert cut['gt_bboxes'].points.tolist() == [[5, 21], [44, 40]]

    def test_without_a_region_all_of_it_is(self, results, tmp_path):
        cut = self.transform(tmp_path, {'a.png': []})(results)
        assert cut['img'].shape == (80, 120, 3)
        assert len(cut['gt_bboxes']) == 3

    @pytest.mark.parametrize('region', [[[4, 0, 16, 12]], []])
    def test_an_image_that_was_resized_before(self, results, tmp_path, region: list):
        results['scale_factor'] = (2.0, 2.0)  # the image of 40 x 60 was 20 x 30
        cut = self.transform(tmp_path, {'a.png': region})(results)
        assert cut['img'].shape == ((48, 48, 3) if region else (80, 120, 3))
        assert cut['gt_bboxes'].points.tolist()[0] == ([5, 21] if region else [21, 21])

    @pytest.mark.parametrize(
        ('regions', 'message'), [({}, 'nothing about a.png'), ({'a.png': [[0, 0, 61, 8]]}, 'lies beyond its 60 x 40')]
    )
    def test_bad_regions(self, results, tmp_path, regions: dict, message: str):
        with pytest.raises(ValueError, match=message):
            self.transform(tmp_path, regions)(results)

    def test_bad_files(self, results, tmp_path):
        with pytest.raises(FileNotFoundError):
            CropRegion(tmp_path / 'nowhere.json')(results)
        (tmp_path / 'bad.json').write_text('[]')
        with pytest.raises(ValueError, match=r'bad\.json: expected a file of regions'):
            CropRegion(tmp_path / 'bad.json')(results)


STAGE = """
_base_ = './whole.py'
model = dict(_delete_=True, {model})
train_dataloader = dict(dataset=dict(pipeline={pipeline}))
"""


def write_chain(folder, cfg) -> str:
    """Configs of the whole network and of its stages."""
    load = [dict(type='LoadImageFromFile'), dict(type='mmcrowd.LoadHeads')]
    crop = [dict(type='mmcrowd.RandomScaleCrop', crop_size=(32, 32))]
    encode = [
        dict(type='mmcrowd.EncodeTargets', codec=dict(type=f'mmcrowd.{kind}', **codec), field=field)
        for kind, codec, field in [
            ('DensityCodec', dict(stride=8, sigma=4), 'gt_density'),
            ('CrossCodec', dict(threshold=0.3), 'gt_cross'),
            ('AttentionCodec', dict(stride=8), 'gt_attention'),
        ]
    ]
    pack = [dict(type='mmcrowd.PackCrowdInputs')]
    data = cfg.train_dataloader.dataset.to_dict()
    loader = dict(batch_size=1, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False), dataset=data)
    model = cfg.model.to_dict()
    model['density_head'].update(
        losses=dict(density=dict(type='mmcrowd.MapRMSELoss')),
        field='gt_density',
        codec=dict(type='mmcrowd.DensityCodec', stride=8, sigma=4),
    )
    whole = Config(
        dict(
            default_scope='mmdet',
            custom_imports=dict(imports=['mmcrowd']),
            runner_type='mmcrowd.CrowdRunner',
            default_hooks=dict(checkpoint=dict(type='mmcrowd.CrowdCheckpointHook', interval=1)),
            experiment_name=folder.name,
            model=model,
            train_dataloader=loader,
            test_dataloader=loader,
            train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=1),
            test_cfg=dict(type='TestLoop'),
            optim_wrapper=dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=1e-3)),
            test_evaluator=dict(type='mmcrowd.CrowdCountingMetric'),
        )
    )
    whole.dump(folder / 'whole.py')
    main = {k: v for k, v in model.items() if k != 'zoom_net'} | dict(fusion=dict(model['fusion'], mode='average'))
    zoom = {k: v for k, v in main.items() if k not in ('density_neck', 'density_head', 'fusion')} | parts(4)
    branches = {'density', 'localization', 'attention', 'backbone'}
    trained = dict(zip(STAGES[:3], ({'density', 'backbone'}, {'localization'}, {'attention'}), strict=True))
    for stage in STAGES:
        last = stage == STAGES[3]
        params = zoom if last else dict(main, frozen=sorted(branches - trained[stage]))
        resize = dict(type='mmcrowd.ClampSides', max_side=2048, min_side=48)  # regions are those of the originals
        steps = [*load, resize, dict(type='mmcrowd.CropRegion', regions='none.json')] if last else load
        pipeline = [*steps, *crop, *encode[1 if last else 0 :], *pack]
        text = STAGE.format(model=', '.join(f'{k}={v!r}' for k, v in params.items()), pipeline=pipeline)
        (folder / f'whole_{stage}.py').write_text(text)
    return str(folder / 'whole.py')


def test_the_chain_goes_on_behind_what_is_done(task, monkeypatch):
    cfg, folder = task
    config = write_chain(folder, cfg)
    trained = []
    launch = raz_chain.launch_training

    def train(path, work_dir, **given):
        trained.append(path.rsplit('_', 1)[1])
        if len(trained) == 3:
            raise KeyboardInterrupt
        return launch(path, work_dir, **given)

    monkeypatch.setattr(raz_chain, 'launch_training', train)
    with pytest.raises(KeyboardInterrupt):
        raz_chain.train_raz_net(config, folder / 'run')
    metrics = raz_chain.train_raz_net(config, folder / 'run')
    assert trained == ['1-counting.py', '2-localization.py', '3-zooming.py', '3-zooming.py', '4-zoom-net.py']
    assert np.isfinite(metrics['crowd/mae'])
    state = read_weights(folder / 'run' / 'raz_net.safetensors')['state_dict']
    main = read_weights(folder / 'run' / '3-zooming' / 'done.safetensors')['state_dict']
    zoom = read_weights(folder / 'run' / '4-zoom-net' / 'done.safetensors')['state_dict']
    assert bool(state['fusion.fitted'])
    assert all(torch.equal(state[name], value) for name, value in main.items() if not name.startswith('fusion.'))
    assert all(torch.equal(state[f'zoom_net.{name}'], value) for name, value in zoom.items())
    assert raz_chain.train_raz_net(config, folder / 'run') == metrics
    assert len(trained) == 5


def test_a_stage_without_config_is_named(task):
    cfg, folder = task
    write_chain(folder, cfg)
    (folder / 'whole_3-zooming.py').unlink()
    with pytest.raises(FileNotFoundError, match=r'whole_3-zooming\.py: the config of this stage is missing'):
        raz_chain.train_raz_net(folder / 'whole.py', folder / 'run')
