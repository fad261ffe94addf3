"""Target maps from heads, by a codec."""

from __future__ import annotations

from mmcv.transforms import BaseTransform

from mmcrowd.codecs.numerics import fill_boxes
from mmcrowd.registry import CODECS, TRANSFORMS
from mmcrowd.structures import HeadBoxes


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
        if flags is not None and flags.any():
            heads = heads[~flags]
        points, boxes = heads.points.numpy(), heads.boxes.numpy()
        if self.pseudo_size is not None:
            boxes = fill_boxes(points, boxes, self.pseudo_size)
        try:
            maps = self.codec.encode(points, boxes, tuple(results['img_shape'][:2]))
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
