"""Deep layer aggregation: DLA-34."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmcv.cnn import build_norm_layer
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmcrowd.registry import MODELS


def _conv_norm(
    in_channels: int, out_channels: int, kernel: int, norm_cfg: dict, stride: int = 1, relu: bool = True
) -> nn.Sequential:
    conv = nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, bias=False)
    layers = [conv, build_norm_layer(norm_cfg, out_channels)[1]]
    return nn.Sequential(*layers, nn.ReLU(inplace=True)) if relu else nn.Sequential(*layers)


class DLABlock(BaseModule):
    """Two 3x3 convolutions and a shortcut that comes from outside.

    Args:
        in_channels (int): Channels of the input.
        out_channels (int): Channels of the output.
        stride (int): Stride of the first convolution.
        norm_cfg (dict): Normalisation layer.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, norm_cfg: dict) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
        self.bn1 = build_norm_layer(norm_cfg, out_channels)[1]
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False)
        self.bn2 = build_norm_layer(norm_cfg, out_channels)[1]
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor, shortcut: Tensor) -> Tensor:
        """(B, C, h, w) and a shortcut of the output's shape -> (B, C', h / stride, w / stride)."""
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(y + shortcut)


class DLARoot(BaseModule):
    """Aggregation node: a 1x1 convolution over all its children.

    Args:
        in_channels (int): Sum of the children's channels.
        out_channels (int): Channels of the output.
        norm_cfg (dict): Normalisation layer.
    """

    def __init__(self, in_channels: int, out_channels: int, norm_cfg: dict) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 1, bias=False)
        self.bn = build_norm_layer(norm_cfg, out_channels)[1]
        self.relu = nn.ReLU(inplace=True)

    def forward(self, *children: Tensor) -> Tensor:
        """Maps of one size -> (B, out_channels, h, w)."""
        return self.relu(self.bn(self.conv(torch.cat(children, dim=1))))


class DLATree(BaseModule):
    """Hierarchical aggregation: two subtrees, blocks at the bottom, whose outputs meet in the root of the last one.

    Args:
        levels (int): Height of the tree; 1 holds two blocks.
        in_channels (int): Channels of the input.
        out_channels (int): Channels of the output.
        norm_cfg (dict): Normalisation layer.
        stride (int): Downsampling factor.
        level_root (bool): Whether the downsampled input is a child of the root, too.
        carried_channels (int): Channels of the children that come from the trees above.
        unused_projections (bool): See :class:`DLA`.
    """

    def __init__(
        self,
        levels: int,
        in_channels: int,
        out_channels: int,
        norm_cfg: dict,
        stride: int = 1,
        level_root: bool = False,
        carried_channels: int = 0,
        unused_projections: bool = False,
    ) -> None:
        super().__init__()
        self.levels, self.level_root = levels, level_root
        carried_channels += in_channels if level_root else 0
        self.downsample = nn.MaxPool2d(stride) if stride > 1 else nn.Identity()
        self.project = nn.Identity()
        if in_channels != out_channels and (levels == 1 or unused_projections):
            self.project = _conv_norm(in_channels, out_channels, 1, norm_cfg, relu=False)
        if levels == 1:
            self.tree1 = DLABlock(in_channels, out_channels, stride, norm_cfg)
            self.tree2 = DLABlock(out_channels, out_channels, 1, norm_cfg)
            self.root = DLARoot(2 * out_channels + carried_channels, out_channels, norm_cfg)
        else:
            self.tree1 = DLATree(
                levels - 1, in_channels, out_channels, norm_cfg, stride, unused_projections=unused_projections
            )
            self.tree2 = DLATree(
                levels - 1,
                out_channels,
                out_channels,
                norm_cfg,
                carried_channels=carried_channels + out_channels,
                unused_projections=unused_projections,
            )

    def forward(self, x: Tensor, carried: tuple[Tensor, ...] = ()) -> Tensor:
        """(B, C, h, w) and the children from above -> (B, C', h / stride, w / stride)."""
        if self.level_root or self.levels == 1:
            bottom = self.downsample(x)
        if self.level_root:
            carried = (*carried, bottom)
        if self.levels > 1:
            first = self.tree1(x)
            return self.tree2(first, (*carried, first))
        first = self.tree1(x, self.project(bottom))
        return self.root(self.tree2(first, first), first, *carried)


@MODELS.register_module()
class DLA(BaseModule):
    """Deep layer aggregation network, DLA-34 by default.

    Source: Yu et al., "Deep Layer Aggregation". Six levels of strides 1, 2, 4, 8, 16 and 32; 15,229,104 parameters.
    Names of parameters are those of the released ImageNet weights, so ``init_cfg=dict(type='Pretrained',
    checkpoint=...)`` loads them (the classifier ``fc`` is left out).

    Args:
        levels (sequence of int): Convolutions of the first two levels and heights of the trees of the other four.
        channels (sequence of int): Width of each level.
        out_indices (sequence of int): Levels to return, finest first.
        in_channels (int): Image channels.
        unused_projections (bool): Also hold the two projections (41,728 parameters) that the released network has but
            never uses, for checkpoints of that very network. Distributed training then needs
            ``find_unused_parameters=True``.
        norm_cfg (dict): Normalisation layer.
        init_cfg (dict or list, optional): Initialisation; default: He's normal by fan-out.
    """

    optional_keys = (r'level\d\.(tree\d\.)*project\.',)
    """Regular expressions of names in published weights that this network may do without."""

    def __init__(
        self,
        levels: Sequence[int] = (1, 1, 1, 2, 2, 1),
        channels: Sequence[int] = (16, 32, 64, 128, 256, 512),
        out_indices: Sequence[int] = (2, 3, 4, 5),
        in_channels: int = 3,
        unused_projections: bool = False,
        norm_cfg: dict = dict(type='BN'),
        init_cfg: dict | list | None = dict(type='Kaiming', layer='Conv2d'),
    ) -> None:
        if len(levels) != 6 or len(channels) != 6:
            raise ValueError(f'DLA: needs 6 levels and 6 widths, got {len(levels)} and {len(channels)}')
        if list(out_indices) != sorted(set(out_indices)) or not set(out_indices) <= set(range(6)):
            raise ValueError(f'DLA: out_indices must be ascending levels of 0 to 5, got {tuple(out_indices)}')
        super().__init__(init_cfg)
        self.out_indices = tuple(out_indices)
        self.out_channels = tuple(channels[i] for i in out_indices)
        self.strides = tuple(2**i for i in out_indices)
        self.base_layer = _conv_norm(in_channels, channels[0], 7, norm_cfg)
        for i, (depth, width) in enumerate(zip(levels, channels, strict=True)):
            before = channels[max(i - 1, 0)]
            if i < 2:
                convs = [
                    _conv_norm(before if j == 0 else width, width, 3, norm_cfg, 1 + (i == 1 and j == 0))
                    for j in range(depth)
                ]
                level = nn.Sequential(*(layer for conv in convs for layer in conv))
            else:
                level = DLATree(
                    depth, before, width, norm_cfg, 2, level_root=i > 2, unused_projections=unused_projections
                )
            self.add_module(f'level{i}', level)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Features of an image.

        Args:
            x (Tensor): (B, in_channels, H, W).

        Returns:
            tuple[Tensor, ...]: (B, channels[i], H / 2^i, W / 2^i) for each i of ``out_indices``.
        """
        x = self.base_layer(x)
        outputs = []
        for i in range(self.out_indices[-1] + 1):
            x = getattr(self, f'level{i}')(x)
            if i in self.out_indices:
                outputs.append(x)
        return tuple(outputs)
