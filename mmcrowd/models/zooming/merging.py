"""Points of enlarged regions in place of those of the whole image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

from mmcrowd.codecs import Decoded


def merge_regions(
    coarse: Decoded, boxes: Tensor, parts: Sequence[Decoded], zoom: float = 2.0, border: float = 1.5
) -> Decoded:
    """Replace the heads of an image by those of its regions, where there are regions.

    A pixel belongs to the first region that holds it. A region's heads count in its own pixels alone, and there the
    coarser ones do not: so no pixel is read twice. A head whose two readings fall on either side of a border between
    owners would still count twice, or not at all; the former is undone: of heads of different owners nearer than
    ``border``, the one of the larger score stays.

    Args:
        coarse: Heads of the image, pixels.
        boxes: (R, 4) long xyxy, pixels of the image, best region first.
        parts: Heads of each region, pixels of the enlarged region.
        zoom: Pixels of an enlarged region per pixel of the image.
        border: Distance of two readings of one head at most, pixels of the image.

    Returns:
        Without a count; a map maximum stays that of the image.
    """
    found = [coarse] + [
        part.scale(1 / zoom).translate(*box[:2].tolist()) for box, part in zip(boxes, parts, strict=True)
    ]
    merged = Decoded.cat([replace(part, map_max=None, count=None, counts={}) for part in found])
    source = torch.repeat_interleave(
        torch.arange(len(found), device=merged.points.device),
        torch.tensor([len(part) for part in found], device=merged.points.device),
    )
    owned = _owners(merged.points, boxes.to(merged.points.device)) == source
    merged, source = merged[owned], source[owned]
    return replace(merged[_once(merged, source, border)], map_max=coarse.map_max)


def _owners(points: Tensor, boxes: Tensor) -> Tensor:
    """The owner of the pixel of each point: (N,) long, 0 the image, r + 1 the region r."""
    pixels = points.floor()[:, None]
    inside = ((pixels >= boxes[:, :2]) & (pixels < boxes[:, 2:])).all(dim=2)
    if not len(boxes):
        return inside.new_zeros(len(points), dtype=torch.long)
    return torch.where(inside.any(dim=1), inside.int().argmax(dim=1) + 1, 0)


def _once(heads: Decoded, source: Tensor, border: float) -> Tensor:
    """Heads to keep, (N,) bool: of two of different ``source`` within ``border``, the one of the larger score."""
    points, scores, source = (t.cpu().double().numpy() for t in (heads.points, heads.scores, source))
    keep = np.ones(len(points), bool)
    pairs = cKDTree(points).query_pairs(border, output_type='ndarray') if len(points) else np.zeros((0, 2), int)
    pairs = pairs[source[pairs[:, 0]] != source[pairs[:, 1]]]
    rank = np.empty(len(points), int)
    rank[np.argsort(-scores, kind='stable')] = np.arange(len(points))
    # A head that is dropped drops none itself, so pairs are taken by the rank of their better head.
    pairs = np.take_along_axis(pairs, rank[pairs].argsort(axis=1), axis=1)
    for better, worse in pairs[rank[pairs[:, 0]].argsort(kind='stable')].tolist():
        keep[worse] &= not keep[better]
    return torch.from_numpy(keep).to(heads.points.device)
