"""What a table of counts says: figures and a plot. It is read row by row, so its length does not matter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmcrowd.visualization.report_plots import PLOT_STYLE

from .journal import read_table
from .regions import Regions

_COLORS = ('#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00')
"""Okabe and Ito's, the dark ones first."""
_MOST_PLOTTED = 2000


def summarize_table(path: Path, regions: Regions) -> dict:
    """Figures of a table: frames, time, counts, zones and lines.

    Args:
        path: ``counts.csv``.
        regions: What it has columns for.

    Returns:
        Plain numbers by name; of an empty table, the number of frames alone.
    """
    sums: dict[str, float] = {}
    most: dict[str, float] = {}
    least, rows, row, first, peak = np.inf, 0, {}, 0.0, 0.0
    for rows, row in enumerate(read_table(path), 1):
        if rows == 1:
            first = row['seconds']
        if row['count'] > most.get('count', -np.inf):
            peak = row['seconds']
        least = min(least, row['count'])
        for key, value in row.items():
            sums[key] = sums.get(key, 0.0) + value
            most[key] = max(most.get(key, -np.inf), value)
    if not rows:
        return dict(frames=0)
    figures = dict(frames=rows, seconds=row['seconds'] - first)
    figures['count'] = dict(
        mean=sums['count'] / rows, least=least, most=most['count'], most_at_seconds=peak, last=row['count']
    )
    figures['zones'] = {name: _zone_figures(name, regions, sums, most, rows) for name in regions.zones}
    figures['lines'] = {
        name: dict(to_right=int(row[f'line_{name}_to_right']), to_left=int(row[f'line_{name}_to_left']))
        for name in regions.lines
    }
    return figures


def _zone_figures(name: str, regions: Regions, sums: dict, most: dict, rows: int) -> dict:
    key = f'zone_{name}'
    found = dict(mean=sums[key] / rows, most=most[key])
    if name in regions.areas:
        found |= dict(square_metres=regions.areas[name])
        found |= dict(mean_per_m2=sums[f'{key}_per_m2'] / rows, most_per_m2=most[f'{key}_per_m2'])
    return found


def plot_table(path: Path, out: Path, regions: Regions, rows: int, title: str = '') -> None:
    """Plot counts over time, and those of zones and lines, as a PNG.

    Args:
        path: ``counts.csv``.
        out: The picture.
        regions: What the table has columns for.
        rows: How many rows it has. Beyond 2,000, neighbours are plotted as one: means, and a band from least to most.
        title: Of the plot.
    """
    table = _Binned(path, max(1, -(-rows // _MOST_PLOTTED)))
    panels = [_plot_count] + [_plot_zones] * bool(regions.zones) + [_plot_lines] * bool(regions.lines)
    with rc_context(PLOT_STYLE):
        figure = Figure(figsize=(8, 0.6 + 2.6 * len(panels)), layout='constrained')
        axes = figure.subplots(len(panels), sharex=True, squeeze=False)[:, 0]
        for draw, axis in zip(panels, axes, strict=True):
            draw(axis, table, regions)
            axis.set_ylim(bottom=0)
            axis.legend(loc='center left', bbox_to_anchor=(1, 0.5))
        axes[0].set_title(title)
        axes[-1].set_xlabel('seconds')
        figure.savefig(out, format='png', dpi=110, metadata={'Software': None})


class _Binned:
    """Columns of a table, ``bin`` rows each as one: means, and least and most of the count."""

    def __init__(self, path: Path, bin: int) -> None:
        means, self.least, self.most = {}, [], []
        for rows in _bins(read_table(path), bin):
            for key in rows[0]:
                means.setdefault(key, []).append(float(np.mean([row[key] for row in rows])))
            counts = [row['count'] for row in rows]
            self.least.append(min(counts))
            self.most.append(max(counts))
        self.means = means

    def __getitem__(self, key: str) -> list[float]:
        return self.means[key]


def _bins(rows: Iterator[dict], size: int) -> Iterator[list[dict]]:
    found = []
    for row in rows:
        found.append(row)
        if len(found) == size:
            yield found
            found = []
    if found:
        yield found


def _plot_count(axes: Axes, table: _Binned, regions: Regions) -> None:
    if np.isfinite(table['low']).any():
        band = dict(color=_COLORS[0], alpha=0.15, lw=0, label='interval')
        axes.fill_between(table['seconds'], table['low'], table['high'], **band)
    axes.fill_between(table['seconds'], table.least, table.most, color='#a9afb8', lw=0.8, label='count')
    axes.plot(table['seconds'], table['count_smoothed'], color=_COLORS[0], lw=1.8, label='smoothed')
    axes.set_ylabel('heads')


def _plot_zones(axes: Axes, table: _Binned, regions: Regions) -> None:
    unit = '_per_m2' if regions.areas else ''
    for number, name in enumerate(regions.zones):
        color, style = _COLORS[number % len(_COLORS)], ('-', '--', ':')[number // len(_COLORS) % 3]
        axes.plot(table['seconds'], table[f'zone_{name}{unit}'], color=color, ls=style, lw=1.2, label=name)
    axes.set_ylabel('people per m²' if regions.areas else 'heads in the zone')


def _plot_lines(axes: Axes, table: _Binned, regions: Regions) -> None:
    for number, name in enumerate(regions.lines):
        color = _COLORS[number % len(_COLORS)]
        for way, style in (('right', '-'), ('left', '--')):
            key = f'line_{name}_to_{way}'
            axes.plot(table['seconds'], table[key], color=color, ls=style, lw=1.5, label=f'{name}, to {way}')
    axes.set_ylabel('crossings so far')
