"""The plots of an evaluation report, as SVG."""

import io

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from .report_data import ReportData

_BLUE, _ORANGE, _GREEN, _GREY = '#2563a8', '#c8541c', '#1a7f5a', '#8a8f98'
PLOT_STYLE = {
    'font.size': 10,
    'font.family': 'DejaVu Sans',
    'axes.spines.top': False,
    'axes.spines.right': False,
    'axes.grid': True,
    'grid.color': '#e3e6ea',
    'axes.axisbelow': True,
    'axes.titlesize': 11,
    'axes.titleweight': 'bold',
    'axes.titlelocation': 'left',
    'legend.frameon': False,
    'svg.fonttype': 'path',
    'svg.hashsalt': 'mmcrowd',
}


def report_plots(data: ReportData) -> dict[str, bytes]:
    """All plots that the data allow, SVG by name in the order of the page."""
    plots = {'count_scatter': _count_scatter, 'error_vs_density': _error_vs_density}
    if data.has_points:
        plots |= {'missed_vs_head_size': _missed_vs_size, 'f1_vs_radius': _f1_vs_radius}
        plots['precision_recall'] = _precision_recall
    return {name: _svg(draw, data) for name, draw in plots.items()}


def _svg(draw, data: ReportData) -> bytes:
    with rc_context(PLOT_STYLE):
        figure = Figure(figsize=(5.6, 4.2), layout='constrained')
        draw(figure.add_subplot(), data)
        out = io.BytesIO()
        figure.savefig(out, format='svg', metadata={'Date': None})
        return out.getvalue()


def _plain(axis) -> None:
    axis.set_major_formatter(FuncFormatter(lambda value, _: f'{value:,.0f}'))


def _log(axis, set_scale, set_limits, low: float, high: float) -> None:
    """Logarithmic, with room around the data; with zero on the axis if the data reach below one."""
    if low < 1:
        set_scale('symlog', linthresh=1, linscale=0.4)
        set_limits(-0.3, high * 1.5)
    else:
        set_scale('log')
        set_limits(10 ** np.floor(np.log10(low)), high * 1.5)
    _plain(axis)


def _count_scatter(axes: Axes, data: ReportData) -> None:
    gt, pred = data.gt_count, data.pred_count
    both = np.concatenate([gt, pred])
    low, top = float(both.min(initial=np.inf)), max(float(both.max(initial=0)), 10.0)
    axes.plot([0, top * 1.5], [0, top * 1.5], color=_GREY, lw=1, label='equal')
    axes.scatter(gt, pred, s=16, color=_BLUE, alpha=0.6, lw=0, label='image')
    _log(axes.xaxis, axes.set_xscale, axes.set_xlim, low, top)
    _log(axes.yaxis, axes.set_yscale, axes.set_ylim, low, top)
    axes.set(xlabel='annotated heads', ylabel='predicted heads', title='Predicted against annotated count')
    text = f'MAE {data.figures["mae"]:.2f}\nRMSE {data.figures["rmse"]:.2f}\n{len(gt)} images'
    axes.text(0.97, 0.05, text, transform=axes.transAxes, ha='right', va='bottom')
    axes.legend(loc='upper left')


def _error_vs_density(axes: Axes, data: ReportData) -> None:
    error = data.pred_count - data.gt_count
    axes.axhline(0, color=_GREY, lw=1)
    axes.scatter(data.density, error, s=16, color=_BLUE, alpha=0.6, lw=0, label='image')
    centres, medians, _ = _binned(data.density, error, np.median)
    if len(centres) > 1:
        axes.plot(centres, medians, color=_ORANGE, marker='o', ms=4, label='median of bin')
    axes.set_yscale('symlog', linthresh=10, linscale=0.6)
    density = data.density
    _log(axes.xaxis, axes.set_xscale, axes.set_xlim, density.min(initial=np.inf), max(density.max(initial=0), 10.0))
    _plain(axes.yaxis)
    axes.set(xlabel='annotated heads per megapixel', ylabel='predicted - annotated', title='Error against density')
    axes.legend(loc='best')


