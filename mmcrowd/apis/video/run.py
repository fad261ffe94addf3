"""Count heads through a video: the body of ``mmcrowd video``."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mmcrowd.datasets.roi import inside_polygon
from mmcrowd.utils.files import printable
from mmcrowd.utils.frames import Video, is_stream, source_name
from mmcrowd.utils.json_files import plain, write_json

from ..inferencer import CrowdInferencer
from ..result import CrowdResult, count_text
from .journal import Journal, Smoother
from .overlay import OverlayParts, draw_overlay
from .plot import plot_table, summarize_table
from .regions import Regions, read_regions
from .tracks import LineCounter


def count_video(
    crowd: CrowdInferencer,
    source: str | Path | int,
    out_dir: str | Path,
    regions: str | Path | None = None,
    every: int = 1,
    smoothing: float = 1.0,
    max_step: float | None = None,
    patience: int = 3,
    overlay: bool = True,
    part_frames: int = 3000,
    resume: bool = False,
    on_frame: Callable[[int, float], None] | None = None,
) -> dict:
    """Count the heads of a video's frames, holding one frame at a time.

    Args:
        crowd: The model.
        source: A video file, the address of a stream, or the index of a camera.
        out_dir: Gets ``counts.csv`` (a row per frame, written as it comes), ``overlay_001.mp4`` ..., ``counts.png``,
            ``summary.json`` and ``state.json``. Made if needed; files of the same names are replaced.
        regions: A file of zones and lines (:mod:`mmcrowd.apis.video.regions`).
        every: Look at every n-th frame.
        smoothing: Seconds of :class:`mmcrowd.apis.video.journal.Smoother`.
        max_step: Farthest way of a head between two frames that are looked at, pixels; None is 2 % of the diagonal.
        patience: Frames in a row in which a head that crosses a line may be missed.
        overlay: Whether the overlay is written.
        part_frames: Frames of a part of the overlay; at the end of each, the run can be gone on with after a kill.
        resume: Go on with what is in ``out_dir``.
        on_frame: Called after each frame that was looked at with the number of frames read and the count.

    Returns:
        What ``summary.json`` says. ``complete`` is False where the video ends before it should; ``fault`` says why.

    Raises:
        FileNotFoundError: There is no such file.
        VideoReadError: It is no video.
        ValueError: The regions are not as expected; another model, video or setting made what is to be gone on with;
            a camera, which begins anew each time, is to be gone on with; zones or lines with a model without points.
        OSError: Something cannot be written.
        KeyboardInterrupt: After everything was left whole, to be gone on with.
    """
    for name, value in (('every', every), ('part_frames', part_frames)):
        if value < 1:
            raise ValueError(f'{name}: expected 1 or more, found {value}')
    if not 0 <= smoothing < math.inf or (max_step is not None and not 0 < max_step < math.inf):
        raise ValueError(f'expected smoothing of 0 or more, a step above 0, found {smoothing} and {max_step}')
    if resume and (isinstance(source, int) or is_stream(source)):
        raise ValueError(f'{source_name(source)}: a camera cannot be gone on with, only a file')
    with Video(source) as video:
        run = _Run(crowd, video, Path(out_dir), regions, every, smoothing, max_step, patience, overlay, resume)
        stopped = None
        try:
            for index, seconds, frame in video:
                if index < run.next or index % every:
                    continue
                count = run.look(index, seconds, frame)
                if run.parts.frames >= part_frames or (not overlay and run.rows % part_frames == 0):
                    run.checkpoint()
                if on_frame is not None:
                    on_frame(index + 1, count)
        except KeyboardInterrupt as error:
            stopped = error
        finally:
            run.checkpoint()
            run.journal.close()
        summary = run.summarize(complete=stopped is None and video.fault is None, fault=video.fault)
    if stopped is not None:
        raise stopped
    return summary


class _Run:
    """One frame after the other: row, overlay, and the state from which the next frame goes on."""

    def __init__(self, crowd, video, out_dir, regions, every, smoothing, max_step, patience, overlay, resume) -> None:
        info = video.info
        size = (info.width, info.height)
        self.crowd, self.video, self.out_dir, self.overlay = crowd, video, out_dir, overlay
        self.regions = Regions() if regions is None else read_regions(regions, size)
        max_step = 0.02 * math.hypot(*size) if max_step is None else float(max_step)
        self.settings = dict(
            video=video.name, width=info.width, height=info.height, fps=info.fps, frames=info.frames, every=every,
            smoothing=smoothing, max_step=max_step, patience=patience, overlay=overlay, regions=_digest(self.regions),
        )  # fmt: skip
        settings = self.settings | crowd.identity()
        self.smoother, self.lines = Smoother(smoothing), LineCounter(self.regions.lines, max_step, patience)
        self.journal = Journal(out_dir, self._columns(), settings, resume)
        self.next, self.rows, state = 0, 0, self.journal.state
        if state is not None:
            self.next, self.rows = state['next'], state['rows']
            self.smoother.value, self.smoother.time = state['smoother']
            self.lines.restore(state['lines'])
        self.parts = OverlayParts(out_dir, info.fps / every, size, state['parts'] if state else 0)
        self._snap()

    def look(self, index: int, seconds: float, frame: np.ndarray) -> float:
        """Count a frame, which is drawn on; returns the count."""
        result = self.crowd.predict(frame, path=self.video.name)
        if not result.has_points and (self.regions.zones or self.regions.lines):
            raise ValueError('this model counts without points: zones and lines need one that locates heads')
        smoothed = self.smoother.update(seconds, result.count)
        inside = {name: int(inside_polygon(result.points, zone).sum()) for name, zone in self.regions.zones.items()}
        crossings = self.lines.update(result.points)
        self.journal.add(self._cells(index, seconds, result, smoothed, inside, crossings))
        if self.overlay:
            text = self._text(result, smoothed, inside, crossings)
            self.parts.add(draw_overlay(frame, result, self.regions, text))
        self.next, self.rows = index + 1, self.rows + 1
        self._snap()
        return result.count

    def checkpoint(self) -> None:
        """Finish the part of the overlay; a run goes on from here."""
        self.parts.finish()
        self.journal.checkpoint(**self._state, parts=self.parts.finished)

    def summarize(self, complete: bool, fault: str | None) -> dict:
        """Write ``counts.png`` and ``summary.json``; returns the latter."""
        table = self.journal.table
        figures = summarize_table(table, self.regions)
        if figures['frames']:
            plot_table(table, self.out_dir / 'counts.png', self.regions, figures['frames'], Path(self.video.name).name)
        parts = [self.parts.path(number + 1).name for number in range(self.parts.finished)]
        summary = self.settings | dict(complete=complete, fault=fault, **self.crowd.identity(), overlay=parts)
        summary = plain(summary | dict(counted=figures))
        write_json(self.out_dir / 'summary.json', summary)
        return summary

    def _snap(self) -> None:
        # Made only when all of a frame is done: a stop in its middle goes on with that frame anew.
        self._state = dict(
            bytes=self.journal.length(), next=self.next, rows=self.rows,
            smoother=[self.smoother.value, self.smoother.time], lines=self.lines.state(),
        )  # fmt: skip

    def _columns(self) -> list[str]:
        columns = ['frame', 'seconds', 'count', 'low', 'high', 'count_smoothed']
        for name in self.regions.zones:
            columns += [f'zone_{name}'] + [f'zone_{name}_per_m2'] * (name in self.regions.areas)
        for name in self.regions.lines:
            columns += [f'line_{name}_to_right', f'line_{name}_to_left']
        if len(set(columns)) < len(columns):
            raise ValueError(f'two columns of the table would share a name: rename a zone ({", ".join(columns)})')
        return columns

    def _cells(self, index, seconds, result, smoothed, inside, crossings) -> list:
        count, interval = result.count, result.interval or ('', '')
        count = count if isinstance(count, int) else round(count, 2)
        cells = [index, f'{seconds:.3f}', count, *interval, round(smoothed, 2)]
        for name, number in inside.items():
            cells.append(number)
            if name in self.regions.areas:
                cells.append(f'{number / self.regions.areas[name]:.4f}')
        return cells + [number for name in self.regions.lines for number in crossings[name]]

    def _text(self, result: CrowdResult, smoothed: float, inside: dict, crossings: dict) -> list[str]:
        sure = '' if result.interval is None else '{:,} to {:,}, '.format(*result.interval)
        rows = [f'{count_text(result.count)} heads ({sure}smoothed {smoothed:,.0f})']
        for name, number in inside.items():
            area = self.regions.areas.get(name)
            rows.append(f'{name}: {number:,}' + (f', {number / area:.2f} per m2' if area else ''))
        return rows + [f'{name}: {right:,} to right, {left:,} to left' for name, (right, left) in crossings.items()]


def _digest(regions: Regions) -> str:
    text = json.dumps(plain(dict(zones=regions.zones, lines=regions.lines, areas=regions.areas)))
    return hashlib.sha256(printable(text).encode()).hexdigest()[:16]
