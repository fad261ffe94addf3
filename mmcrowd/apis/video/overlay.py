"""The overlay: heads, zones, lines and numbers on the frames, and the parts of the video that shows them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from mmcrowd.utils.files import printable
from mmcrowd.utils.pictures import swap_channels
from mmcrowd.visualization import draw_count

from ..result import CrowdResult
from .regions import Regions

ZONE_COLORS = ((86, 180, 233), (230, 159, 0), (0, 158, 115), (204, 121, 167))
"""RGB of zones in turn: the colours of Okabe and Ito, told apart by readers who do not tell red from green."""
LINE_COLOR = (240, 228, 66)
_EDGE = (15, 15, 15)


class OverlayParts:
    """``overlay_001.mp4``, ``overlay_002.mp4``, ...: each whole and playable once it is finished.

    Args:
        folder: Where they are.
        fps: Frames per second.
        size: Width and height.
        finished: How many parts there are already; later ones are removed.
    """

    def __init__(self, folder: Path, fps: float, size: tuple[int, int], finished: int = 0) -> None:
        self.folder, self.fps, self.size, self.finished, self.frames = folder, fps, size, finished, 0
        self._writer: cv2.VideoWriter | None = None
        for path in folder.glob('overlay_*.mp4'):
            number = path.stem.removeprefix('overlay_')
            if number.isdecimal() and int(number) > finished:
                path.unlink()

    def add(self, frame: np.ndarray) -> None:
        """Write a frame ``(H, W, 3)`` uint8 BGR.

        Raises:
            OSError: A part cannot be written.
        """
        if self._writer is None:
            path = self.path(self.finished + 1)
            self._writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), self.fps, self.size)
            if not self._writer.isOpened():
                self._writer = None
                raise OSError(f'{printable(path)}: this video cannot be written ({self.size[0]} x {self.size[1]} px)')
        self._writer.write(frame)
        self.frames += 1

    def finish(self) -> None:
        """Close the part that is being written, if any."""
        if self._writer is not None:
            self._writer.release()
            self._writer, self.frames, self.finished = None, 0, self.finished + 1

    def path(self, number: int) -> Path:
        """The file of a part."""
        return self.folder / f'overlay_{number:03d}.mp4'


def draw_overlay(frame: np.ndarray, result: CrowdResult, regions: Regions, lines_of_text: list[str]) -> np.ndarray:
    """Draw heads, zones, lines and a plate of text on a frame, in place.

    Args:
        frame: ``(H, W, 3)`` uint8 BGR, modified.
        result: The heads, coloured by score.
        regions: Outlines of zones; lines with an arrow to the right of the way from their first point.
        lines_of_text: What the plate says.

    Returns:
        The frame.
    """
    drawn = swap_channels(result.draw(frame, copy=False, text=''))
    width = max(2, round(np.sqrt(drawn.shape[0] * drawn.shape[1]) / 300))
    for number, (name, zone) in enumerate(regions.zones.items()):
        color = ZONE_COLORS[number % len(ZONE_COLORS)]
        _strokes(drawn, [zone], True, color, width)
        _label(drawn, name, zone[zone[:, 1].argmin()], color, width)
    for name, line in regions.lines.items():
        way = line[1] - line[0]
        right = np.array([-way[1], way[0]]) / np.linalg.norm(way)
        middle, tip = line.mean(axis=0), line.mean(axis=0) + 10 * width * right
        wing = 3 * width * way / np.linalg.norm(way)
        arrow = np.stack([tip - 4 * width * right + wing, tip, tip - 4 * width * right - wing])
        _strokes(drawn, [line, np.stack([middle, tip]), arrow], False, LINE_COLOR, width)
        _label(drawn, name, line[line[:, 1].argmin()], LINE_COLOR, width)
    text = '\n'.join(lines_of_text).encode('ascii', 'replace').decode()
    return swap_channels(draw_count(drawn, text, copy=False))


def _strokes(out: np.ndarray, ways: list[np.ndarray], closed: bool, color: tuple, width: int) -> None:
    """Polylines with a dark edge, in place."""
    ways = [np.floor(way).astype(np.int32) for way in ways]
    for ink, thickness in ((_EDGE, width + 2), (color, width)):
        cv2.polylines(out, ways, closed, ink, thickness, cv2.LINE_AA)


def _label(out: np.ndarray, text: str, at: np.ndarray, color: tuple, width: int) -> None:
    """A name beside a point, inside of the picture, in place."""
    text, scale, bold = text.encode('ascii', 'replace').decode(), max(0.5, 0.25 * width), max(1, round(width / 2))
    (wide, tall), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, scale, bold)
    x = int(np.clip(at[0] + 3 * width, width, max(out.shape[1] - wide - width, width)))
    y = int(np.clip(at[1] + tall + 4 * width, tall + width, out.shape[0] - 2 * width))
    plate = out[max(y - tall - 2 * width, 0) : max(y + 2 * width, 0), x - width : x + wide + width]
    plate[:] = (0.3 * plate + 0.7 * np.asarray(_EDGE, np.float32)).astype(np.uint8)
    cv2.putText(out, text, (x, y), cv2.FONT_HERSHEY_DUPLEX, scale, color, bold, cv2.LINE_AA)
