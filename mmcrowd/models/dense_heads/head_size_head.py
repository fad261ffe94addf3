"""Head of the head-scale network: how large the head at a given point is."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmdet.structures import SampleList
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmcrowd.codecs.numerics import sound_boxes
from mmcrowd.models.map_targets import heads_per_process
from mmcrowd.registry import MODELS


@MODELS.register_module()
class HeadSizeHead(BaseModule):
    """Predicts a map of log head sizes, which is read at points that are known.

    Follows the supplement of Gao et al., "Learning Independent Instance Maps for Crowd Localization", where a network
    trained on boxes regresses the logarithm of a head's area to give point-only data boxes. Here width and height are
    regressed; the map is compared and read between its cells, bilinearly, at the heads' points, so there is no target
    map to draw.

    Args:
        in_channels (int): Channels of the features.
        feat_channels (int): Width of the hidden layer.
        stride (int): Input pixels per cell of the features.
        base_size (float): Size in pixels that an output of 0 stands for.
        loss_size (dict): Loss of (N, 2) log sizes, called with ``(pred, target, avg_factor=)``.
        norm_cfg (dict): Normalisation of the hidden layer.
        train_cfg (dict, optional): Not used; part of mmdet's head signature.
        test_cfg (dict, optional): Not used; part of mmdet's head signature.
        init_cfg (dict, optional): Initialisation.
    """

    num_classes: int = 1

    def __init__(
        self,
        in_channels: int = 64,
        feat_channels: int = 64,
        stride: int = 8,
        base_size: float = 16.0,
        loss_size: dict = dict(type='mmdet.SmoothL1Loss', beta=0.1),
        norm_cfg: dict = dict(type='BN'),
        train_cfg: dict | None = None,
        test_cfg: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.layers = nn.Sequential(
            ConvModule(in_channels, feat_channels, 3, padding=1, norm_cfg=norm_cfg), nn.Conv2d(feat_channels, 2, 1)
        )
        self.in_channels = in_channels
        self.stride, self.base_size = stride, base_size
        self.loss_size = MODELS.build(loss_size)

    def forward(self, x: Sequence[Tensor]) -> tuple[Tensor]:
        """Features (B, C, h, w) of the neck's first level -> (B, 2, h, w) float32: log width and log height."""
        return (self.layers(x[0]).float() + math.log(self.base_size),)

    def read(self, log_sizes: Tensor, points: Tensor) -> Tensor:
        """Read the map of one image at points.

        Args:
            log_sizes (Tensor): (2, h, w).
            points (Tensor): (N, 2) xy, pixels of the network's input; beyond the map its border counts.

        Returns:
            Tensor: (N, 2) log width and log height.
        """
        if not len(points):
            return log_sizes.new_zeros((0, 2))
        extent = points.new_tensor(log_sizes.shape[:0:-1]) * self.stride
        grid = (2 * points / extent - 1).to(log_sizes.dtype)
        read = F.grid_sample(log_sizes[None], grid[None, None], padding_mode='border', align_corners=False)
        return read[0, :, 0].T

    def loss(self, x: Sequence[Tensor], batch_data_samples: SampleList) -> dict[str, Tensor]:
        """Loss of a batch; heads without a box carry none.

        Args:
            x (sequence of Tensor): Features of the neck.
            batch_data_samples (list[DetDataSample]): With ``gt_instances.points`` (N, 2) and ``.bboxes`` (N, 4, NaN
                where unknown), pixels of the network's input.

        Returns:
            dict[str, Tensor]: Scalar ``loss_size``, the mean over both sides of all heads, and without gradient
            ``size_error``, the mean of ``|log(predicted / annotated)|``.
        """
        (pred,) = self(x)
        with torch.autocast(pred.device.type, enabled=False):
            found, wanted = [], []
            for log_sizes, sample in zip(pred, batch_data_samples, strict=True):
                heads = sample.gt_instances
                boxes = getattr(heads.bboxes, 'tensor', heads.bboxes).float()
                sizes = boxes[:, 2:] - boxes[:, :2]
                known = sound_boxes(boxes)
                found.append(self.read(log_sizes, heads.points[known].float()))
                wanted.append(sizes[known].log())
            found, wanted = torch.cat(found), torch.cat(wanted)
            number = heads_per_process(len(found), pred.device)
            loss = self.loss_size(found, wanted, avg_factor=2 * number) if len(found) else pred.sum() * 0
            error = (found.detach() - wanted).abs().sum() / (2 * number)
        return dict(loss_size=loss, size_error=error)
