"""Head of the localization branch of RAZ-Net."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from mmcv.cnn import ConvModule
from mmengine.model import Sequential
from torch import Tensor, nn

from mmcrowd.models.layers import Float32Conv2d, head_logits
from mmcrowd.registry import MODELS

from .map_head import CrowdMapHead


@MODELS.register_module()
class RAZLocalizationHead(CrowdMapHead):
    """Three dilated convolutions, then deconvolutions that double the size, each followed by a dilated convolution.

    Source: Liu, Weng and Mu, "Recurrent Attentive Zooming for Joint Crowd Counting and Precise Localization"; widths by
    NWPU-Crowd's authors, who published the only code. Every layer but the last has a ReLU. With the first four stages
    of VGG-16 there are 18,242,305 parameters, 65 more with ``two_class``.

    The paper's output is one logit per cell. NWPU-Crowd's authors have two channels, background and head, and a ReLU
    behind them; a head's logit is the difference.

    Args:
        in_channels (int): Channels of the features.
        channels (sequence of int): Widths of the deconvolutions; the map has ``2**len(channels)`` times the size of the
            features.
        two_class (bool): Whether there is a channel for the background, too.
        final_relu (bool): Whether the two channels pass a ReLU, which can silence them for good.
        **kwargs: Passed to :class:`CrowdMapHead`.
    """

    def __init__(
        self,
        in_channels: int = 512,
        channels: Sequence[int] = (256, 128, 64),
        two_class: bool = False,
        final_relu: bool = False,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        if not channels:
            raise ValueError('RAZLocalizationHead: channels is empty, expected the widths of the deconvolutions')
        if final_relu and not two_class:
            raise ValueError(
                'RAZLocalizationHead: final_relu needs two_class=True: one logit behind a ReLU says head everywhere'
            )
        self.in_channels, self.final_relu = in_channels, final_relu
        layers = [_dilated(in_channels) for _ in range(3)]
        for before, width in itertools.pairwise((in_channels, *channels)):
            layers += [
                nn.ConvTranspose2d(before, width, 4, stride=2, padding=1),
                nn.ReLU(inplace=True),
                _dilated(width),
            ]
        self.layers = Sequential(*layers)
        self.output = Float32Conv2d(channels[-1], 2 if two_class else 1, 1)

    def features(self, x: Sequence[Tensor]) -> Tensor:
        """Features (B, C, h, w) of the neck's first level -> those of the output layer, (B, channels[-1], f h, f w)."""
        return self.layers(x[0])

    def forward(self, x: Sequence[Tensor]) -> tuple[Tensor]:
        """Features (B, C, h, w) of the neck's first level -> logits (B, 1 or 2, f h, f w) float32."""
        return (self.logits(self.features(x)),)

    def logits(self, features: Tensor) -> Tensor:
        """What :meth:`features` gives -> logits (B, 1 or 2, f h, f w) float32."""
        logits = self.output(features)
        return logits.relu() if self.final_relu else logits

    def to_maps(self, pred: Tensor) -> Tensor:
        """Logits (B, 1 or 2, h, w) -> probability of a head, (B, 1, h, w)."""
        return head_logits(pred).sigmoid()


def _dilated(channels: int) -> ConvModule:
    return ConvModule(channels, channels, 3, padding=2, dilation=2)
