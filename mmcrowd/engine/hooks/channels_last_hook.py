"""Channels-last weights."""

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmcrowd.registry import HOOKS


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Keep the model in the channels-last memory format, which convolutions in bfloat16 prefer.

    A convolution whose weight is channels-last answers in the same format, so the inputs need no conversion.
    """

    priority = 'HIGH'  # before EMAHook (NORMAL) copies the model

    def before_run(self, runner: Runner) -> None:
        """Convert the model in place."""
        runner.model.to(memory_format=torch.channels_last)
