"""mmcrowd: crowd counting and localization for MMDetection."""

from .utils.compat import check_environment, import_mmdet
from .version import __version__

# First of all: a missing package is to be reported in words, not as a traceback from somebody's insides.
check_environment()
import_mmdet()

from . import codecs, datasets, engine, evaluation, models, structures, visualization  # noqa: E402

__all__ = [
    '__version__',
    'codecs',
    'datasets',
    'engine',
    'evaluation',
    'models',
    'structures',
    'visualization',
]
