"""What a labeler leaves to look at: numbers, a map of sizes per scene, pictures with boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from mmcrowd.datasets.formats import AnnotatedImage
from mmcrowd.utils.files import picture_names
from mmcrowd.utils.json_files import write_json
from mmcrowd.utils.pictures import read_image, swap_channels, write_image
from mmcrowd.visualization import draw_boxes

from .batch import Labelled

_PRESET_COLOR, _DOUBT_COLOR = (60, 255, 120), (255, 70, 190)


def write_report(made: Labelled, folder: str | Path, images: str | Path, pictures: int = 20) -> Path:
    """Write ``report.json``, ``sizes/<scene>.png`` and ``gallery/<image>.jpg``.

    In the gallery, drawn and annotated boxes are green, interpolated ones yellow, guesses pink.

    Args:
        made: What was labelled.
        folder: Made if needed.
        images: Folder of the images.
        pictures: How many scenes, and how many images at even distances, are shown.

    Returns:
        The report.
    """
    folder, images = Path(folder), Path(images)
    scenes = {name: asdict(report) for name, report in made.reports.items()}
    errors = [report.error for report in made.reports.values() if np.isfinite(report.error)]
    summary = dict(
        images=len(made.collection.images),
        heads=sum(map(len, made.collection.images)),
        interpolated=sum(len(image.extra['pseudo_boxes']) for image in made.collection.images),
        extrapolated=sum(report.extrapolated for report in made.reports.values()),
        leave_one_out_error=float(np.mean(errors)) if errors else None,
    )
    write_json(folder / 'report.json', dict(summary, notes=made.notes, scenes=scenes))
    by_path = {image.img_path: image for image in made.collection.images}
    shown = [name for name, report in made.reports.items() if report.presets and report.images[0] in by_path]
    names = picture_names(shown, '.png')
    for name in _spread(shown, pictures):
        members = [by_path[path] for path in made.reports[name].images if path in by_path]
        draw_sizes(members, made.reports[name].error, folder / 'sizes' / names[name])
    names = picture_names(by_path)
    for name in _spread(list(by_path), pictures):
        (folder / 'gallery').mkdir(parents=True, exist_ok=True)
        write_image(folder / 'gallery' / names[name], picture_of(by_path[name], images))
    return folder / 'report.json'


def _spread(names: Sequence[str], number: int) -> list[str]:
    rows = np.unique(np.linspace(0, len(names) - 1, min(number, len(names))).round().astype(int))
    return [names[row] for row in rows]


def picture_of(image: AnnotatedImage, folder: Path) -> np.ndarray:
    """The image with its boxes, (H, W, 3) uint8 BGR."""
    canvas = swap_channels(read_image(folder / image.img_path))
    pseudo, doubtful = (
        np.isin(np.arange(len(image)), image.extra.get(k, [])) for k in ('pseudo_boxes', 'extrapolated')
    )
    draw_boxes(canvas, image.boxes[pseudo & ~doubtful], copy=False)
    draw_boxes(canvas, image.boxes[doubtful], _DOUBT_COLOR, copy=False)
    draw_boxes(canvas, image.boxes[~pseudo], _PRESET_COLOR, copy=False)
    return swap_channels(canvas)


def draw_sizes(members: Sequence[AnnotatedImage], error: float, path: Path) -> None:
    """Draw a map of the head sizes of a scene, as PNG: a spot of the colour of its size per head, presets outlined."""
    from matplotlib.figure import Figure

    width, height = (max(image.size[axis] for image in members) for axis in (0, 1))
    points = np.concatenate([image.points for image in members])
    boxes = np.concatenate([image.boxes for image in members])
    pseudo = np.concatenate([np.isin(np.arange(len(image)), image.extra['pseudo_boxes']) for image in members])
    sizes = np.sqrt((boxes[:, 2:] - boxes[:, :2]).prod(axis=1))
    figure = Figure(figsize=(8, max(2.0, min(12.0, 7 * height / width))), layout='constrained')
    axis = figure.subplots()
    spots = axis.scatter(*points[pseudo].T, c=sizes[pseudo], s=8, cmap='viridis')
    axis.scatter(*points[~pseudo].T, c=sizes[~pseudo], s=60, cmap='viridis', norm=spots.norm, edgecolors='red')
    figure.colorbar(spots, label='size of the head, pixels')
    axis.set(xlim=(0, width), ylim=(height, 0), aspect='equal', xlabel='x, pixels', ylabel='y, pixels')
    axis.set_title('leave-one-out error ' + (f'{error:.1%}' if np.isfinite(error) else 'unknown') + ', presets in red')
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80)
