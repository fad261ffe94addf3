"""A compact residual backbone for crowds with a space-to-depth stem."""

from __future__ import annotations

from collections.abc import Sequence

from mmcv.cnn import ConvModule, build_norm_layer
from mmengine.model import BaseModule, ModuleList, Sequential
from torch import Tensor, nn

from mmcrowd.registry import MODELS


class ResidualBlock(BaseModule):
    """Two 3x3 convolutions and a shortcut, same width and size.

    Args:
        channels (int): Width.
        norm_cfg (dict): Normalisation layer.
    """

    def __init__(self, channels: int, norm_cfg: dict) -> None:
        super().__init__()
        self.conv1 = ConvModule(channels, channels, 3, padding=1, norm_cfg=norm_cfg)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = build_norm_layer(norm_cfg, channels)[1]
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, C, h, w)."""
        return self.relu(x + self.norm2(self.conv2(self.conv1(x))))


@MODELS.register_module()
class SpaceToDepthResNet(BaseModule):
    """Residual network that starts at stride 2 without losing a pixel.

    Every 2x2 block of the image becomes 12 channels, so that no layer works at full resolution. Level i has stride
    ``2 * 2**i``. There is neither global pooling nor dilation: the output at a place depends on a bounded
    neighbourhood, which makes tiled prediction exact.

    Args:
        channels (sequence of int): Width of each level, finest first.
        blocks (sequence of int): Residual blocks of each level.
        in_channels (int): Image channels.
        norm_cfg (dict): Normalisation layer.
        init_cfg (dict, optional): Initialisation.
    """

    def __init__(
        self,
        channels: Sequence[int] = (32, 64, 128, 192, 256),
        blocks: Sequence[int] = (0, 2, 2, 2, 1),
        in_channels: int = 3,
        norm_cfg: dict = dict(type='BN'),
        init_cfg: dict | None = None,
    ) -> None:
        if len(channels) != len(blocks):
            raise ValueError(f'SpaceToDepthResNet: {len(channels)} widths but {len(blocks)} block numbers')
        super().__init__(init_cfg)
        self.out_channels = tuple(channels)
        self.strides = tuple(2 ** (i + 1) for i in range(len(channels)))
        self.stages = ModuleList()
        for i, (width, depth) in enumerate(zip(channels, blocks, strict=True)):
            if i == 0:
                entry = [nn.PixelUnshuffle(2), ConvModule(4 * in_channels, width, 3, padding=1, norm_cfg=norm_cfg)]
            else:
                entry = [ConvModule(channels[i - 1], width, 3, stride=2, padding=1, norm_cfg=norm_cfg)]
            self.stages.append(Sequential(*entry, *(ResidualBlock(width, norm_cfg) for _ in range(depth))))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """(B, in_channels, H, W), sides even -> one map per level, finest first."""
        outputs = []
        for stage in self.stages:
            x = stage(x)
            outputs.append(x)
        return tuple(outputs)
