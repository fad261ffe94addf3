"""Weights from one stage of RAZ-Net's training to the next."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

_MAIN_NET_ONLY = ('density_neck.', 'density_head.', 'fusion.', 'zoom_net.')


def zoom_net_weights(main_net: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What the network that looks again begins with: Main-Net's weights, without its counting branch.

    Its attention reads the localization branch alone, so the first convolution there keeps the part of Main-Net's that
    reads that branch, which comes last.
    """
    kept = {name: value for name, value in main_net.items() if not name.startswith(_MAIN_NET_ONLY)}
    located = kept['bbox_head.output.weight'].shape[1]
    first = 'attention_head.layers.0.conv.weight'
    return {**kept, first: kept[first][:, -located:].clone()}


def joined_weights(main_net: Mapping[str, Tensor], zoom_net: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a RAZNet of both trained networks."""
    kept = {name: value for name, value in main_net.items() if not name.startswith('zoom_net.')}
    return {**kept, **{f'zoom_net.{name}': value for name, value in zoom_net.items()}}
