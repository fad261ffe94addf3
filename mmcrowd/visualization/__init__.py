"""Pictures: heads, counts, maps and matches on images, and the visualizer that composes them."""

from mmcrowd.utils import mmdet_parts  # noqa: F401

from .crowd_picture import STYLES, Drawable, check_styles, draw_beside_truth, draw_compared, draw_crowd
from .density import CrowdDensity, kernel_width
from .drawing import (
    add_caption,
    draw_annotated,
    draw_boxes,
    draw_count,
    draw_matches,
    draw_points,
    magnification,
    magnify,
    panels,
)
from .local_visualizer import CrowdLocalVisualizer
from .maps import draw_contours, draw_density, draw_map
from .markers import auto_radius, head_radii

__all__ = [
    'STYLES',
    'CrowdDensity',
    'CrowdLocalVisualizer',
    'Drawable',
    'add_caption',
    'auto_radius',
    'check_styles',
    'draw_annotated',
    'draw_beside_truth',
    'draw_boxes',
    'draw_compared',
    'draw_contours',
    'draw_count',
    'draw_crowd',
    'draw_density',
    'draw_map',
    'draw_matches',
    'draw_points',
    'head_radii',
    'kernel_width',
    'magnification',
    'magnify',
    'panels',
]
