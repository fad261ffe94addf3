"""Looking again, enlarged, where heads are dense (RAZ-Net)."""

from .fusion import TwoStreamFusion, fit_thresholds, grid_of_density, grid_of_points
from .merging import merge_regions
from .proposals import Regions, propose_regions, score_anchors
from .stages import joined_weights, zoom_net_weights

__all__ = [
    'Regions',
    'TwoStreamFusion',
    'fit_thresholds',
    'grid_of_density',
    'grid_of_points',
    'joined_weights',
    'merge_regions',
    'propose_regions',
    'score_anchors',
    'zoom_net_weights',
]