def _missed_vs_size(axes: Axes, data: ReportData) -> None:
    known = np.isfinite(data.head_sizes) & (data.head_sizes > 0)
    sizes, found = data.head_sizes[known], data.outcome.gt_matched[known].astype(float)
    centres, recall, number = _binned(sizes, found, np.mean)
    axes.plot(centres, 1 - recall, color=_ORANGE, marker='o', ms=4)
    for x, y, n in zip(centres, 1 - recall, number, strict=True):
        axes.annotate(f'{n:,}', (x, y), (0, 7), textcoords='offset points', ha='center', fontsize=8, color='#555')
    axes.set_xscale('log')
    _plain(axes.xaxis)
    axes.xaxis.set_minor_formatter(FuncFormatter(lambda value, _: f'{value:g}' if str(value)[0] in '25' else ''))
    axes.set_ylim(0, 1.08)
    label = 'head size, root of box area [px]' if data.has_boxes else 'distance to the nearest head [px]'
    axes.set(xlabel=label, ylabel='missed fraction', title=f'Missed heads against head size, {data.radius_name}')
    axes.text(0.97, 0.95, 'numbers: heads per bin', transform=axes.transAxes, ha='right', va='top', color='#555')


def _f1_vs_radius(axes: Axes, data: ReportData) -> None:
    for name, color, style in (('precision', _BLUE, '--'), ('recall', _GREEN, ':'), ('f1', _ORANGE, '-')):
        label = 'F1' if name == 'f1' else name
        axes.plot(data.sweep_radii, data.sweep[name], color=color, ls=style, lw=2 if name == 'f1' else 1.5, label=label)
    for radius in (4, 8):
        if radius in data.sweep_radii:
            f1 = data.sweep['f1'][list(data.sweep_radii).index(radius)]
            axes.plot(radius, f1, 'o', color=_ORANGE, ms=5)
            text = axes.annotate(f'F1 {f1:.3f} at {radius} px', (radius, f1), (14, -16), textcoords='offset points')
            text.set_bbox(dict(facecolor='white', edgecolor='none', alpha=0.85, pad=1))
    axes.set_ylim(0, 1.02)
    axes.set_xlim(0, data.sweep_radii[-1])
    axes.set(xlabel='radius [px]', ylabel='fraction', title=f'F1 against radius, {len(data.records)} images')
    axes.legend(loc='lower right')


def _precision_recall(axes: Axes, data: ReportData) -> None:
    curve, best = data.curve, data.curve.best()
    axes.plot(curve.recall, curve.precision, color=_BLUE, lw=1.8)
    if len(curve.threshold) == 1:
        axes.plot(curve.recall, curve.precision, 'o', color=_BLUE)
    axes.plot(best['recall'], best['precision'], 'o', color=_ORANGE, ms=7)
    text = f'best F1 {best["f1"]:.3f}\nscore >= {best["threshold"]:.4g}'
    axes.annotate(
        text, (best['recall'], best['precision']), (-10, -10), textcoords='offset points', ha='right', va='top'
    )
    axes.set_xlim(0, 1.02)
    axes.set_ylim(0, 1.02)
    axes.set(xlabel='recall', ylabel='precision', title=f'Precision and recall over the score, {data.radius_name}')


def _binned(x: np.ndarray, y: np.ndarray, statistic, num: int = 8):
    """Statistic of y in bins of about equally many x: (centre, value, number) of each bin that is not empty."""
    if not len(x):
        return np.zeros(0), np.zeros(0), np.zeros(0, np.int64)
    edges = np.unique(np.quantile(x, np.linspace(0, 1, num + 1)))
    which = np.clip(np.searchsorted(edges, x, side='right') - 1, 0, max(len(edges) - 2, 0))
    bins = np.unique(which)
    centres = np.array([np.median(x[which == b]) for b in bins])
    values = np.array([statistic(y[which == b]) for b in bins])
    return centres, values, np.bincount(which)[bins]
