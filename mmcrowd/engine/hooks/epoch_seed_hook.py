"""Random state that a resumed run can find again."""

import random

import numpy as np
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmcrowd.registry import HOOKS


@HOOKS.register_module()
class EpochSeedHook(Hook):
    """Seed Python, numpy and torch at the start of every training epoch from (seed of the run, epoch, rank).

    A checkpoint holds no random state. Where an epoch's randomness depends on these three numbers alone, a resumed run
    draws the same dropout masks and augmentations as one that was never interrupted.
    """

    priority = 'VERY_HIGH'

    def before_train_epoch(self, runner: Runner) -> None:
        """Seed the three generators of this process."""
        state = np.random.SeedSequence((runner.seed, runner.epoch, get_rank())).generate_state(1)
        seed = int(state[0])
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - mmdet's transforms draw from the global generator
        torch.manual_seed(seed)
