"""Hooks of the training and testing loops."""

from .channels_last_hook import ChannelsLastHook
from .checkpoint_hook import CrowdCheckpointHook, find_resume_checkpoint
from .class_check_hook import ClassCheckHook
from .epoch_seed_hook import EpochSeedHook
from .evaluation_hook import CrowdEvaluationHook
from .non_finite_loss_hook import NonFiniteLossHook
from .precise_bn_hook import PreciseBN
from .visualization_hook import CrowdVisualizationHook

__all__ = [
    'ChannelsLastHook',
    'ClassCheckHook',
    'CrowdCheckpointHook',
    'CrowdEvaluationHook',
    'CrowdVisualizationHook',
    'EpochSeedHook',
    'NonFiniteLossHook',
    'PreciseBN',
    'find_resume_checkpoint',
]
