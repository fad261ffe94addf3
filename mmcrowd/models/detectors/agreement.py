"""What a config writes in several places and must agree: encoder, padding, neck and head."""

from __future__ import annotations

from torch import nn


def check_agreement(detector: nn.Module) -> None:
    """Compare what the parts of a detector say about themselves; of those that say nothing, nothing is checked.

    A backbone may have ``strides`` and ``out_channels``, tuples by level, finest first; a head ``in_channels``; a neck
    ``map_channels``, which says how many channels its map has behind such levels, or that it takes others.

    Raises:
        ValueError: Two of them disagree; the message has the numbers to write into the config.
    """
    backbone, head = detector.backbone, detector.bbox_head
    name = type(backbone).__name__
    strides, channels = (getattr(backbone, key, None) for key in ('strides', 'out_channels'))
    divisor = getattr(detector.data_preprocessor, 'pad_size_divisor', None)
    if divisor and isinstance(strides, tuple) and divisor % max(strides):
        raise ValueError(
            f'{name} has levels of strides {strides}, but images are padded to multiples of {divisor}: set '
            f'data_preprocessor.pad_size_divisor={max(strides)}'
        )
    if not isinstance(channels, tuple):
        return
    given, source = channels[0], name
    if detector.with_neck:
        if not hasattr(detector.neck, 'map_channels'):
            return
        given, source = detector.neck.map_channels(channels), type(detector.neck).__name__
    if getattr(head, 'in_channels', given) != given:
        raise ValueError(
            f'{source} gives {given} channels, but {type(head).__name__} takes {head.in_channels}: set '
            f'bbox_head.in_channels={given}'
        )
