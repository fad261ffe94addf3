"""Looking after data sets: checking, describing, converting and dividing them."""

from .check import CheckReport, Finding, check_datasets
from .convert import convert_annotations
from .sources import dataset_configs, read_samples
from .split import make_split, split_groups
from .stats import dataset_stats, save_stats

__all__ = [
    'CheckReport',
    'Finding',
    'check_datasets',
    'convert_annotations',
    'dataset_configs',
    'dataset_stats',
    'make_split',
    'read_samples',
    'save_stats',
    'split_groups',
]
