"""Crowd metrics for mmengine."""

from .base import CrowdMetric
from .box_iou_metric import BoxIoUMetric
from .counting_metric import CrowdCountingMetric
from .game_metric import GAMEMetric
from .localization_metric import CrowdLocalizationMetric
from .ranked_point_metric import RankedPointMetric
from .threshold_metric import ThresholdMetric

__all__ = [
    'BoxIoUMetric',
    'CrowdCountingMetric',
    'CrowdLocalizationMetric',
    'CrowdMetric',
    'GAMEMetric',
    'RankedPointMetric',
    'ThresholdMetric',
]
