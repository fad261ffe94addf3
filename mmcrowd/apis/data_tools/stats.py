"""Numbers and a figure about a data set: the body of ``tools/dataset_tools/dataset_stats.py``."""

from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from mmcrowd.datasets.crowd_dataset import image_size
from mmcrowd.utils.json_files import write_json

PERCENTILES = (1, 5, 25, 50, 75, 95, 99)


def dataset_stats(samples: list[dict], grid: int = 32) -> dict:
    """Describe the heads of a data set.

    Args:
        samples: Samples of a :class:`CrowdDataset`: ``img_path`` and ``heads`` (N, 6).
        grid: Cells per side of the density map.

    Returns:
        JSON values: ``images``, ``heads``, ``without_heads``; percentiles of ``heads_per_image``, of ``distance`` (from
        a head to the nearest other head, pixels) and of ``size`` (square root of the box area, pixels), empty where
        there is nothing; ``density``, the share of the heads in each of grid x grid parts of the image, rows from the
        top. ``values`` has the raw values as arrays.
    """
    counts, distances, sizes = [], [np.zeros(0)], [np.zeros(0)]
    density = np.zeros((grid, grid))
    for sample in samples:
        heads = np.asarray(sample['heads'], dtype=np.float64)
        counts.append(len(heads))
        if not len(heads):
            continue
        if len(heads) > 1:
            distances.append(cKDTree(heads[:, :2]).query(heads[:, :2], k=2)[0][:, 1])
        areas = (heads[:, 4:] - heads[:, 2:4]).clip(0).prod(axis=1)
        sizes.append(np.sqrt(areas[~np.isnan(areas)]))
        cell = (heads[:, :2] / image_size(sample['img_path']) * grid).clip(0, grid - 1e-6).astype(int)
        np.add.at(density, (cell[:, 1], cell[:, 0]), 1)
    values = dict(heads_per_image=np.array(counts), distance=np.concatenate(distances), size=np.concatenate(sizes))
    return dict(
        images=len(counts),
        heads=int(sum(counts)),
        without_heads=int(sum(count == 0 for count in counts)),
        **{name: _percentiles(array) for name, array in values.items()},
        density=(density / max(1.0, density.sum())).tolist(),
        values=values,
    )


def _percentiles(values: np.ndarray) -> dict[str, float]:
    if not len(values):
        return {}
    named = {f'p{p}': float(value) for p, value in zip(PERCENTILES, np.percentile(values, PERCENTILES), strict=True)}
    return dict(min=float(values.min()), **named, max=float(values.max()), mean=float(values.mean()))


def save_stats(stats: dict[str, dict], folder: str | Path) -> tuple[Path, Path]:
    """Write ``stats.json`` and ``stats.png``.

    Args:
        stats: Split -> :func:`dataset_stats`.
        folder: Made if needed.

    Returns:
        The two files.
    """
    from matplotlib.figure import Figure

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    plain = {split: {k: v for k, v in facts.items() if k != 'values'} for split, facts in stats.items()}
    write_json(folder / 'stats.json', plain)
    figure = Figure(figsize=(14, 3.2 * len(stats)), layout='constrained')
    axes = figure.subplots(len(stats), 4, squeeze=False)
    labels = dict(heads_per_image='heads per image', distance='distance to the nearest head, px', size='head size, px')
    for row, (split, facts) in zip(axes, stats.items(), strict=True):
        for axis, (key, label) in zip(row, labels.items(), strict=False):
            _histogram(axis, facts['values'][key], label, 'images' if key == 'heads_per_image' else 'heads')
        row[0].set_title(f'{split}: {facts["images"]:,} images, {facts["heads"]:,} heads')
        row[3].imshow(np.array(facts['density']), cmap='magma')
        row[3].set(title='where heads are', xlabel='image width', ylabel='image height', xticks=[], yticks=[])
    figure.savefig(folder / 'stats.png', dpi=100)
    return folder / 'stats.json', folder / 'stats.png'


def _histogram(axis, values: np.ndarray, label: str, counted: str) -> None:
    axis.set(xlabel=label, ylabel=counted)
    if len(values):
        top = np.percentile(values, 99)
        bars = axis.hist(values.clip(max=top), bins=40)[2]
        rest = int((values > top).sum())
        if rest:
            bars[-1].set_color('tab:orange')
            text = f'last bar: all {rest:,} {counted} above {top:,.4g},\nup to {values.max():,.4g}'
            axis.text(0.98, 0.97, text, ha='right', va='top', fontsize=8, transform=axis.transAxes)
    else:
        axis.text(0.5, 0.5, 'none', ha='center', va='center', transform=axis.transAxes)
