"""MaskFocalLoss inside mmdet: its own heads, its own configs and its own train script, none of them changed."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import cv2
import mmdet
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.structures import InstanceData

from mmcrowd.registry import MODELS

MIM = Path(mmdet.__file__).parent / '.mim'
CONFIGS = dict(
    fcos='fcos/fcos_r50-caffe_fpn_gn-head_1x_coco.py',
    retinanet='retinanet/retinanet_r18_fpn_1x_coco.py',
    foveabox='foveabox/fovea_r50_fpn_4xb4-1x_coco.py',
    yolox='yolox/yolox_tiny_8xb8-300e_coco.py',
)
MFL = dict(type='mmcrowd.MaskFocalLoss', use_sigmoid=True)
SHAPE = (64, 96)


def shipped_config(name: str) -> Path:
    path = MIM / 'configs' / name
    if not path.is_file():
        pytest.skip(f'this mmdet ships no {path}')
    return path


def build_head(detector: str, **losses):
    """The head of a shipped config, with one class, narrow layers and other losses; the same weights every time."""
    model = Config.fromfile(shipped_config(CONFIGS[detector])).model
    head = dict(model.bbox_head, num_classes=1, in_channels=32, feat_channels=32, **losses)
    torch.manual_seed(0)
    head = MODELS.build(dict(head, train_cfg=model.get('train_cfg'), test_cfg=model.test_cfg))
    head.init_weights()
    return head


def head_losses(head, heads_per_image: tuple[int, ...] = (7, 3), dtype: torch.dtype = torch.float32):
    """Losses of random features and boxes."""
    rng = torch.Generator().manual_seed(1)
    strides = head.prior_generator.strides if hasattr(head, 'prior_generator') else head.strides
    size = len(heads_per_image)
    feats = [
        torch.randn(size, 32, math.ceil(SHAPE[0] / s), math.ceil(SHAPE[1] / s), generator=rng)
        for s, _ in (pair if isinstance(pair, tuple) else (pair, pair) for pair in strides)
    ]
    images = []
    for count in heads_per_image:
        corner = torch.rand(count, 2, generator=rng) * torch.tensor([60.0, 30.0])
        sides = 10 + 20 * torch.rand(count, 2, generator=rng)
        labels = torch.zeros(count, dtype=torch.long)
        images.append(InstanceData(bboxes=torch.cat([corner, corner + sides], 1), labels=labels))
    metas = [dict(img_shape=SHAPE, pad_shape=SHAPE, scale_factor=(1.0, 1.0))] * size
    with torch.autocast('cpu', torch.bfloat16, enabled=dtype == torch.bfloat16):
        return head.loss_by_feat(*head(feats), images, metas)


def total(loss) -> torch.Tensor:
    """Sum of a loss that some heads report per level."""
    return sum(loss) if isinstance(loss, list) else loss


def loss_name(detector: str) -> str:
    return 'loss_obj' if detector == 'yolox' else 'loss_cls'


def replaced(detector: str, **options) -> dict:
    """The loss that decides between foreground and background."""
    reduction = dict(reduction='sum') if detector == 'yolox' else {}
    return {loss_name(detector): dict(MFL, **reduction, **options)}


@pytest.mark.parametrize('detector', CONFIGS)
class TestStockHeads:
    def test_a_focal_loss_of_mmdet_is_a_special_case(self, detector: str):
        if detector == 'yolox':
            ours, theirs = dict(gamma=0, beta=0, poly=0), {}  # cross entropy, as shipped
        else:
            ours = dict(gamma=2, beta=0, poly=0)
            theirs = dict(loss_cls=dict(type='FocalLoss', use_sigmoid=True, alpha=0.5, loss_weight=2.0))
        got = head_losses(build_head(detector, **replaced(detector, **ours)))
        expected = head_losses(build_head(detector, **theirs))
        assert got.keys() == expected.keys()
        for name, value in got.items():
            assert total(value).item() == pytest.approx(total(expected[name]).item(), rel=1e-5), name

    @pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
    @pytest.mark.parametrize('heads', [(7, 3), (4, 0), (0, 0)])
    def test_one_channel_learns(self, detector: str, heads: tuple[int, int], dtype: torch.dtype):
        head = build_head(detector, **replaced(detector))
        assert head.cls_out_channels == 1
        loss = total(head_losses(head, heads, dtype)[loss_name(detector)])
        loss.backward()
        assert loss.dtype == torch.float32
        assert loss.item() > 0
        grads = [p.grad for p in head.parameters() if p.grad is not None]
        assert all(torch.isfinite(g).all() for g in grads)
        assert any(g.abs().sum() > 0 for g in grads)

    def test_forgotten_use_sigmoid(self, detector: str):
        with pytest.raises(ValueError, match='write use_sigmoid=True'):
            build_head(detector, **{loss_name(detector): dict(type='mmcrowd.MaskFocalLoss')})


@pytest.fixture(scope='module')
def coco_folder(tmp_path_factory) -> Path:
    """Four small images, one of them without heads, in COCO's format."""
    folder = tmp_path_factory.mktemp('heads')
    rng = np.random.default_rng(0)
    images, annotations = [], []
    for i, count in enumerate((6, 9, 0, 3)):
        cv2.imwrite(str(folder / f'{i}.png'), rng.integers(0, 255, (*SHAPE, 3), dtype=np.uint8))
        images.append(dict(id=i, file_name=f'{i}.png', height=SHAPE[0], width=SHAPE[1]))
        for x, y in rng.integers(0, (76, 44), (count, 2)).tolist():
            box = dict(id=len(annotations), image_id=i, category_id=1, bbox=[x, y, 20, 20], area=400, iscrowd=0)
            annotations.append(box)
    heads = dict(images=images, annotations=annotations, categories=[dict(id=1, name='head')])
    (folder / 'heads.json').write_text(json.dumps(heads))
    return folder


