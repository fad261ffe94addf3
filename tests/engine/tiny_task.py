"""The smallest task a Runner can train: a convolution, dropout and group normalization on noise.

Imported by name through ``custom_imports``, also by the tools when a test starts them as processes.
"""

import torch
from mmdet.structures import DetDataSample
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from torch import nn
from torch.utils.data import Dataset

from mmcrowd.registry import DATASETS, METRICS, MODELS


@DATASETS.register_module()
class TinyDataset(Dataset):
    """Noise images ``(3, 8, 8)`` whose target is their mean; ``poison`` is the index of an image of NaN."""

    def __init__(self, length=8, poison=None):
        self.length, self.poison = length, poison

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        image = torch.randn(3, 8, 8, generator=torch.Generator().manual_seed(int(index)))
        if index == self.poison:
            image.fill_(float('nan'))
        metainfo = dict(img_path=f'tiny/{index}.jpg', img_id=int(index), ori_shape=(8, 8))
        return dict(inputs=image, data_samples=DetDataSample(metainfo=metainfo))


@MODELS.register_module()
class TinyModel(BaseModel):
    """Regress the mean of the image.

    By default without batch statistics: a sample's gradient does not depend on its batch.
    """

    def __init__(self, dropout=0.0, batch_norm=False):
        super().__init__()
        norm = nn.BatchNorm2d(4) if batch_norm else nn.GroupNorm(2, 4)
        self.layers = nn.Sequential(nn.Conv2d(3, 4, 3), norm, nn.ReLU(), nn.Dropout(dropout), nn.Conv2d(4, 1, 1))

    def init_weights(self):
        generator = torch.Generator().manual_seed(0)
        for parameter in self.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator) * 0.3

    def forward(self, inputs, data_samples, mode='tensor'):
        images = torch.stack(list(inputs))
        predicted = self.layers(images).mean(dim=(1, 2, 3))
        if mode == 'predict':
            return [
                DetDataSample(metainfo=s.metainfo, pred_count=p) for s, p in zip(data_samples, predicted, strict=True)
            ]
        return dict(loss_mean=(predicted.float() - images.mean(dim=(1, 2, 3))).square().mean())


@METRICS.register_module()
class TinyMetric(BaseMetric):
    """Mean of the predictions, as ``crowd/mae``; ``crowd/f1`` jumps from validation to validation."""

    def process(self, data_batch, data_samples):
        self.results += [float(s['pred_count']) for s in data_samples]

    def compute_metrics(self, results):
        mean = sum(results) / len(results)
        return {'crowd/mae': mean, 'crowd/f1': 1000 * mean % 1, 'images': float(len(results))}
