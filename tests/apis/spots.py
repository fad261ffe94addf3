"""A model without weights that finds white pixels, and its config: everything around a network, without one."""

import numpy as np
import torch
from mmdet.models.detectors.base import BaseDetector
from mmengine.config import Config
from mmengine.structures import InstanceData, PixelData

from mmcrowd.registry import MODELS


@MODELS.register_module(force=True)
class WhiteSpots(BaseDetector):
    """Each white pixel of the network's input is a head with score 0.9, each light gray one (at least 150) with 0.4.

    Args:
        count_only: Predict only a count, half a head more than the white pixels.
        boxes_only: Predict boxes and no points, as an mmdet detector does.
    """

    def __init__(self, count_only=False, boxes_only=False, test_cfg=None, data_preprocessor=None, init_cfg=None):
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        self.bias = torch.nn.Parameter(torch.zeros(1))
        self.count_only = count_only
        self.boxes_only = boxes_only
        self.test_cfg = test_cfg

    def predict(self, batch_inputs, batch_data_samples, rescale=True):
        for image, sample in zip(batch_inputs, batch_data_samples, strict=True):
            level = image.min(dim=0).values
            white = level > 250
            if self.count_only:
                sample.set_field(white.sum() + 0.5, 'pred_count')
                continue
            y, x = torch.nonzero(level >= 150, as_tuple=True)
            scale = torch.tensor(sample.metainfo['scale_factor'])
            points = (torch.stack([x, y], dim=1) + 0.5) / scale
            pred = InstanceData(
                scores=torch.where(white[y, x], 0.9, 0.4), labels=torch.zeros_like(x), bboxes=points.repeat(1, 2)
            )
            pred.bboxes += torch.tensor([-1.0, -1, 1, 1])
            if not self.boxes_only:
                pred.points = points
                pred.bboxes[~white[y, x]] = torch.nan
            sample.pred_instances = pred
            if (self.test_cfg or {}).get('return_maps'):
                sample.set_field(PixelData(white=white[None].float()), 'pred_map', dtype=PixelData)
        return batch_data_samples

    def loss(self, batch_inputs, batch_data_samples):
        return dict(loss=self.bias.sum())

    def _forward(self, batch_inputs, batch_data_samples=None):
        return batch_inputs

    def extract_feat(self, batch_inputs):
        return batch_inputs


def spots_config(resize: float | None = None, **model) -> Config:
    """A config as people write it: its test pipeline loads images and annotations."""
    pipeline = [
        dict(type='LoadImageFromFile'),
        *([dict(type='Resize', scale_factor=resize, interpolation='nearest')] if resize else []),
        dict(type='mmcrowd.LoadHeads'),
        dict(type='mmcrowd.PackCrowdInputs', drop_outside=False),
    ]
    preprocessor = dict(type='DetDataPreprocessor', bgr_to_rgb=True, pad_size_divisor=32)
    return Config(
        dict(
            default_scope='mmdet',
            model=dict(type='mmcrowd.WhiteSpots', data_preprocessor=preprocessor, **model),
            test_dataloader=dict(dataset=dict(type='mmcrowd.CrowdDataset', pipeline=pipeline)),
        )
    )


def spots_image(white: list, gray: list = (), shape: tuple = (40, 70)) -> np.ndarray:
    """A black BGR image with white and light gray pixels at the given (x, y)."""
    image = np.zeros((*shape, 3), np.uint8)
    for points, level in ((white, 255), (gray, 180)):
        for x, y in points:
            image[y, x] = level
    return image
