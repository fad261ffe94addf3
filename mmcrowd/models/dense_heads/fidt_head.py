"""Heads that predict focal inverse distance transform maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from mmdet.structures import SampleList
from torch import Tensor

from mmcrowd.models.layers import deconv_layers, light_layers
from mmcrowd.registry import MODELS

from .map_head import CrowdMapHead


@MODELS.register_module()
class FIDTHead(CrowdMapHead):
    """FIDTM's regression head: 1x1 convolution, then two deconvolutions to full resolution, linear output.

    With HRNet-W48 (720 channels) it has 1,258,929 parameters. The output has ``2**len(deconv_channels)`` times the
    size of the features; what exceeds the image is cropped at the right and bottom.

    Args:
        in_channels (int): Channels of the features.
        deconv_channels (sequence of int): Output channels of the k4 s2 p1 deconvolutions; the last is the map.
        norm_cfg (dict): Normalisation after the 1x1 convolution.
        init_cfg (dict, optional): Default: convolutions N(0, 0.001), as released.
        **kwargs: Passed to :class:`CrowdMapHead`.
    """

    def __init__(
        self,
        in_channels: int = 720,
        deconv_channels: Sequence[int] = (64, 1),
        norm_cfg: dict = dict(type='BN', momentum=0.01),
        init_cfg: dict | None = dict(type='Normal', layer='Conv2d', std=0.001),
        **kwargs,
    ) -> None:
        super().__init__(init_cfg=init_cfg, **kwargs)
        self.in_channels = in_channels
        self.layers = deconv_layers(in_channels, deconv_channels, norm_cfg)

    def forward(self, x: Sequence[Tensor]) -> tuple[Tensor]:
        """Features (B, C, h, w) of the neck's first level -> map (B, 1, f h, f w), f = 2^number of deconvolutions."""
        return (self.layers(x[0]),)


@MODELS.register_module()
class FIDTLiteHead(CrowdMapHead):
    """A light FIDT head at the resolution of its features: two 3x3 convolutions, linear output.

    Args:
        in_channels (int): Channels of the features.
        norm_cfg (dict): Normalisation of the first convolution.
        **kwargs: Passed to :class:`CrowdMapHead`.
    """

    def __init__(
        self,
        in_channels: int = 32,
        norm_cfg: dict = dict(type='BN'),
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.in_channels = in_channels
        self.layers = light_layers(in_channels, norm_cfg)

    def forward(self, x: Sequence[Tensor]) -> tuple[Tensor]:
        """Features (B, C, h, w) of the neck's first level -> map (B, 1, h, w)."""
        return (self.layers(x[0]),)


@MODELS.register_module()
class CountedFIDTHead(FIDTLiteHead):
    """:class:`FIDTLiteHead` with a density beside it, from the same features: the peaks locate, the density counts.

    Weights of a FIDTLiteHead fit all but the density.

    Args:
        codec (dict): A CountedPointsCodec.
        density (dict): The :class:`DensityHead`, without codec and channels, with the density's losses.
        losses (dict[str, dict]): Losses of the FIDT map.
        **kwargs: Passed to :class:`FIDTLiteHead`.

    Raises:
        ValueError: Two losses have one name.
    """

    def __init__(self, codec: dict, density: dict, losses: dict[str, dict], **kwargs) -> None:
        super().__init__(codec=codec, losses=losses, **kwargs)
        self.density = MODELS.build(dict(density, in_channels=self.in_channels, codec=codec['density']))
        if twice := sorted(self.losses.keys() & self.density.losses.keys()):
            raise ValueError(f'CountedFIDTHead: {", ".join(twice)} of the FIDT map and of the density: name them apart')

    def forward(self, x: Sequence[Tensor]) -> tuple[Tensor]:
        """Features (B, C, h, w) of the neck's first level -> FIDT map and density (B, 2, h, w)."""
        return (torch.cat([self.layers(x[0]), *self.density(x[:1])], dim=1),)

    def loss_by_feat(self, pred: Tensor, batch_data_samples: SampleList) -> dict[str, Tensor]:
        """Losses of both maps. See :meth:`CrowdMapHead.loss_by_feat`."""
        maps = self.match_targets(pred, batch_data_samples)
        parts = zip(self.codec.split(maps.pred), self.codec.split(maps.target, 'names'), strict=True)
        points, density = (replace(maps, pred=predicted, target=drawn) for predicted, drawn in parts)
        return {name: loss(points) for name, loss in self.losses.items()} | {
            name: loss(density) for name, loss in self.density.losses.items()
        }
