"""Counting in a video: zones, lines, overlay, counts over time."""
