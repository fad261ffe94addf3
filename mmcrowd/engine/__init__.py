"""Runner, hooks and optimizer wrappers. :mod:`mmcrowd.engine.launch` trains and tests from a config file."""

from mmcrowd.utils import mmdet_parts  # noqa: F401

from .hooks import (
    ChannelsLastHook,
    ClassCheckHook,
    CrowdCheckpointHook,
    CrowdEvaluationHook,
    CrowdVisualizationHook,
    EpochSeedHook,
    NonFiniteLossHook,
    PreciseBN,
)
from .optimizers import AutocastOptimWrapper
from .runner import CrowdRunner

__all__ = [
    'AutocastOptimWrapper',
    'ChannelsLastHook',
    'ClassCheckHook',
    'CrowdCheckpointHook',
    'CrowdEvaluationHook',
    'CrowdRunner',
    'CrowdVisualizationHook',
    'EpochSeedHook',
    'NonFiniteLossHook',
    'PreciseBN',
]
