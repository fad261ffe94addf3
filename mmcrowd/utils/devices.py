"""The device that a user asks for."""

from __future__ import annotations

import textwrap

import torch


def check_device(device: str) -> str:
    """The name of a device on which tensors can be made.

    Raises:
        ValueError: There is none of this name here; the message lists what there is.
    """
    try:
        torch.zeros(1, device=device).item()
    except (AssertionError, NotImplementedError, RuntimeError) as error:
        gpus = ', '.join(f'cuda:{number}' for number in range(torch.cuda.device_count()))
        reason = textwrap.shorten(str(error).partition('\n')[0], 100, placeholder=' ...')
        if reason.startswith('Expected one of'):
            reason = 'torch knows no such kind of device'
        raise ValueError(
            f'device {device}: not to be had here ({reason}); there is cpu{", " + gpus if gpus else " only"}'
        ) from error
    return device
