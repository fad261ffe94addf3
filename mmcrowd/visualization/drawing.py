"""Pictures of crowds, drawn with numpy and OpenCV alone.

Images are ``(H, W, 3)`` uint8 RGB and are modified in place only where ``copy=False`` asks for it; points are
``(N, 2)`` xy and boxes ``(N, 4)`` xyxy, both in pixels of the image they are drawn on, continuous (the pixel in column
j covers [j, j + 1)). A point with a NaN or infinite coordinate has no place and is not drawn. Zero heads is an ordinary
picture.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from .captions import add_strip, text_rows, write_plate
from .markers import Color, as_points, auto_radius, checked_image, copy_of, head_radii, stamp

TRUE_COLOR: Color = (0, 220, 150)
FALSE_COLOR: Color = (255, 70, 40)
MISSED_COLOR: Color = (255, 235, 60)
POINT_COLOR: Color = (0, 225, 255)
WEAK_COLOR: Color = (255, 70, 190)
BOX_COLOR: Color = (255, 210, 70)
_BACKGROUND: Color = (250, 250, 250)
_ERROR = 1.25
"""Size of the marker of a missed or false head beside that of a true one."""
_TRUE, _MISSED = ('dot', TRUE_COLOR), ('ring', MISSED_COLOR)


def draw_points(
    image: np.ndarray,
    points: np.ndarray,
    color: Color = POINT_COLOR,
    radius: float | np.ndarray | None = None,
    scores: np.ndarray | None = None,
    marker: str = 'dot',
    copy: bool = True,
) -> np.ndarray:
    """Draw one marker with a dark edge per head.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        points: ``(N, 2)`` xy, pixels of the image. Points outside draw what of their marker reaches inside.
        color: RGB of the markers.
        radius: Pixels, one for all or ``(N,)``; None chooses each by :func:`head_radii`.
        scores: ``(N,)`` in [0, 1]; if given, the colour runs from pink (0) to ``color`` (1).
        marker: 'dot', 'ring', 'cross' or 'square'.
        copy: Whether to draw on a copy.

    Returns:
        The drawn image.
    """
    out = copy_of(image) if copy else image
    points = as_points(points)
    radius = head_radii(points, image.shape) if radius is None else radius
    colors = np.asarray(color, np.float32)
    if scores is not None:
        scores = np.asarray(scores, np.float32).reshape(-1)
        if len(scores) != len(points):
            raise ValueError(f'scores must be one per point: found {len(scores)} scores for {len(points)} points')
        weight = np.clip(scores, 0, 1)[:, None]
        colors = (1 - weight) * np.asarray(WEAK_COLOR, np.float32) + weight * colors
    stamp(out, points, colors, marker, radius)
    return out


def draw_boxes(
    image: np.ndarray, boxes: np.ndarray, color: Color = BOX_COLOR, thickness: int | None = None, copy: bool = True
) -> np.ndarray:
    """Draw the outlines of boxes; rows with a NaN or infinite entry (box not known) are skipped.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        boxes: ``(N, 4)`` xyxy, pixels of the image.
        color: RGB.
        thickness: Line width in pixels; None chooses it from the image size, at most a tenth of the box.
        copy: Whether to draw on a copy.

    Returns:
        The drawn image.
    """
    out = copy_of(image) if copy else image
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    boxes = boxes[np.isfinite(boxes).all(axis=1)]
    height, width = image.shape[:2]
    if thickness is None:
        usual = max(1, round(np.sqrt(height * width) / 1000))
        lines = np.clip((boxes[:, 2:] - boxes[:, :2]).min(axis=1) // 10, 1, usual).astype(int)
    else:
        usual, lines = thickness, np.full(len(boxes), thickness)
    margin = usual + 2
    boxes[:, 0::2] = np.clip(boxes[:, 0::2], -margin, width + margin)
    boxes[:, 1::2] = np.clip(boxes[:, 1::2], -margin, height + margin)
    x1, y1 = np.floor(boxes[:, :2].T)
    x2, y2 = np.maximum(np.ceil(boxes[:, 2:].T) - 1, (x1, y1))
    corners = np.stack([x1, y1, x2, y1, x2, y2, x1, y2], axis=1).reshape(-1, 4, 1, 2).astype(np.int32)
    for line in np.unique(lines):
        cv2.polylines(out, list(corners[lines == line]), True, color, int(line))
    return out


def draw_count(image: np.ndarray, text: str, copy: bool = True) -> np.ndarray:
    """Write a text, usually the count, on a dark translucent plate in the top left corner.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        text: ASCII text; several lines are separated by a newline.
        copy: Whether to draw on a copy.

    Returns:
        The drawn image; the text is scaled with the image and shrinks until it fits.
    """
    out = copy_of(image) if copy else image
    write_plate(out, text_rows(text))
    return out


def add_caption(image: np.ndarray, text: str) -> np.ndarray:
    """Put a dark strip with a text above an image, so that the text hides no head.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        text: ASCII text; several lines are separated by a newline.

    Returns:
        A new, higher image of the same width. The strip's height depends on the image's shape and the number of
        lines alone; a line that is too long is written smaller.
    """
    checked_image(image)
    return add_strip(image, text_rows(text)) if text else copy_of(image)


def magnification(points: np.ndarray, shape: Sequence[int], longest_side: int = 2400) -> int:
    """Choose how many times to enlarge an image so that the markers of its heads can be told apart.

    Args:
        points: ``(N, 2)`` xy, pixels.
        shape: Height and width of the image, pixels (more entries are ignored).
        longest_side: The enlarged image's longest side may not exceed this, pixels.

    Returns:
        1 to 8: enough for markers of 3 px radius and a longest side of 600 px.
    """
    longest = max(shape[:2])
    wanted = max(3 / auto_radius(points, shape), 600 / longest)
    return int(np.clip(np.ceil(wanted), 1, np.clip(longest_side // longest, 1, 8)))


def magnify(image: np.ndarray, factor: int, smooth: bool = True) -> np.ndarray:
    """Enlarge an image by a whole number; its points and boxes are to be multiplied by the same."""
    checked_image(image)
    if factor == 1:
        return copy_of(image)
    how = cv2.INTER_CUBIC if smooth else cv2.INTER_NEAREST
    return cv2.resize(image, None, fx=factor, fy=factor, interpolation=how)


def draw_matches(
    image: np.ndarray,
    gt_points: np.ndarray,
    pred_points: np.ndarray,
    matched_gt: np.ndarray,
    matched_pred: np.ndarray,
    radius: float | None = None,
    title: str = '',
) -> np.ndarray:
    """Draw which heads were found: true (green dot), missed (yellow ring), false (red cross), and how many of each.

    The three differ in shape and in lightness as well as in colour, for readers who do not tell red from green.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        gt_points: ``(N, 2)`` xy, pixels of the image.
        pred_points: ``(M, 2)`` xy, pixels of the image.
        matched_gt: ``(N,)`` bool, whether the annotated head was found.
        matched_pred: ``(M,)`` bool, whether the prediction is a head.
        radius: Of the markers, pixels; None chooses each by :func:`head_radii`.
        title: ASCII lines above the legend.

    Returns:
        A new image of the same width, higher by the strip with the legend.

    Raises:
        ValueError: If a mask is not one bool per point.
    """
    out = copy_of(image)
    gt_points, pred_points = as_points(gt_points), as_points(pred_points)
    matched_gt = _as_mask(matched_gt, len(gt_points), 'matched_gt')
    matched_pred = _as_mask(matched_pred, len(pred_points), 'matched_pred')
    true, false, missed = pred_points[matched_pred], pred_points[~matched_pred], gt_points[~matched_gt]
    groups = (true, missed, false)
    radii = (
        head_radii(np.concatenate(groups), image.shape) if radius is None else np.full(sum(map(len, groups)), radius)
    )
    kinds = (_TRUE, _MISSED, ('cross', FALSE_COLOR))
    starts = np.cumsum([len(true), len(missed)])
    for points, (marker, color), sizes in zip(groups, kinds, np.split(radii, starts), strict=True):
        stamp(out, points, np.asarray(color, np.float32), marker, sizes * (1.0 if marker == 'dot' else _ERROR))
    numbers = (f'{len(true):,} true', f'{len(missed):,} missed', f'{len(false):,} false')
    return add_strip(out, [*text_rows(title), list(zip(kinds, numbers, strict=True))])


def draw_annotated(
    image: np.ndarray, gt_points: np.ndarray, matched_gt: np.ndarray, radius: float | None = None, title: str = ''
) -> np.ndarray:
    """Draw the annotated heads as :func:`draw_matches` does: found (green dot) and missed (yellow ring).

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        gt_points: ``(N, 2)`` xy, pixels of the image.
        matched_gt: ``(N,)`` bool, whether the head was found.
        radius: Of the markers, pixels; None chooses each by :func:`head_radii`.
        title: ASCII lines above the legend.

    Returns:
        A new image of the same width, higher by the strip with the legend.

    Raises:
        ValueError: If the mask is not one bool per point.
    """
    out, gt_points = copy_of(image), as_points(gt_points)
    matched_gt = _as_mask(matched_gt, len(gt_points), 'matched_gt')
    radii = head_radii(gt_points, image.shape) if radius is None else np.full(len(gt_points), radius)
    entries = []
    for (marker, color), which, name in ((_TRUE, matched_gt, 'found'), (_MISSED, ~matched_gt, 'missed')):
        stamp(
            out,
            gt_points[which],
            np.asarray(color, np.float32),
            marker,
            radii[which] * (1 if marker == 'dot' else _ERROR),
        )
        entries.append(((marker, color), f'{which.sum():,} {name}'))
    return add_strip(out, [*text_rows(title), entries])


def panels(images: Sequence[np.ndarray], gap: int | None = None) -> np.ndarray:
    """Put images side by side on a light ground, aligned at the top.

    Args:
        images: One or more ``(H, W, 3)`` uint8 RGB images.
        gap: Pixels between them; None takes 1 % of the largest height.

    Returns:
        One image, as high as the highest.
    """
    if not images:
        raise ValueError('panels needs at least one image, found none')
    for image in images:
        checked_image(image)
    height = max(image.shape[0] for image in images)
    gap = max(2, height // 100) if gap is None else gap
    width = sum(image.shape[1] for image in images) + gap * (len(images) - 1)
    out = np.full((height, width, 3), _BACKGROUND, np.uint8)
    left = 0
    for image in images:
        out[: image.shape[0], left : left + image.shape[1]] = image
        left += image.shape[1] + gap
    return out


def _as_mask(mask: np.ndarray, length: int, name: str) -> np.ndarray:
    mask = np.asarray(mask)
    if mask.shape != (length,) or (length and mask.dtype != bool):
        raise ValueError(f'{name} must be ({length},) bool, one per point, found shape {mask.shape} of {mask.dtype}')
    return mask.astype(bool)