def train(config: Path, work_dir: Path, folder: Path, options: list[str]) -> tuple[dict, dict]:
    """Run mmdet's train script for an epoch of two steps; the last logged losses and the weights."""
    script = MIM / 'tools' / 'train.py'
    if not script.is_file():
        pytest.skip(f'this mmdet ships no {script}')
    dataset = 'train_dataloader.dataset'
    options = [
        *options,
        'model.bbox_head.num_classes=1',
        f'{dataset}.metainfo.classes=[head]',
        f'{dataset}.data_root={folder}',
        f'{dataset}.ann_file=heads.json',
        f'{dataset}.data_prefix.img=',
        f'{dataset}.filter_cfg.filter_empty_gt=False',
        f'{dataset}.pipeline.2.scale=({SHAPE[1]},{SHAPE[0]})',
        'train_dataloader.num_workers=0',
        'train_dataloader.persistent_workers=False',
        'val_cfg=None',
        'val_dataloader=None',
        'val_evaluator=None',
        'train_cfg.max_epochs=1',
        'default_hooks.logger.interval=1',
        # narrow layers, random weights
        'model.backbone.init_cfg=None',
        'model.backbone.base_channels=4',
        'model.neck.out_channels=32',
        'model.bbox_head.in_channels=32',
        'model.bbox_head.feat_channels=32',
    ]
    command = [sys.executable, str(script), str(config), '--work-dir', str(work_dir), '--cfg-options', *options]
    env = {**os.environ, 'OMP_NUM_THREADS': str(torch.get_num_threads())}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    scalars = next(work_dir.glob('*/vis_data/scalars.json')).read_text().splitlines()
    return json.loads(scalars[-1]), torch.load(work_dir / 'epoch_1.pth', weights_only=False)['state_dict']


def test_train_script_with_the_loss_given_on_the_command_line(tmp_path, coco_folder):
    """The config file is the shipped one; ``_delete_`` drops the options of the loss that is replaced."""
    loss = 'model.bbox_head.loss_cls'
    options = [
        f'{loss}._delete_=True',
        f'{loss}.type=mmcrowd.MaskFocalLoss',
        f'{loss}.use_sigmoid=True',
        'model.neck.in_channels=[4,8,16,32]',
    ]
    scalars, weights = train(shipped_config(CONFIGS['retinanet']), tmp_path, coco_folder, options)
    assert 0 < scalars['loss_cls'] < math.inf
    assert weights['bbox_head.retina_cls.weight'].shape[0] == 9, 'one channel for each of 9 anchors'


def test_train_script_with_a_config_that_inherits(tmp_path, coco_folder):
    shipped_config(CONFIGS['fcos'])
    config = tmp_path / 'fcos_mfl.py'
    config.write_text(f"""
_base_ = 'mmdet::{CONFIGS['fcos']}'
custom_imports = dict(imports=['mmcrowd'], allow_failed_imports=False)
model = dict(bbox_head=dict(loss_cls=dict(_delete_=True, type='mmcrowd.MaskFocalLoss', use_sigmoid=True)))
""")
    scalars, weights = train(config, tmp_path / 'run', coco_folder, ['model.neck.in_channels=[16,32,64,128]'])
    assert 0 < scalars['loss_cls'] < math.inf
    assert weights['bbox_head.conv_cls.weight'].shape[0] == 1


def test_box_heads_of_rois_are_refused():
    """Their channel for the background would silently become a class."""
    head = dict(type='Shared2FCBBoxHead', in_channels=8, fc_out_channels=8, roi_feat_size=3, num_classes=1)
    with pytest.raises(ValueError, match='MaskFocalLoss decides per class and cell in dense heads'):
        MODELS.build(dict(head, loss_cls=MFL))


def test_center_net_of_mmdet():
    """Its head gives the loss probabilities and a heat map; equation 3 is then its own Gaussian focal loss."""
    images = [InstanceData(bboxes=torch.tensor([[8.0, 8, 40, 40], [50, 20, 70, 44]]), labels=torch.zeros(2).long())]
    metas = [dict(img_shape=SHAPE, pad_shape=SHAPE, batch_input_shape=SHAPE, scale_factor=(1.0, 1.0))]

    def heat_loss(**loss) -> torch.Tensor:
        torch.manual_seed(0)
        head = MODELS.build(
            dict(type='CenterNetHead', in_channels=8, feat_channels=8, num_classes=1, loss_center_heatmap=loss)
        )
        feature = torch.rand(1, 8, SHAPE[0] // 4, SHAPE[1] // 4)
        return head.loss_by_feat(*head([feature]), images, metas)['loss_center_heatmap']

    equation_3 = dict(gamma=2.0, beta=0.0, poly=0.0, mask='peak', negative_beta=4.0)
    ours = heat_loss(**MFL, activated=True, **equation_3)
    assert ours.item() == pytest.approx(heat_loss(type='GaussianFocalLoss').item(), rel=1e-4)
    full = heat_loss(**MFL, activated=True)
    full.backward()
    assert 0 < full.item() < math.inf
