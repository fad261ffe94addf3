"""What encoders with published weights share: what they give, and stages that training leaves as they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mmengine.model import BaseModule
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


class Encoder(BaseModule):
    """Image -> pyramid of features, finest first.

    Beside :attr:`out_channels` and :attr:`strides`, which any backbone may have and detectors check, it can freeze its
    leading stages: no gradient, hence no weight decay, and normalisation by running statistics, which stay. Subclasses
    set both attributes, implement :meth:`stage_modules`, and call :meth:`train` at the end of their ``__init__``.

    Args:
        stages (int): Number of stages.
        out_indices (sequence of int): Stages to return.
        frozen_stages (int): Stages 0 to ``frozen_stages`` are frozen; -1 freezes none.
        norm_eval (bool): Whether all batch normalisations keep their running statistics, and normalise by them.
        init_cfg (dict or list, optional): Initialisation.

    Raises:
        ValueError: ``out_indices`` are not ascending stages, or ``frozen_stages`` is none.
    """

    out_channels: tuple[int, ...]
    """Channels of each level, finest first."""
    strides: tuple[int, ...]
    """Pixels per cell of each level."""
    optional_keys: tuple[str, ...] = ()
    """Regular expressions of names in published weights that this network may do without."""

    def __init__(
        self,
        stages: int,
        out_indices: Sequence[int],
        frozen_stages: int,
        norm_eval: bool,
        init_cfg: dict | list | None,
    ) -> None:
        name = type(self).__name__
        indices = list(out_indices)
        if not indices or indices != sorted(set(indices)) or not set(indices) <= set(range(stages)):
            raise ValueError(f'{name}: out_indices must be ascending stages of 0 to {stages - 1}, got {tuple(indices)}')
        if not -1 <= frozen_stages <= indices[-1]:
            raise ValueError(f'{name}: frozen_stages must lie in -1 to {indices[-1]}, got {frozen_stages}')
        super().__init__(init_cfg)
        self.out_indices, self.frozen_stages, self.norm_eval = tuple(indices), frozen_stages, norm_eval

    def stage_modules(self, stage: int) -> Iterable[nn.Module]:
        """The layers of one stage."""
        raise NotImplementedError

    def train(self, mode: bool = True) -> Encoder:
        """Switch to training or evaluation; what is frozen stays in evaluation."""
        super().train(mode)
        for layer in self.modules():
            if self.norm_eval and isinstance(layer, _BatchNorm):
                layer.eval()
        for stage in range(self.frozen_stages + 1):
            for module in self.stage_modules(stage):
                module.eval().requires_grad_(False)
        return self
