"""Boxes for every head from a few: in batch, or with a page to draw on."""

from .batch import Labelled, SceneReport, label_collection
from .report import write_report
from .server import make_app, serve
from .sources import SCENES, presets_of, read_heads, read_tolerantly
from .store import Conflict, LabelStore, State

__all__ = [
    'SCENES',
    'Conflict',
    'LabelStore',
    'Labelled',
    'SceneReport',
    'State',
    'label_collection',
    'make_app',
    'presets_of',
    'read_heads',
    'read_tolerantly',
    'serve',
    'write_report',
]
