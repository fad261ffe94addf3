"""Version of mmcrowd."""

__version__ = '0.1.0'
