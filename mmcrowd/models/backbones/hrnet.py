"""HRNet for dense crowd maps: any input size, bilinear or nearest fusion."""

from __future__ import annotations

import torch.nn.functional as F
from mmdet.models.backbones import HRNet
from mmdet.models.backbones.hrnet import HRModule
from mmengine.model import Sequential
from torch import Tensor, nn

from mmcrowd.registry import MODELS


class CrowdHRModule(HRModule):
    """HRModule whose up-fusion resizes to the exact size of the finer branch."""

    def __init__(self, *args, upsample: str = 'bilinear', **kwargs) -> None:
        self.upsample = upsample
        super().__init__(*args, **kwargs)

    def _make_fuse_layers(self) -> nn.ModuleList | None:
        layers = super()._make_fuse_layers()
        for i, row in enumerate(layers or []):
            for j in range(i + 1, len(row)):
                row[j] = row[j][:2]  # without the fixed-factor upsampling, which has no parameters
        return layers

    def _resize(self, x: Tensor, like: Tensor) -> Tensor:
        align = None if self.upsample == 'nearest' else False
        return F.interpolate(x, size=like.shape[-2:], mode=self.upsample, align_corners=align)

    def forward(self, x: list[Tensor]) -> list[Tensor]:
        """Run every branch, then fuse all branches into each output."""
        x = [branch(xi) for branch, xi in zip(self.branches, x, strict=True)]
        if self.num_branches == 1:
            return x
        fused = []
        for i, row in enumerate(self.fuse_layers):
            y = x[i]
            for j in range(self.num_branches):
                if j < i:
                    y = y + row[j](x[j])
                elif j > i:
                    y = y + self._resize(row[j](x[j]), x[i])
            fused.append(self.relu(y))
        return fused


@MODELS.register_module()
class CrowdHRNet(HRNet):
    """mmdet's HRNet with up-fusion by resizing to the finer branch's exact size.

    Stock HRNet multiplies sizes and so needs inputs that are multiples of 32; this one takes any size and offers
    the bilinear fusion (align_corners False) of the crowd papers' code. Parameter names are those of mmdet, so its
    checkpoints load. Unlike stock HRNet, ``norm_eval`` is off by
    default: crowd networks train their normalisation.

    Args:
        extra (dict): Stages as in :class:`mmdet.models.HRNet`.
        upsample (str): 'bilinear' or 'nearest'.
        norm_eval (bool): Whether normalisation statistics stay frozen in training.
        **kwargs: Passed to :class:`mmdet.models.HRNet`.
    """

    def __init__(self, extra: dict, upsample: str = 'bilinear', norm_eval: bool = False, **kwargs) -> None:
        if upsample not in ('bilinear', 'nearest'):
            raise ValueError(f"CrowdHRNet: upsample must be 'bilinear' or 'nearest', got {upsample!r}")
        self._upsample = upsample
        super().__init__(extra, norm_eval=norm_eval, **kwargs)

    def _make_stage(
        self, layer_config: dict, in_channels: list[int], multiscale_output: bool = True
    ) -> tuple[Sequential, list[int]]:
        last = layer_config['num_modules'] - 1
        modules = [
            CrowdHRModule(
                layer_config['num_branches'],
                self.blocks_dict[layer_config['block']],
                layer_config['num_blocks'],
                in_channels,
                layer_config['num_channels'],
                multiscale_output or i < last,
                with_cp=self.with_cp,
                norm_cfg=self.norm_cfg,
                conv_cfg=self.conv_cfg,
                upsample=self._upsample,
            )
            for i in range(last + 1)
        ]
        return Sequential(*modules), in_channels
