"""Pictures: heads, counts, maps and matches on images, and the visualizer that composes them."""

from mmcrowd.utils import mmdet_parts  # noqa: F401

from .drawing import (
    add_caption,
    draw_boxes,
    draw_count,
    draw_map,
    draw_matches,
    draw_points,
    magnification,
    magnify,
    panels,
)
from .local_visualizer import CrowdLocalVisualizer
from .markers import auto_radius

__all__ = [
    'CrowdLocalVisualizer',
    'add_caption',
    'auto_radius',
    'draw_boxes',
    'draw_count',
    'draw_map',
    'draw_matches',
    'draw_points',
    'magnification',
    'magnify',
    'panels',
]
