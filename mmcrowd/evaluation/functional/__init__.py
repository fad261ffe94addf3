"""Evaluation in plain functions: arrays in, numbers out."""

from .bootstrap import (
    counting_intervals,
    counting_intervals_by,
    level_recall_intervals,
    localization_intervals,
    mean_intervals,
    percentile_interval,
    ratio_interval,
    resample_weights,
    resampled_sums,
)
from .boxes import paired_iou
from .candidates import Pairs, candidate_pairs
from .counting import (
    JHU_CATEGORIES,
    LUMINANCE_LEVELS,
    SCENE_LEVELS,
    counting_errors,
    counting_errors_by,
    jhu_categories,
    luminance_levels,
    mean_luminance,
    mean_of_groups,
    scene_levels,
)
from .curves import ScoreCurve, counting_curve, score_curve
from .game import density_cells, game, game_errors, point_cells
from .growing import GrowingMatching
from .hopcroft_karp import hopcroft_karp
from .kuhn import kuhn_matching
from .localization import (
    NUM_LEVELS,
    Localization,
    PointSets,
    area_levels,
    level_recall,
    localization_errors,
    localize,
    localize_at,
    mean_localization_error,
    precision_recall_f1,
    sigma_from_boxes,
)
from .matching import greedy_matching, match_pairs, match_points, maximum_matching
from .ranked_points import average_precision, ranked_hits, ranked_point_figures, ranked_point_intervals
from .sweep import QNRF_RADII, radius_sweep, sweep_summary

__all__ = [
    'JHU_CATEGORIES',
    'LUMINANCE_LEVELS',
    'NUM_LEVELS',
    'QNRF_RADII',
    'SCENE_LEVELS',
    'GrowingMatching',
    'Localization',
    'Pairs',
    'PointSets',
    'ScoreCurve',
    'area_levels',
    'average_precision',
    'candidate_pairs',
    'counting_curve',
    'counting_errors',
    'counting_errors_by',
    'counting_intervals',
    'counting_intervals_by',
    'density_cells',
    'game',
    'game_errors',
    'greedy_matching',
    'hopcroft_karp',
    'jhu_categories',
    'kuhn_matching',
    'level_recall',
    'level_recall_intervals',
    'localization_errors',
    'localization_intervals',
    'localize',
    'localize_at',
    'luminance_levels',
    'match_pairs',
    'match_points',
    'maximum_matching',
    'mean_intervals',
    'mean_localization_error',
    'mean_luminance',
    'mean_of_groups',
    'paired_iou',
    'percentile_interval',
    'point_cells',
    'precision_recall_f1',
    'radius_sweep',
    'ranked_hits',
    'ranked_point_figures',
    'ranked_point_intervals',
    'ratio_interval',
    'resample_weights',
    'resampled_sums',
    'scene_levels',
    'score_curve',
    'sigma_from_boxes',
    'sweep_summary',
]
