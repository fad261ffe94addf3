"""Frames of videos and cameras, one at a time: OpenCV decodes, and a fault is one line that names the source.

Frames are upright, as the file's rotation says, and BGR.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .files import is_image_name, printable
from .pictures import ImageReadError

VIDEO_SUFFIXES = (
    *('.3gp', '.avi', '.flv', '.m2ts', '.m4v', '.mjpeg', '.mkv', '.mov', '.mp4', '.mpeg', '.mpg', '.mts', '.ogv'),
    *('.ts', '.webm', '.wmv'),
)
"""Endings of videos, in lower case: the one list of the package."""

_USUAL_FPS = 25.0
_MOST_FPS = 1000.0


class VideoReadError(ImageReadError):
    """A source is no video that is read; the message begins with its name."""


@dataclass(frozen=True)
class VideoInfo:
    """What a video says of itself.

    Attributes:
        fps: Frames per second; 25 where the source says none, as many cameras.
        frames: How many there are; for some kinds of file an estimate from length and rate, None for a camera and where
            the file says nothing.
        width: Of a frame, upright, pixels.
        height: Of a frame, upright, pixels.
    """

    fps: float
    frames: int | None
    width: int
    height: int


class Video:
    """An open video: iterated once, a frame in memory at a time. Use it in a ``with`` statement, or iterate to the end.

    Args:
        source: A video file, the address of a stream (``rtsp://...``), or the index of a camera.

    Attributes:
        info: What it says of itself.
        fault: After the last frame, what was missing, one line; None if nothing was.

    Raises:
        FileNotFoundError: There is no such file.
        VideoReadError: Nothing of it can be decoded, or the camera gives no picture.
    """

    def __init__(self, source: str | Path | int) -> None:
        import cv2

        self.name, self._live = source_name(source), isinstance(source, int) or is_stream(source)
        if not self._live and not Path(source).is_file():
            raise FileNotFoundError(f'{self.name}: no such file, expected a video')
        if not self._live and is_image_name(source) and Path(source).suffix.lower() != '.gif':
            raise VideoReadError(f'{self.name}: an image, expected a video: use "mmcrowd predict"')
        self.fault: str | None = None
        self._capture, self._started = _open(source), time.monotonic()
        self._frame = self._read()
        if self._frame is None:
            self._capture.release()
            raise VideoReadError(f'{self.name}: {_why_unreadable(source)}')
        fps, frames = (self._capture.get(key) for key in (cv2.CAP_PROP_FPS, cv2.CAP_PROP_FRAME_COUNT))
        height, width = self._frame.shape[:2]
        self.info = VideoInfo(
            fps=float(fps) if math.isfinite(fps) and 0 < fps <= _MOST_FPS else _USUAL_FPS,
            frames=None if self._live or not 0 < frames < 2**40 else int(frames),
            width=width,
            height=height,
        )

    def __enter__(self) -> Video:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the file or the camera back."""
        self._capture.release()
        self._frame = None

    def __iter__(self) -> Iterator[tuple[int, float, np.ndarray]]:
        index, seconds = 0, -1 / self.info.fps
        try:
            while self._frame is not None:
                frame, seconds = self._frame, self._seconds(seconds)
                yield index, seconds, frame
                del frame
                self._frame, index = self._read(), index + 1
        finally:
            self.close()
        if self._live:
            self.fault = f'{self.name}: it gives no more frames, after {index:,}'
        elif self.info.frames is not None and index < self.info.frames - max(2, self.info.frames // 100):
            self.fault = (
                f'{self.name}: only {index:,} of about {self.info.frames:,} frames can be decoded, the file is cut off '
                'or damaged'
            )

    def _read(self) -> np.ndarray | None:
        done, frame = self._capture.read()
        return frame if done else None

    def _seconds(self, before: float) -> float:
        """When the frame just read is shown: the file knows of uneven rates; it must go forward."""
        import cv2

        if self._live:
            return time.monotonic() - self._started
        stated = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        return stated if math.isfinite(stated) and stated > before else before + 1 / self.info.fps


def iter_frames(source: str | Path | int) -> Iterator[tuple[int, float, np.ndarray]]:
    """The frames of a video, one at a time, whatever its length.

    Args:
        source: A video file, the address of a stream (``rtsp://...``), or the index of a camera, which ends only when
            it gives no more.

    Yields:
        The number of the frame from 0, its time in seconds (in the file; of a camera since it was opened), and its
        pixels, ``(H, W, 3)`` uint8 BGR.

    Raises:
        FileNotFoundError: There is no such file.
        VideoReadError: Nothing of it can be decoded, or the camera gives no picture.

    Warns:
        UserWarning: After the last frame, where the file says that it has more, or a camera stopped.
    """
    with Video(source) as video:
        yield from video
    if video.fault is not None:
        warnings.warn(video.fault, stacklevel=2)


def video_info(source: str | Path | int) -> VideoInfo:
    """What a video says of itself; its first frame is decoded. Raises as :func:`iter_frames`."""
    with Video(source) as video:
        return video.info


def is_video_name(name: str | Path) -> bool:
    """Whether a file of this name is a video by its ending; the file is not looked at."""
    return Path(name).suffix.lower() in VIDEO_SUFFIXES


def is_stream(source: object) -> bool:
    """Whether this is the address of a stream, such as ``rtsp://...``, and not that of a picture."""
    address = isinstance(source, str) and re.match(r'(rtsps?|rtmps?|udp|srt|https?)://', source)
    return bool(address) and not is_image_name(source.partition('?')[0])


def source_name(source: str | Path | int) -> str:
    """A source in words: ``camera 0``, a file, an address without user and password."""
    if isinstance(source, int):
        return f'camera {source}'
    return printable(re.sub(r'(?<=://)[^/@]*@', '', source) if is_stream(source) else source)


def _open(source: str | Path | int):
    """The open source; what OpenCV and FFmpeg write to the terminal about a broken one is left out."""
    import cv2

    os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', '-8')
    level = cv2.getLogLevel() if hasattr(cv2, 'getLogLevel') else None
    with contextlib.ExitStack() as stack:
        if level is not None:
            stack.callback(cv2.setLogLevel, level)
            cv2.setLogLevel(0)
        return cv2.VideoCapture(source if isinstance(source, int) else str(source))


def _why_unreadable(source: str | Path | int) -> str:
    if isinstance(source, int):
        return 'it gives no picture: is it connected, and in use by no other program?'
    if is_stream(source):
        return 'it gives no picture: is the address right, and the camera reachable?'
    return f'this file of {Path(source).stat().st_size} bytes cannot be decoded, expected a video'
