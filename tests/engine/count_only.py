"""A density model as small as can be: white pixels are heads, and one weight is what each of them counts."""

from collections.abc import Sequence

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.model import BaseModule
from torch import Tensor

from mmcrowd.codecs import BaseCodec, Decoded
from mmcrowd.models.dense_heads.map_head import CrowdMapHead
from mmcrowd.registry import CODECS, MODELS
from mmcrowd.utils.json_files import write_json


@CODECS.register_module(force=True)
class CellCountCodec(BaseCodec):
    """Heads per cell; counts, and knows no points."""

    names = ('density',)
    locates = False
    margin = 0

    def encode(self, points, boxes, shape):
        height, width = self.map_shape(shape)
        column, row = np.floor(np.asarray(points).reshape(-1, 2) / self.stride).astype(int).T
        inside = (column >= 0) & (row >= 0) & (column < width) & (row < height)
        density = np.zeros((1, height, width), np.float32)
        np.add.at(density[0], (row[inside], column[inside]), 1)
        return dict(density=density)

    def candidates(self, maps, shapes=None, core=None):
        counted = self.valid_cells(maps, shapes) & self.core_cells(maps, core)
        sums = (maps.double() * counted).flatten(1).sum(1)
        return [Decoded.of_count(total, dict(double=2 * total)) for total in sums]


@MODELS.register_module(force=True)
class PixelBackbone(BaseModule):
    """The image itself as the one level of features."""

    def forward(self, x: Tensor) -> tuple[Tensor]:
        return (x,)


@MODELS.register_module(force=True)
class WhiteDensityHead(CrowdMapHead):
    """White pixels per cell, times a weight that is learnt."""

    def __init__(self, weight: float = 1.0, **kwargs) -> None:
        super().__init__(**kwargs)
        self.weight = torch.nn.Parameter(torch.tensor(weight))

    def forward(self, x: Sequence[Tensor]) -> tuple[Tensor]:
        white = (x[0].amin(1, keepdim=True) > 250).float()
        return (self.weight * F.avg_pool2d(white, self.codec.stride) * self.codec.stride**2,)


CODEC = dict(type='mmcrowd.CellCountCodec', stride=8)


def model_config(weight: float = 1.0, **test_cfg) -> dict:
    return dict(
        type='mmcrowd.CrowdLocalizer',
        data_preprocessor=dict(type='mmcrowd.CrowdDataPreprocessor', pad_size_divisor=8),
        backbone=dict(type='mmcrowd.PixelBackbone'),
        bbox_head=dict(
            type='mmcrowd.WhiteDensityHead',
            weight=weight,
            codec=CODEC,
            losses=dict(map=dict(type='mmcrowd.MapMSELoss')),
        ),
        test_cfg=dict(tile=64, halo=8, **test_cfg),
    )


def write_crowd(folder, number: int = 3, shape: tuple[int, int] = (64, 96)) -> list[int]:
    """Photos ``images/<i>.png`` of black with 5 i white heads, and ``all.json``; returns the numbers of heads."""
    rng = np.random.default_rng(0)
    (folder / 'images').mkdir(parents=True)
    entries = []
    for i in range(number):
        cells = rng.choice(shape[0] * shape[1], 5 * i, replace=False)
        row, column = np.divmod(cells, shape[1])
        image = np.zeros((*shape, 3), np.uint8)
        image[row, column] = 255
        cv2.imwrite(str(folder / 'images' / f'{i}.png'), image)
        points = np.stack([column + 0.5, row + 0.5], 1)
        entries.append(dict(img_path=f'{i}.png', width=shape[1], height=shape[0], points=points.tolist()))
    write_json(folder / 'all.json', dict(metainfo=dict(classes=['head']), data_list=entries))
    return [5 * i for i in range(number)]


def run_config(folder) -> Config:
    """A config that trains and tests on what :func:`write_crowd` wrote."""

    def dataset(pipeline: list, **kwargs) -> dict:
        source = dict(ann_file='all.json', img_folder='images', format='json', data_root=str(folder))
        return dict(type='mmcrowd.CustomCrowd', pipeline=pipeline, **source, **kwargs)

    load = [dict(type='LoadImageFromFile'), dict(type='mmcrowd.LoadHeads')]
    train = [*load, dict(type='mmcrowd.EncodeTargets', codec=CODEC), dict(type='mmcrowd.PackCrowdInputs')]
    test = [*load, dict(type='mmcrowd.PackCrowdInputs', drop_outside=False)]
    metrics = [
        dict(type='mmcrowd.CrowdCountingMetric'),
        dict(type='mmcrowd.GAMEMetric', level=2),
        dict(type='mmcrowd.CrowdCountingMetric', count='pred_count_double', prefix='double'),
    ]
    loader = dict(batch_size=1, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False))
    return Config(
        dict(
            default_scope='mmdet',
            model=model_config(weight=0.5),
            train_dataloader=dict(loader, dataset=dataset(train)),
            val_dataloader=dict(loader, dataset=dataset(test, test_mode=True)),
            test_dataloader=dict(loader, dataset=dataset(test, test_mode=True)),
            val_evaluator=metrics,
            test_evaluator=metrics,
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.25)),
            train_cfg=dict(by_epoch=True, max_epochs=8, val_interval=4),
            val_cfg=dict(),
            test_cfg=dict(),
            default_hooks=dict(
                checkpoint=dict(type='mmcrowd.CrowdCheckpointHook', save_best='crowd/mae'),
                visualization=dict(type='mmcrowd.CrowdVisualizationHook'),
            ),
            custom_hooks=[dict(type='mmcrowd.CrowdEvaluationHook')],
            visualizer=dict(type='mmcrowd.CrowdLocalVisualizer'),
            log_level='WARNING',
        )
    )
