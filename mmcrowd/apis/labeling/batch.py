"""Boxes for all heads of a data set from a few, without a page: the body of ``tools/label_heads.py --out``."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from mmengine.utils import ProgressBar

from mmcrowd.datasets.formats import AnnotatedImage, Collection
from mmcrowd.datasets.formats.collection import has_box
from mmcrowd.labeling import MarkedImage, SceneSizes, preset_faults

from .sources import same_files, scenes_of, with_sizes


@dataclass
class SceneReport:
    """How well the presets of a scene agree.

    Attributes:
        images: Paths of its images.
        heads: How many there are.
        presets: How many boxes were drawn.
        error: Mean absolute leave-one-out error of the presets' sizes, relative; NaN with fewer than two.
        shares: Part of the combination -> its weight.
        outliers: Presets that the others contradict.
        extrapolated: Heads far from any preset.
    """

    images: list[str]
    heads: int
    presets: int
    error: float = np.nan
    shares: dict[str, float] = field(default_factory=dict)
    outliers: int = 0
    extrapolated: int = 0


@dataclass
class Labelled:
    """What came out.

    Attributes:
        collection: The images with boxes. Each says in ``extra`` which boxes are interpolated (``pseudo_boxes``) and
            which of them are little more than a guess (``extrapolated``), as rows.
        reports: Scene -> report.
        faults: A line about each image, preset or scene that is left out.
        remarks: A line about each scene or image that is doubtful.
    """

    collection: Collection
    reports: dict[str, SceneReport]
    faults: list[str]
    remarks: list[str]

    @property
    def notes(self) -> list[str]:
        """All that is to be said."""
        return self.faults + self.remarks


def label_collection(
    heads: Collection,
    folder: Path,
    presets: Mapping[str, np.ndarray] | None = None,
    scenes: str = 'image',
    method: str = 'combined',
    progress: bool = False,
) -> Labelled:
    """Give every head that has no box one.

    Args:
        heads: Points; boxes that are annotated stay.
        folder: Of the images.
        presets: Image -> (K, 4) drawn boxes xyxy; None takes the boxes that are annotated.
        scenes: See :data:`~mmcrowd.apis.labeling.sources.SCENES`.
        method: See :data:`mmcrowd.labeling.METHODS`.
        progress: Whether to show a bar on the standard error.

    Raises:
        ValueError: There is no preset at all, or another value of ``scenes`` or ``method``.
    """
    images, faults = with_sizes(heads.images, folder)
    presets, unsound = sound_presets(images, presets)
    faults += unsound
    same = same_files(folder, [image.img_path for image in images])
    remarks = [f'{name}: the same file as {other}' for name, other in same.items()]
    if not presets:
        why = f' ({faults[0]})' if faults else ''
        raise ValueError(f'{folder}: no preset in {len(heads.images)} images{why}: draw a few boxes')
    bar = ProgressBar(len(images), file=sys.stderr) if progress else None
    reports, found = {}, []
    for name, members in scenes_of(images, scenes).items():
        reports[name], lines = label_scene(name, members, presets, method)
        (remarks if reports[name].presets else faults).extend(lines)
        found += [image for image in members if has_box(image).all()]
        for _ in members if bar else ():
            bar.update()
    if bar:
        print(file=sys.stderr)
    return Labelled(Collection(heads.classes, found), reports, faults, remarks)


def sound_presets(
    images: Sequence[AnnotatedImage], presets: Mapping[str, np.ndarray] | None
) -> tuple[dict[str, np.ndarray], list[str]]:
    """The presets of use, and a line about each that is of none; None takes the boxes that are annotated."""
    if presets is None:
        presets = {image.img_path: image.boxes[has_box(image)] for image in images}
    sizes = {image.img_path: image.size for image in images}
    kept, notes = (
        {},
        [
            f'{name}: {len(boxes)} presets, and no heads of this image; left out'
            for name, boxes in presets.items()
            if name not in sizes and len(boxes)
        ],
    )
    for name, boxes in presets.items():
        if name in sizes:
            faults = preset_faults(boxes, sizes[name])
            notes += [f'{name}: preset {row} {fault}; left out' for row, fault in faults.items()]
            if len(faults) < len(boxes):
                kept[name] = np.delete(boxes, list(faults), axis=0)
    return kept, notes


def label_scene(
    name: str, members: Sequence[AnnotatedImage], presets: Mapping[str, np.ndarray], method: str
) -> tuple[SceneReport, list[str]]:
    """Fill in the missing boxes of the images of one scene, in place; see :func:`label_collection`."""
    none = np.zeros((0, 4))
    marked = [MarkedImage(image.points, presets.get(image.img_path, none), image.size) for image in members]
    report = SceneReport([i.img_path for i in members], sum(map(len, members)), sum(len(m.presets) for m in marked))
    lacking = sum(int((~has_box(image)).sum()) for image in members)
    if not report.presets:
        lines = [
            f'{name}: {lacking} heads and no preset in the scene: left out; draw one, or let more images share theirs'
        ]
        return report, lines if lacking else []
    sizes = SceneSizes([image for image in marked if len(image.presets)], method)
    for image, seen in zip(members, marked, strict=True):
        made, missing = sizes.estimate(seen), ~has_box(image)
        image.boxes = np.where(missing[:, None], _rounded(made.boxes), image.boxes)
        image.extra['pseudo_boxes'] = np.flatnonzero(missing & (made.preset < 0)).tolist()
        image.extra['extrapolated'] = np.flatnonzero(missing & made.extrapolated).tolist()
        report.extrapolated += len(image.extra['extrapolated'])
    report.error, report.shares = float(np.abs(sizes.errors).mean()), sizes.shares
    report.outliers = int(sizes.outliers.sum())
    return report, _remarks(name, report, np.concatenate([seen.presets for seen in marked]))


def _rounded(boxes: np.ndarray) -> np.ndarray:
    """Boxes (N, 4) to a hundredth of a pixel, but where no area would be left."""
    short = boxes.round(2)
    return np.where((short[:, 2:] > short[:, :2]).all(axis=1, keepdims=True), short, boxes)


def _remarks(name: str, report: SceneReport, presets: np.ndarray) -> list[str]:
    sides, lines = presets[:, 2:] - presets[:, :2], []
    if report.presets == 1:
        lines.append(f'{name}: one preset alone: how sizes change over the image is a guess')
    elif np.ptp(np.log(sides.prod(axis=1))) < 0.01:
        lines.append(f'{name}: all {report.presets} presets are of one size: draw heads near and far')
    if report.outliers:
        lines.append(f'{name}: {report.outliers} of {report.presets} presets contradict the others: look at them')
    return lines
