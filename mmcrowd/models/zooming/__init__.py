"""Looking again, enlarged, where heads are dense (RAZ-Net)."""

from .fusion import TwoStreamFusion, fit_thresholds, grid_of_points
from .merging import merge_regions
from .proposals import Regions, propose_regions, score_anchors

__all__ = [
    'Regions',
    'TwoStreamFusion',
    'fit_thresholds',
    'grid_of_points',
    'merge_regions',
    'propose_regions',
    'score_anchors',
]
