"""Hooks and optimizer wrappers. :mod:`mmcrowd.engine.launch` trains and tests from a config file."""

from .hooks import ChannelsLastHook, CrowdCheckpointHook, CrowdVisualizationHook, EpochSeedHook, NonFiniteLossHook
from .optimizers import AutocastOptimWrapper

__all__ = [
    'AutocastOptimWrapper',
    'ChannelsLastHook',
    'CrowdCheckpointHook',
    'CrowdVisualizationHook',
    'EpochSeedHook',
    'NonFiniteLossHook',
]
