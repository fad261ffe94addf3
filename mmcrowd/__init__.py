"""mmcrowd: crowd counting and localization for MMDetection.

Importing it makes its registries known to mmdet's; what they hold, and mmdet itself, is imported when a registry or
one of the packages below is first asked for something.
"""

from importlib import import_module
from types import ModuleType

from .utils.compat import check_environment
from .version import __version__

# First of all: a missing package is to be reported in words, not as a traceback from somebody's insides.
check_environment()

from . import registry  # noqa: E402, F401

_PACKAGES = ('codecs', 'datasets', 'engine', 'evaluation', 'models', 'structures', 'visualization')

__all__ = ['__version__', *_PACKAGES]


def __getattr__(name: str) -> ModuleType:
    if name in _PACKAGES:
        return import_module(f'{__name__}.{name}')
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
