"""VGG networks, with torchvision's parameter names."""

from __future__ import annotations

from collections.abc import Sequence

from mmcv.cnn import build_norm_layer
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmcrowd.registry import MODELS

_CONVS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}


@MODELS.register_module()
class VGG(BaseModule):
    """Convolutional part of VGG, VGG-16 with batch normalisation by default.

    Source: Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition". Five stages
    of 3x3 convolutions with strides 1, 2, 4, 8 and 16, and a max pool between any two; what lies behind the last stage
    of ``out_indices`` (such as the fifth pool) is not built. VGG-16-BN has 14,723,136 parameters here; its first four
    stages without normalisation are the front end of many density networks.

    Parameters are named as in torchvision (``features.N``), so its ImageNet weights load:
    ``init_cfg=dict(type='Pretrained', checkpoint='https://download.pytorch.org/models/vgg16_bn-6c64b313.pth')``.

    Args:
        depth (int): 11, 13, 16 or 19.
        channels (sequence of int): Width of each stage.
        out_indices (sequence of int): Stages to return, 0 to 4, finest first.
        in_channels (int): Image channels.
        norm_cfg (dict, optional): Normalisation after every convolution; None for none.
        init_cfg (dict or list, optional): Initialisation; default: He's normal by fan-out.
    """

    def __init__(
        self,
        depth: int = 16,
        channels: Sequence[int] = (64, 128, 256, 512, 512),
        out_indices: Sequence[int] = (2, 3, 4),
        in_channels: int = 3,
        norm_cfg: dict | None = dict(type='BN'),  # noqa: B006
        init_cfg: dict | list | None = dict(type='Kaiming', layer='Conv2d'),  # noqa: B006
    ) -> None:
        if depth not in _CONVS:
            raise ValueError(f'VGG: depth must be one of {list(_CONVS)}, got {depth}')
        if len(channels) != 5:
            raise ValueError(f'VGG: needs 5 widths, got {len(channels)}')
        if not out_indices or list(out_indices) != sorted(set(out_indices)) or not set(out_indices) <= set(range(5)):
            raise ValueError(f'VGG: out_indices must be ascending stages of 0 to 4, got {tuple(out_indices)}')
        super().__init__(init_cfg)
        self.stride = 2 ** out_indices[-1]
        self.features = nn.Sequential()
        self._ends = []
        for stage in range(out_indices[-1] + 1):
            if stage > 0:
                self.features.append(nn.MaxPool2d(2))
            for _ in range(_CONVS[depth][stage]):
                self.features.append(nn.Conv2d(in_channels, channels[stage], 3, padding=1))
                if norm_cfg is not None:
                    self.features.append(build_norm_layer(norm_cfg, channels[stage])[1])
                self.features.append(nn.ReLU(inplace=True))
                in_channels = channels[stage]
            if stage in out_indices:
                self._ends.append(len(self.features) - 1)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Features of an image.

        Args:
            x (Tensor): (B, in_channels, H, W).

        Returns:
            tuple[Tensor, ...]: (B, channels[i], H / 2^i, W / 2^i) for each i of ``out_indices``.

        Raises:
            ValueError: The coarsest stride does not divide H and W.
        """
        if x.shape[-2] % self.stride or x.shape[-1] % self.stride:
            raise ValueError(
                f'VGG needs sides that are multiples of {self.stride}, got {tuple(x.shape[-2:])}: set '
                f'pad_size_divisor={self.stride} in the data preprocessor'
            )
        outputs = []
        for i, layer in enumerate(self.features):
            x = layer(x)
            if i in self._ends:
                outputs.append(x)
        return tuple(outputs)
