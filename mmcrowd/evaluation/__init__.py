"""Evaluation of crowd counting and localization."""

from mmcrowd.utils import mmdet_parts  # noqa: F401

from . import functional
from .metrics import *  # noqa: F403
from .metrics import __all__ as _metrics
from .point_evaluation import PROTOCOLS, evaluate_point_files, result_lines

__all__ = ['PROTOCOLS', 'evaluate_point_files', 'functional', 'result_lines', *_metrics]
