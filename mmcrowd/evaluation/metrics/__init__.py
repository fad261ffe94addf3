"""Crowd metrics for mmengine."""

from .base import CrowdMetric
from .counting_metric import CrowdCountingMetric
from .game_metric import GAMEMetric
from .localization_metric import CrowdLocalizationMetric
from .ranked_point_metric import RankedPointMetric

__all__ = ['CrowdCountingMetric', 'CrowdLocalizationMetric', 'CrowdMetric', 'GAMEMetric', 'RankedPointMetric']
