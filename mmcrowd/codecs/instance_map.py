"""Independent instance maps and their components (IIM)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from mmcrowd.registry import CODECS

from .base import BaseCodec, Decoded
from .components import Components, find_components
from .regions import box_regions, cell_gap, draw_regions, point_regions


@CODECS.register_module()
class InstanceMapCodec(BaseCodec):
    """Map with a separate region per head; heads are the connected components of a thresholded prediction.

    Source: Gao et al., "Learning Independent Instance Maps for Crowd Localization", and its released code.

    Encoding fills a rectangle per head, from its box (:func:`~mmcrowd.codecs.regions.box_regions`) or from the
    distance to the nearest head (:func:`~mmcrowd.codecs.regions.point_regions`), around its point: the centre of the
    point's cell for regions from points, whose sides are odd, the corner of its pixel for those from boxes, whose sides
    are even, as in the released code. That code draws no head in column or row 0; here every head draws what of its
    region lies inside the image, heads outside too. The map of a crop, made from the heads in it and within
    :attr:`margin`, is the crop of the image's map for points and for boxes by the 'parallel' rule; by the 'sequential'
    rule a region may depend on any other head.

    Decoding takes the cells whose confidence reaches the threshold, a map too or one number. A 4-connected component
    of them is a head: its point is the centroid, its box the bounding rectangle. Thresholds may have any value; a cell
    of confidence 0 or NaN belongs to no head.

    Limits: heads in the same or in touching pixels share a component. From points, those 2 or 3 pixels apart get a
    pixel each, which the default ``min_area`` drops when such a map is decoded. From boxes, those up to 4 pixels apart
    join with ``min_half=2``, up to 2 pixels with 1.

    Args:
        stride (int): Input pixels per map cell. A region has one cell at least.
        source (str): 'box', 'point', or 'auto': boxes in images where all heads have one, points in others.
        rule (str): How regions of boxes are kept apart: 'sequential', the released code's, by the order of heads, or
            'parallel', independent of order.
        cap (int): Largest half side of a region from a box, pixels. The released code takes 25, for UCF-QNRF and
            JHU-Crowd++ 15.
        min_half (int): Regions from boxes do not shrink below this half side, pixels: 2, for ShanghaiTech 1; 0
            leaves a single pixel.
        overlap_correction (bool): Whether overlapping boxes need a smaller gap; False for ShanghaiTech A.
        third_gap (int, optional): Gap in pixels, by the sequential rule, to the neighbour after the one at hand; None
            takes that one's, for ShanghaiTech.
        point_cap (int): Largest k of regions of 2k + 1 pixels from points.
        no_touch (bool): Whether at least a cell of background stays around regions from points.
        threshold (float): Threshold of predictions that come without a threshold map.
        min_area (int): Smaller components are no heads, input pixels.
        score (str): Confidence of a component, 'max' or 'mean' of its cells'.
        backend (str): How components are found: 'scipy', 'torch' or 'auto' by device; same result.
    """

    names = ('instance',)
    predicted = ('confidence', 'threshold')

    def __init__(
        self,
        stride: int = 1,
        source: str = 'auto',
        rule: str = 'sequential',
        cap: int = 25,
        min_half: int = 2,
        overlap_correction: bool = True,
        third_gap: int | None = 3,
        point_cap: int = 15,
        no_touch: bool = True,
        threshold: float = 0.5,
        min_area: int = 3,
        score: str = 'max',
        backend: str = 'auto',
    ) -> None:
        super().__init__(stride)
        for name, value, allowed in (
            ('source', source, ('box', 'point', 'auto')),
            ('rule', rule, ('sequential', 'parallel')),
            ('score', score, ('max', 'mean')),
            ('backend', backend, ('auto', 'scipy', 'torch')),
        ):
            if value not in allowed:
                raise ValueError(f'InstanceMapCodec: {name} must be one of {", ".join(allowed)}, got {value!r}')
        if not 0 <= min_half <= min(cap, 3):
            raise ValueError(
                f'InstanceMapCodec: needs 0 <= min_half <= 3 and min_half <= cap, got {min_half} and {cap}'
            )
        if cap < 1 or point_cap < 0:
            raise ValueError(f'InstanceMapCodec: needs cap >= 1 and point_cap >= 0, got {cap} and {point_cap}')
        self.source, self.rule, self.cap, self.min_half = source, rule, cap, min_half
        self.overlap_correction, self.third_gap = overlap_correction, third_gap
        self.point_cap, self.no_touch = point_cap, no_touch
        self.threshold, self.min_area, self.score, self.backend = threshold, min_area, score, backend

    @property
    def margin(self) -> int:
        """Pixels around a crop within which outside heads still change the map; for the 'sequential' rule most do.

        A point's region reaches ``point_cap`` pixels and depends on heads within four times that, or within twice its
        size. A box's region reaches ``cap`` and is shrunk for regions whose centres are, along both axes, less than
        twice that and the gap away, if they are among the nearest, which heads sqrt(2) times as far from them decide.
        """
        reach = (math.floor(self.point_cap / self.stride + 0.5) + 1) * self.stride
        from_points = reach + max(4 * self.point_cap, 2 * reach)
        conflict = 2 * self.cap + max(self.cap // 2, cell_gap(self.stride))
        from_boxes = math.ceil(self.cap + conflict * (1 + math.sqrt(2))) + self.stride
        return {'point': from_points, 'box': from_boxes, 'auto': max(from_points, from_boxes)}[self.source]

    def encode(self, points: np.ndarray, boxes: np.ndarray | None, shape: tuple[int, int]) -> dict[str, np.ndarray]:
        """Draw the map of one image.

        Args:
            points (np.ndarray): (N, 2) xy, pixels; heads outside the image draw what reaches into it.
            boxes (np.ndarray, optional): (N, 4) xyxy, pixels, NaN where unknown.
            shape (tuple[int, int]): Height and width, pixels.

        Returns:
            dict[str, np.ndarray]: ``instance``: (1, ceil(h / stride), ceil(w / stride)) float32, 0 or 1.

        Raises:
            ValueError: ``source`` is 'box' and a head has none.
        """
        regions = self.regions(points, boxes)
        return {'instance': draw_regions(regions, self.map_shape(shape))[None]}

    def regions(self, points: np.ndarray, boxes: np.ndarray | None) -> np.ndarray:
        """Regions of all heads, arguments as in :meth:`encode`: (N, 4) int64 x1, y1, x2, y2, cells, half open."""
        unknown = len(points) if boxes is None else int((~np.isfinite(boxes).all(axis=1)).sum())
        if self.source == 'point' or (self.source == 'auto' and unknown):
            return point_regions(points, self.stride, self.point_cap, self.no_touch)
        if unknown:
            raise ValueError(
                f"InstanceMapCodec(source='box') draws heads from their boxes, but {unknown} of {len(points)} heads "
                'have no box: annotate them, give these heads pseudo boxes with EncodeTargets(pseudo_size=...), the '
                "side of a head in pixels, or take source='point'"
            )
        boxes = np.zeros((0, 4)) if boxes is None else boxes
        return box_regions(
            points,
            boxes,
            self.stride,
            self.rule,
            self.cap,
            self.min_half,
            self.overlap_correction,
            self.third_gap,
        )

    def candidates(
        self,
        maps: Tensor,
        shapes: Sequence[tuple[int, int]] | None = None,
        core: tuple[int, int, int, int] | None = None,
    ) -> list[Decoded]:
        """Components of at least ``min_area`` pixels.

        Args:
            maps (Tensor): (B, 2, h, w) confidence and threshold, or (B, 1, h, w) confidence.
            shapes (sequence of (int, int), optional): See :meth:`BaseCodec.candidates`.
            core (tuple of 4 int, optional): See :meth:`BaseCodec.candidates`; a component belongs to the core that its
                centroid lies in. Tiles must overlap by the size of a head for both to see it whole.

        Returns:
            list[Decoded]: Points are centroids of cells, boxes bounding rectangles.

        Raises:
            ValueError: ``maps`` has more than 2 channels.
        """
        if maps.shape[1] not in (1, 2):
            raise ValueError(f'InstanceMapCodec: expected confidence and threshold maps, got {maps.shape[1]} channels')
        maps = maps.detach().float()
        confidence = maps[:, 0]
        binary = confidence >= (maps[:, 1] if maps.shape[1] == 2 else self.threshold)
        binary &= confidence > 0
        if shapes is not None:
            binary &= self.valid_cells(maps, shapes)[:, 0]
        found = find_components(binary, confidence, self.backend)
        keep = (found.area * self.stride**2 >= self.min_area) & self._in_core(found, core)
        sizes = torch.bincount(found.image[keep], minlength=len(maps)).tolist()
        scores = (found.peak if self.score == 'max' else found.mean)[keep].float()
        points, boxes = (x[keep] * self.stride for x in (found.centroids, found.boxes))
        parts = (t.float().split(sizes) for t in (points, scores, boxes))
        return [Decoded(*each) for each in zip(*parts, strict=True)]

    def _in_core(self, found: Components, core: tuple[int, int, int, int] | None) -> Tensor:
        """Mark components whose centroid lies in ``core`` (pixels; None: everywhere), without rounding: (N,) bool."""
        if core is None:
            return torch.ones_like(found.area, dtype=torch.bool)
        place = found.centre_sums * self.stride
        low, high = (2 * found.area[:, None] * place.new_tensor(corner) for corner in (core[1::-1], core[:1:-1]))
        return ((place >= low) & (place < high)).all(dim=1)

    def select(self, candidates: Decoded, shape: tuple[int, int]) -> Decoded:
        """All of them: no rule needs the whole image; boxes are cut at its edges. See :meth:`BaseCodec.select`."""
        edges = candidates.boxes.new_tensor(shape[::-1]).repeat(2)
        return replace(candidates.inside(shape), boxes=candidates.boxes.minimum(edges))
