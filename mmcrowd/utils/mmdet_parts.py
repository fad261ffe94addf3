"""Importing this module imports all of mmdet, in silence; whatever registers parts of mmcrowd imports it first."""

from .compat import import_mmdet

import_mmdet()
