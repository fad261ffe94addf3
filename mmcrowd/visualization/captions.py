"""Text and legends on images, scaled with the image."""

from __future__ import annotations

import cv2
import numpy as np

from .markers import EDGE_COLOR, Color, stamp

Entry = tuple[tuple[str, Color] | None, str]
"""A text and the marker before it (its shape and colour), if any."""
Row = list[Entry]

_FONT = cv2.FONT_HERSHEY_DUPLEX
_INK: Color = (255, 255, 255)
# In heights of a capital: line distance, room for a marker, distance of two texts in a row.
_LINE, _INDENT, _GAP = 1.75, 1.5, 1.6


def add_strip(image: np.ndarray, rows: list[Row]) -> np.ndarray:
    """Put a dark strip with rows of text on top of an image."""
    height, width = image.shape[:2]
    strip = np.full((_measure(rows, _usual_size(width, height))[1], width, 3), EDGE_COLOR, np.uint8)
    _write(strip, rows, _text_size(rows, width, height))
    return np.concatenate([strip, image])


def text_rows(text: str) -> list[Row]:
    """Split a text at its newlines into rows without markers."""
    return [[(None, line)] for line in text.split('\n')] if text else []


def write_plate(out: np.ndarray, rows: list[Row], at_bottom: bool = False, share: float = 1.0) -> None:
    """Write rows of text on a dark translucent plate in a left corner, in place.

    Args:
        out: ``(H, W, 3)`` uint8, modified.
        rows: What to write.
        at_bottom: Whether the plate is in the lower left corner instead of the upper one.
        share: Size of the text, 1 is the usual one.
    """
    if not rows:
        return
    size = _text_size(rows, out.shape[1], out.shape[0], share)
    width, height = _measure(rows, size)
    plate = out[-height:, :width] if at_bottom else out[:height, :width]
    plate[:] = (0.3 * plate + 0.7 * np.asarray(EDGE_COLOR, np.float32)).astype(np.uint8)
    _write(plate, rows, size)


def _write(out: np.ndarray, rows: list[Row], size: float) -> None:
    """Write rows of text from the top left corner, each text after its optional marker, in place."""
    scale, thickness = _font(size)
    for number, row in enumerate(rows):
        left, baseline = 0.7 * size, round(size * (_LINE * number + 1.7))
        for marker, text in row:
            at = left
            if marker:
                center = np.array([[left + 0.45 * size, baseline - 0.5 * size]])
                stamp(out, center, np.asarray(marker[1], np.float32), marker[0], 0.42 * size)
                at += _INDENT * size
            cv2.putText(out, text, (round(at), baseline), _FONT, scale, _INK, thickness, cv2.LINE_AA)
            left += _entry_width((marker, text), size) + _GAP * size


def _measure(rows: list[Row], size: float) -> tuple[int, int]:
    """Width and height in pixels of rows of text whose capitals are ``size`` high, margins included."""
    widths = [sum(_entry_width(entry, size) for entry in row) + _GAP * size * (len(row) - 1) for row in rows]
    return round(max(widths) + 1.4 * size), round(size * (_LINE * len(rows) + 0.75))


def _entry_width(entry: Entry, size: float) -> float:
    marker, text = entry
    scale, thickness = _font(size)
    return cv2.getTextSize(text, _FONT, scale, thickness)[0][0] + (_INDENT * size if marker else 0)


def _font(size: float) -> tuple[float, int]:
    thickness = max(1, round(size / 13))
    return cv2.getFontScaleFromHeight(_FONT, max(1, round(size)), thickness), thickness


def _usual_size(width: int, height: int) -> float:
    return float(np.clip(0.024 * np.sqrt(height * width), 9, 200))


def _text_size(rows: list[Row], width: int, height: int, share: float = 1.0) -> float:
    """Height of capitals in pixels: a share of the usual one, less where the rows would not fit into the image."""
    size = max(share * _usual_size(width, height), 7.0)
    text_width, text_height = _measure(rows, size)
    return max(1.0, size * min(1.0, 0.97 * width / text_width, height / text_height))
