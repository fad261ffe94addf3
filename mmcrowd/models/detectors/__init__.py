"""Detectors."""

from .crowd_localizer import CrowdLocalizer, tile_windows

__all__ = ['CrowdLocalizer', 'tile_windows']
