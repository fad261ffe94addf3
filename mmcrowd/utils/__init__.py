"""Helpers of the whole package.

Imported before torch is known to be there, so nothing that needs torch is re-exported here.
"""

from .compat import check_environment, import_mmdet

__all__ = ['check_environment', 'import_mmdet']
