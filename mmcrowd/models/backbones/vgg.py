"""VGG networks, with torchvision's parameter names."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from mmcv.cnn import build_norm_layer
from torch import Tensor, nn

from mmcrowd.registry import MODELS

from .encoder import Encoder

_CONVS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}


@MODELS.register_module()
class VGG(Encoder):
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
        frozen_stages (int): Stages 0 to ``frozen_stages`` are frozen: no gradient, normalisation by the running
            statistics, which stay as they are. -1 freezes nothing.
        norm_eval (bool): Whether all running statistics stay as they are, and normalise.
        norm_cfg (dict, optional): Normalisation after every convolution; None for none.
        init_cfg (dict or list, optional): Initialisation; default: He's normal by fan-out.
    """

    def __init__(
        self,
        depth: int = 16,
        channels: Sequence[int] = (64, 128, 256, 512, 512),
        out_indices: Sequence[int] = (2, 3, 4),
        in_channels: int = 3,
        frozen_stages: int = -1,
        norm_eval: bool = False,
        norm_cfg: dict | None = dict(type='BN'),
        init_cfg: dict | list | None = dict(type='Kaiming', layer='Conv2d'),
    ) -> None:
        if depth not in _CONVS:
            raise ValueError(f'VGG: depth must be one of {list(_CONVS)}, got {depth}')
        if len(channels) != 5:
            raise ValueError(f'VGG: needs 5 widths, got {len(channels)}')
        super().__init__(5, out_indices, frozen_stages, norm_eval, init_cfg)
        self.out_channels = tuple(channels[i] for i in out_indices)
        self.strides = tuple(2**i for i in out_indices)
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
            self._ends.append(len(self.features) - 1)
        self.has_norm = norm_cfg is not None
        self.optional_keys = (rf'features\.(?!({"|".join(map(str, range(len(self.features))))})\.)',)
        self.train()

    def stage_modules(self, stage: int) -> list[nn.Module]:
        """The layers of one stage."""
        start = self._ends[stage - 1] + 1 if stage else 0
        return list(self.features[start : self._ends[stage] + 1])

    def misfit(self, names: Collection[str]) -> str | None:
        """Why weights of these names cannot be its own, as far as a better reason is known than which are missing."""
        given = any(name.startswith('features.') and name.endswith('running_mean') for name in names)
        if given == self.has_norm or not any(name.startswith('features.') for name in names):
            return None
        if given:
            return "these are weights of VGG with batch normalisation: set norm_cfg=dict(type='BN')"
        return 'these are weights of VGG without batch normalisation: set norm_cfg=None'

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Features of an image.

        Args:
            x (Tensor): (B, in_channels, H, W).

        Returns:
            tuple[Tensor, ...]: (B, channels[i], H / 2^i, W / 2^i) for each i of ``out_indices``.
        """
        ends = {self._ends[stage] for stage in self.out_indices}
        outputs = []
        for i, layer in enumerate(self.features):
            x = layer(x)
            if i in ends:
                outputs.append(x)
        return tuple(outputs)
