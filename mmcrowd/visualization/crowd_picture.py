"""A crowd on its picture in the styles that are asked for, and annotation and prediction side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mmcrowd.evaluation.functional.matching import match_points

from .captions import Row, text_rows, write_plate
from .density import CrowdDensity
from .drawing import (
    add_caption,
    draw_annotated,
    draw_boxes,
    draw_matches,
    draw_points,
    magnification,
    magnify,
    panels,
)
from .maps import OPACITY, draw_contours, draw_density, legend_rows, to_gray
from .markers import as_points

STYLES = ('points', 'boxes', 'density', 'contours')
"""What can be drawn of a crowd: heads (coloured by score), their boxes, a heat map, bands of equal density."""
_LEGEND = 0.62
"""Size of a legend's text beside that of the count."""


def check_styles(styles: Sequence[str]) -> tuple[str, ...]:
    """Styles, each once, in the order in which they are painted.

    Raises:
        ValueError: One is unknown.
    """
    unknown = [style for style in styles if style not in STYLES]
    if isinstance(styles, str) or unknown:
        raise ValueError(f'styles: expected some of {", ".join(STYLES)}, found {unknown[0] if unknown else styles!r}')
    return tuple(style for style in ('density', 'contours', 'boxes', 'points') if style in styles)


@dataclass(frozen=True)
class Drawable:
    """What of one image can be drawn, in pixels of it.

    Attributes:
        points: ``(N, 2)`` xy.
        boxes: ``(N, 4)`` xyxy, NaN where unknown.
        scores: ``(N,)``, None where there are none.
        density: Heads per area; None takes the kernel density of the points.
    """

    points: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray | None = None
    density: CrowdDensity | None = None


def draw_crowd(
    image: np.ndarray, crowd: Drawable, styles: Sequence[str], text: str = '', peak: float | None = None
) -> np.ndarray:
    """Draw a crowd on its image, in place.

    Densities are drawn on the image without its colours. Under a heat map contours are lines alone.

    Args:
        image: ``(H, W, 3)`` uint8 RGB, modified.
        crowd: What to draw.
        styles: Some of :data:`STYLES`.
        text: ASCII lines for the upper left corner. Densities have a legend in the lower one.
        peak: Density of the highest colour; None is that of the crowd.

    Returns:
        The image.

    Raises:
        ValueError: A style is unknown.
    """
    styles = check_styles(styles)
    legend: list[Row] = []
    if {'density', 'contours'} & set(styles):
        density = crowd.density or CrowdDensity.of_points(crowd.points, image.shape)
        levels = density.levels(peak=peak)
        to_gray(image)
        if 'density' in styles:
            draw_density(image, density, levels, peak, copy=False)
        if 'contours' in styles:
            draw_contours(image, density, levels, alpha=0 if 'density' in styles else OPACITY, copy=False)
        legend = legend_rows(density, levels)
    if 'boxes' in styles:
        draw_boxes(image, crowd.boxes, copy=False)
    if 'points' in styles:
        draw_points(image, crowd.points, scores=crowd.scores, copy=False)
    write_plate(image, text_rows(text))
    write_plate(image, legend, at_bottom=True, share=_LEGEND)
    return image


def draw_compared(
    image: np.ndarray,
    gt_points: np.ndarray,
    pred_points: np.ndarray,
    match_radius: float,
    factor: int = 1,
    counted: str | None = None,
) -> list[np.ndarray]:
    """Draw annotation and prediction of one image as two panels.

    On the left the annotated heads, found (green dot) or missed (yellow ring); on the right the predicted ones, true
    (green dot) or false (red cross), and the missed heads between them. Found and true are those of a maximum matching
    within the radius.

    Args:
        image: ``(H, W, 3)`` uint8 RGB, already enlarged by ``factor``.
        gt_points: ``(N, 2)`` xy, original pixels.
        pred_points: ``(M, 2)`` xy, original pixels.
        match_radius: Largest distance of a prediction from its head, original pixels.
        factor: How many times the image is enlarged.
        counted: What the caption says is predicted; None is the number of predicted points.

    Returns:
        The annotated panel and the predicted one, of the same size.
    """
    gt_points, pred_points = (np.asarray(points, np.float64).reshape(-1, 2) for points in (gt_points, pred_points))
    head = match_points(pred_points, gt_points, match_radius)
    true, found = head >= 0, np.zeros(len(gt_points), bool)
    found[head[true]] = True
    total = len(gt_points) + len(pred_points)
    f1 = f'F1 {200 * true.sum() / total:.1f} % ' if total else ''
    counted = f'{len(pred_points):,}' if counted is None else counted
    title = f'{counted} predicted, {f1}within {match_radius:g} px'
    return [
        draw_annotated(image, gt_points * factor, found, title=f'{len(gt_points):,} annotated'),
        draw_matches(image, gt_points * factor, pred_points * factor, found, true, title=title),
    ]


def draw_beside_truth(
    image: np.ndarray,
    gt_points: np.ndarray,
    crowd: Drawable,
    styles: Sequence[str],
    match_radius: float,
    counted: str,
) -> np.ndarray:
    """Draw a picture of annotation and prediction, side by side.

    Points are drawn as by :func:`draw_compared`. Other styles are drawn on both panels alike: with a kernel of the same
    width, and the same colours for the same densities.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        gt_points: ``(N, 2)`` xy, pixels of the image.
        crowd: What was predicted.
        styles: Some of :data:`STYLES`.
        match_radius: Largest distance of a prediction from its head, pixels of the image.
        counted: How many heads the model says there are.

    Returns:
        The picture, at least twice as wide; small or dense images are enlarged if points are all that is drawn.

    Raises:
        ValueError: A style is unknown.
    """
    gt_points = as_points(gt_points)
    if check_styles(styles) == ('points',):
        factor = magnification(np.concatenate([gt_points, crowd.points]), image.shape)
        scene = magnify(image, factor)
        return panels(draw_compared(scene, gt_points, crowd.points, match_radius, factor, counted))
    density = crowd.density or CrowdDensity.of_points(crowd.points, image.shape)
    truth = CrowdDensity.of_points(gt_points, image.shape, density.width)
    peak = max(truth.peak, density.peak)
    unknown = np.full((len(gt_points), 4), np.nan)
    left = draw_crowd(image.copy(), Drawable(gt_points, unknown, density=truth), styles, peak=peak)
    right = draw_crowd(image.copy(), replace(crowd, density=density), styles, peak=peak)
    return panels([add_caption(left, f'{len(gt_points):,} annotated'), add_caption(right, f'{counted} predicted')])
