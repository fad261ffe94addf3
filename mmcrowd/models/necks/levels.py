"""What necks ask of encoders."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn


def check_levels(neck: nn.Module, expected: Sequence[int], channels: Sequence[int]) -> None:
    """Check the channels of an encoder's levels against those that a neck was built for.

    Raises:
        ValueError: They are not ``expected``.
    """
    if tuple(expected) != tuple(channels):
        raise ValueError(
            f'the encoder gives levels of {tuple(channels)} channels, but {type(neck).__name__} takes '
            f'{tuple(expected)}: set neck.in_channels={tuple(channels)}'
        )
