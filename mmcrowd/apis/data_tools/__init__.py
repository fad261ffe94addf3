"""Looking after data sets: checking, describing, converting and dividing them."""

from .check import check_datasets
from .check_report import CheckReport, Finding
from .convert import convert_annotations
from .pseudo_boxes import HeadSizer, add_pseudo_boxes, annotated_image, nearest_head_boxes, write_pseudo_boxes
from .sources import dataset_configs, read_samples
from .split import make_split, split_groups
from .stats import dataset_stats, save_stats

__all__ = [
    'CheckReport',
    'Finding',
    'HeadSizer',
    'add_pseudo_boxes',
    'annotated_image',
    'check_datasets',
    'convert_annotations',
    'dataset_configs',
    'dataset_stats',
    'make_split',
    'nearest_head_boxes',
    'read_samples',
    'save_stats',
    'split_groups',
    'write_pseudo_boxes',
]
