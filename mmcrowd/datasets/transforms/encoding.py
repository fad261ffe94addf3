"""Target maps from heads, by a codec."""

from __future__ import annotations

import numpy as np
from mmcv.transforms import BaseTransform

from mmcrowd.codecs.numerics import fill_boxes, mean_spacing
from mmcrowd.registry import CODECS, TRANSFORMS
from mmcrowd.structures import HeadBoxes


def _scale(results: dict) -> float:
    """Length in the current image per length in the loaded one."""
    matrix = results.get('homography_matrix')
    return 1.0 if matrix is None else float(np.sqrt(np.abs(np.linalg.det(np.float64(matrix)[:2, :2]))))


def _frame(results: dict, keep: np.ndarray) -> tuple[float, float, float, float]:
    """Where the whole image lies, xyxy, pixels of the current one: the box around its corners."""
    matrix, (height, width) = results.get('homography_matrix'), results['ori_shape'][:2]
    if matrix is None:
        return 0, 0, results['img_shape'][1], results['img_shape'][0]
    corners = np.float64(matrix) @ np.array([[0, width, 0, width], [0, 0, height, height], [1, 1, 1, 1]])
    corners = corners[:2] / corners[2]
    return (*corners.min(axis=1), *corners.max(axis=1))


def _spacing(results: dict, keep: np.ndarray) -> np.ndarray | None:
    """(N,) how far apart the heads of ``keep`` are, pixels of the current image; None where it was not measured."""
    spacing = results.get('gt_spacing')
    if spacing is None:
        return None
    if len(spacing) != len(keep):
        raise ValueError(
            f'{results.get("img_path")}: MeasureSpacing measured {len(spacing)} heads, and now there are {len(keep)}: '
            'put no transform of mmdet between it and EncodeTargets that drops or adds heads; RandomScaleCrop may'
        )
    return spacing[keep] * _scale(results)


_CONTEXT = dict(frame=_frame, spacing=_spacing)


@TRANSFORMS.register_module()
class MeasureSpacing(BaseTransform):
    """Measure how far each head is from its nearest ones, for codecs whose peaks depend on it.

    Put it before the crop: then the same head draws the same peak whatever a crop leaves of its surroundings. Reads
    ``gt_bboxes`` (:class:`HeadBoxes`) and ``gt_ignore_flags``; writes ``gt_spacing`` (N,) float64, pixels of the loaded
    image, inf for a lone head and for ignored regions.

    Args:
        codec: The codec, the same as the head's; its ``neighbours`` are looked at.
    """

    def __init__(self, codec: dict) -> None:
        self.neighbours = CODECS.build(codec).neighbours

    def transform(self, results: dict) -> dict:
        """Add ``gt_spacing``."""
        points = results['gt_bboxes'].points.numpy()
        keep = ~results.get('gt_ignore_flags', np.zeros(len(points), bool))
        spacing = np.full(len(points), np.inf)
        spacing[keep] = mean_spacing(points[keep], self.neighbours) / _scale(results)
        results['gt_spacing'] = spacing
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(neighbours={self.neighbours})'


@TRANSFORMS.register_module()
class EncodeTargets(BaseTransform):
    """Draw the target maps of the current image.

    Put it after all geometric transforms and before :class:`PackCrowdInputs`. Reads ``gt_bboxes``
    (:class:`HeadBoxes`, pixels of the current image), ``gt_ignore_flags`` and ``img_shape``; writes
    ``gt_maps[field]``: name -> (C, ceil(h / stride), ceil(w / stride)) float32. Ignored regions draw nothing. A model
    of several branches has one of these in its pipeline for each codec, with a field each.

    Args:
        codec: The codec, the same as the head's.
        pseudo_size: For codecs that draw boxes: side of the box around the point that a head without one gets, pixels
            of the current image. None gives none.
        field: Field of the data sample that the maps become, ``field`` of the head that learns them.

    Raises:
        TypeError: ``gt_bboxes`` has been converted to boxes before.
        ValueError: The codec cannot draw the heads, or another one has written the field.
    """

    def __init__(self, codec: dict, pseudo_size: float | None = None, field: str = 'gt_map') -> None:
        if pseudo_size is not None and not pseudo_size > 0:
            raise ValueError(f'EncodeTargets: pseudo_size must be positive, got {pseudo_size}')
        self.codec = CODECS.build(codec)
        self.pseudo_size, self.field = pseudo_size, field

    def transform(self, results: dict) -> dict:
        """Add ``gt_maps``."""
        heads = results['gt_bboxes']
        if not isinstance(heads, HeadBoxes):
            raise TypeError(
                f'EncodeTargets needs HeadBoxes in gt_bboxes (see LoadHeads), got {type(heads).__name__}: '
                'put it before ConvertHeadsToBoxes'
            )
        flags = results.get('gt_ignore_flags')
        keep = np.ones(len(heads), bool) if flags is None else ~flags
        context = {name: _CONTEXT[name](results, keep) for name in self.codec.context}
        heads = heads[keep]
        points, boxes = heads.points.numpy(), heads.boxes.numpy()
        if self.pseudo_size is not None:
            boxes = fill_boxes(points, boxes, self.pseudo_size)
        try:
            maps = self.codec.encode(points, boxes, tuple(results['img_shape'][:2]), **context)
        except ValueError as error:
            raise ValueError(f'{results.get("img_path")}: {error}') from error
        if self.field in results.setdefault('gt_maps', {}):
            raise ValueError(f'EncodeTargets: two codecs of the pipeline write the field {self.field!r}')
        results['gt_maps'][self.field] = maps
        return results

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(codec={type(self.codec).__name__}, pseudo_size={self.pseudo_size}, '
            f'field={self.field!r})'
        )
