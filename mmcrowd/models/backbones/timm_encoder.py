"""Any network of timm as an encoder."""

from __future__ import annotations

from collections.abc import Sequence

from mmengine.model import BaseModule
from torch import Tensor

from mmcrowd.registry import MODELS
from mmcrowd.utils.pretrained import load_pretrained, without_pretrained


@MODELS.register_module()
class TimmEncoder(BaseModule):
    """The features of a network of timm, an optional dependency (``pip install timm``).

    Weights are loaded as everywhere, by ``init_cfg=dict(type='Pretrained', checkpoint=...)``, under timm's names; timm
    downloads nothing. Images must be normalised as these weights expect; timm's ``pretrained_cfg`` says how.

    Args:
        name (str): As timm knows it, such as 'resnet18'.
        out_indices (sequence of int): Levels to return, finest first; which strides they have depends on the network.
        frozen (bool): Whether the network is frozen: no gradient, no new statistics of its normalisations.
        init_cfg (dict, optional): Pretrained, or None for timm's own initialisation.
        **kwargs: Passed to ``timm.create_model``.

    Raises:
        ImportError: There is no timm.
    """

    def __init__(
        self,
        name: str,
        out_indices: Sequence[int] = (0, 1, 2, 3),
        frozen: bool = False,
        init_cfg: dict | None = None,
        **kwargs,
    ) -> None:
        super().__init__()
        try:
            import timm
        except ImportError as error:
            raise ImportError(f'TimmEncoder {name!r} needs timm, which is not installed: pip install timm') from error
        self.net = timm.create_model(
            name, features_only=True, pretrained=False, out_indices=tuple(out_indices), **kwargs
        )
        # Of the network, not of this module: weights are then known by timm's names, without a prefix.
        self.net.init_cfg = init_cfg
        self.out_channels = tuple(self.net.feature_info.channels())
        self.strides = tuple(self.net.feature_info.reduction())
        self.frozen = frozen
        self.train()

    def init_weights(self) -> None:
        """Load published weights; timm has initialised the network already."""
        with without_pretrained(self.net) as pretrained:
            for module, entry in pretrained:
                load_pretrained(module, **{key: value for key, value in entry.items() if key != 'type'})

    def train(self, mode: bool = True) -> TimmEncoder:
        """Switch to training; a frozen network stays in evaluation."""
        super().train(mode)
        if self.frozen:
            self.net.eval().requires_grad_(False)
        return self

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """(B, 3, H, W) -> one map per level of ``out_indices``, finest first."""
        return tuple(self.net(x))
