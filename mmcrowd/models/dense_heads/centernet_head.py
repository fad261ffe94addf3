"""CenterNet's head for one class: heat map, box sizes, offsets."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmdet.structures import SampleList
from torch import Tensor, nn

from mmcrowd.models.layers import Float32Conv2d
from mmcrowd.registry import MODELS

from .map_head import CrowdMapHead


@MODELS.register_module()
class CrowdCenterNetHead(CrowdMapHead):
    """Three branches that predict the maps of :class:`mmcrowd.codecs.HeadHeatmapCodec`.

    Source: Zhou et al., "Objects as Points". Each branch is a 3x3 convolution, ReLU and a 1x1 convolution; behind 64
    channels they have 444,421 parameters. There is no cap on the number of heads, neither in training nor in
    prediction.

    Sizes (in map cells) and offsets are learnt at the cells of the heads only. Their losses are means over both
    coordinates of all heads, the heat's loss is a sum over the map, ignored regions excepted, divided by the number of
    heads.

    Args:
        codec (dict): A HeadHeatmapCodec with the stride of the features.
        in_channels (int): Channels of the features.
        feat_channels (int): Width of the branches.
        loss_heat (dict): Loss of the heat map, called with ``(logits, target, weight=, avg_factor=)``.
        loss_size (dict): Loss of (N, 2) box widths and heights, called with ``(pred, target, avg_factor=)``.
        loss_offset (dict): The same of (N, 2) offsets inside the cell.
        **kwargs: Passed to :class:`CrowdMapHead`.
    """

    def __init__(
        self,
        codec: dict,
        in_channels: int = 64,
        feat_channels: int = 256,
        loss_heat: dict = dict(type='mmcrowd.MaskFocalLoss', use_sigmoid=True),
        loss_size: dict = dict(type='mmdet.L1Loss', loss_weight=0.1),
        loss_offset: dict = dict(type='mmdet.L1Loss', loss_weight=1.0),
        **kwargs,
    ) -> None:
        super().__init__(codec, dict(heat=loss_heat, size=loss_size, offset=loss_offset), **kwargs)
        if self.codec.names != ('heat', 'width', 'height', 'dx', 'dy'):
            raise ValueError(
                f'CrowdCenterNetHead predicts the maps of HeadHeatmapCodec, but its codec is '
                f'{type(self.codec).__name__} with the maps {list(self.codec.names)}'
            )
        self.in_channels = in_channels
        self.heat = self._branch(in_channels, feat_channels, 1)
        self.size = self._branch(in_channels, feat_channels, 2)
        self.offset = self._branch(in_channels, feat_channels, 2)
        # Every cell starts as background (probability 0.1), or the few heads would drown in its loss.
        nn.init.constant_(self.heat[-1].bias, -2.19)

    @staticmethod
    def _branch(in_channels: int, feat_channels: int, out_channels: int) -> nn.Sequential:
        layers = nn.Sequential(
            nn.Conv2d(in_channels, feat_channels, 3, padding=1),
            nn.ReLU(inplace=True),
            Float32Conv2d(feat_channels, out_channels, 1),
        )
        for conv in layers[::2]:
            nn.init.zeros_(conv.bias)
        return layers

    def forward(self, x: Sequence[Tensor]) -> tuple[Tensor]:
        """Features (B, C, h, w) of the neck's first level -> (B, 5, h, w): heat logits, then sizes and offsets in
        cells."""
        return (torch.cat([branch(x[0]) for branch in (self.heat, self.size, self.offset)], dim=1),)

    def to_maps(self, pred: Tensor) -> Tensor:
        """What :meth:`forward` predicts -> maps with heat as probabilities, float32."""
        pred = pred.float()
        return torch.cat([pred[:, :1].sigmoid(), pred[:, 1:]], dim=1)

    def loss_by_feat(self, pred: Tensor, batch_data_samples: SampleList) -> dict[str, Tensor]:
        """Losses of a batch; see :meth:`CrowdMapHead.loss_by_feat`.

        Args:
            pred (Tensor): (B, 5, h, w) as :meth:`forward` gives it.
            batch_data_samples (list[DetDataSample]): Targets.

        Returns:
            dict[str, Tensor]: ``loss_heat``, ``loss_size`` and ``loss_offset``, scalars.
        """
        maps = self.match_targets(pred, batch_data_samples)
        cells = maps.cells
        image = torch.cat([c.new_full((len(c),), i) for i, c in enumerate(cells)])
        col, row = torch.cat(cells).unbind(1)
        with torch.autocast(pred.device.type, enabled=False):
            pred, target, heads = maps.pred.float(), maps.target, maps.num_heads
            at_heads, wanted = pred[image, 1:, row, col], target[image, 1:, row, col]
            loss_heat, loss_size, loss_offset = (self.losses[f'loss_{name}'] for name in ('heat', 'size', 'offset'))
            return dict(
                loss_heat=loss_heat(pred[:, :1], target[:, :1], weight=maps.counted.float(), avg_factor=heads),
                loss_size=loss_size(at_heads[:, :2], wanted[:, :2], avg_factor=2 * heads),
                loss_offset=loss_offset(at_heads[:, 2:], wanted[:, 2:], avg_factor=2 * heads),
            )
