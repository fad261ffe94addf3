"""Head that predicts a density."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from mmcrowd.models.layers import Float32Conv2d
from mmcrowd.registry import MODELS

from .map_head import CrowdMapHead

_OUTPUTS = {'linear': lambda x: x, 'abs': torch.abs, 'relu': F.relu}


@MODELS.register_module()
class DensityHead(CrowdMapHead):
    """One 1x1 convolution from features to a density, as in CSRNet, CANNet, MCNN and the Bayesian loss's network.

    Args:
        in_channels (int): Channels of the features.
        output (str): What follows: 'linear' nothing, 'abs' the absolute value (the Bayesian loss), or 'relu'.
        init_cfg (dict, optional): Initialisation; default: N(0, 0.01).
        **kwargs: Passed to :class:`CrowdMapHead`; its codec is a DensityCodec with the stride of the features.
    """

    def __init__(
        self,
        in_channels: int = 64,
        output: str = 'linear',
        init_cfg: dict | None = dict(type='Normal', layer='Conv2d', std=0.01),
        **kwargs,
    ) -> None:
        if output not in _OUTPUTS:
            raise ValueError(f'DensityHead: output must be one of {", ".join(_OUTPUTS)}, got {output!r}')
        super().__init__(init_cfg=init_cfg, **kwargs)
        self.in_channels, self.output = in_channels, output
        self.conv = Float32Conv2d(in_channels, 1, 1)

    def forward(self, x: Sequence[Tensor]) -> tuple[Tensor]:
        """Features of the neck, of which the last level (B, in_channels, h, w) is read -> density (B, 1, h, w)."""
        return (_OUTPUTS[self.output](self.conv(x[-1])),)
