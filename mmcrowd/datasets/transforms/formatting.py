"""From pipeline results to what a model receives."""

import numpy as np
import torch
from mmcv.transforms import BaseTransform, to_tensor
from mmdet.datasets.transforms import PackDetInputs
from mmdet.structures.bbox import HorizontalBoxes
from mmengine.structures import PixelData

from mmcrowd.registry import TRANSFORMS
from mmcrowd.structures import HeadBoxes

_LARGE = 3 * 2**22
"""More samples than that, and the tensor of an image is a view of its pixels: a second copy may not fit into memory."""


def select_heads(results: dict, keep: np.ndarray) -> None:
    """Keep the annotations where ``keep`` (N,) bool holds, in place."""
    for key in ('gt_bboxes', 'gt_bboxes_labels', 'gt_ignore_flags', 'gt_spacing'):
        if key in results:
            results[key] = results[key][keep]


def reaches_inside(results: dict, border: int = 0) -> np.ndarray:
    """Which heads belong to the current image.

    Args:
        results: With ``img_shape`` and ``gt_bboxes`` (N heads).
        border: Pixels that a head's point may lie outside.

    Returns:
        ``(N,)`` bool: the point is inside; for an ignored region, some of its box is.
    """
    heads = results['gt_bboxes']
    keep = heads.is_inside(results['img_shape'][:2], allowed_border=border).numpy()
    ignored = results.get('gt_ignore_flags')
    if ignored is not None and ignored.any():
        overlap = heads.convert_to('hbox').is_inside(results['img_shape'][:2], allowed_border=border).numpy()
        keep = np.where(ignored, overlap, keep)
    return keep


@TRANSFORMS.register_module()
class PackCrowdInputs(PackDetInputs):
    """Pack an image, its heads and its target maps.

    Writes ``inputs`` (C, H, W) and a DetDataSample with ``gt_instances.points`` (N, 2) float32, ``.bboxes`` (N, 4)
    HorizontalBoxes (NaN where not annotated), ``.labels`` (N,) int64, the same in ``ignored_instances``, and, if the
    pipeline made ``gt_maps`` (field -> name -> (C, h, w) float32), each field, such as ``gt_map``, as PixelData with
    these names; maps of one field have one size. The meta data say ``scale_factor`` (1, 1) and ``flip`` False if no
    transform has set them.

    Args:
        drop_outside: Drop the heads whose point is outside the image and clip boxes to it. Crops and rotations leave
            such heads, because target maps need them; this is the one place where they go. Test pipelines set it to
            False: their ground truth is in original pixels, and none of it may be lost.
        clip_boxes: Whether boxes are clipped then; False keeps whole what a crop has cut, to learn sizes.
        kwargs: As :class:`mmdet.datasets.transforms.PackDetInputs`.
    """

    def __init__(self, drop_outside: bool = True, clip_boxes: bool = True, **kwargs) -> None:
        super().__init__(**kwargs)
        self.drop_outside, self.clip_boxes = drop_outside, clip_boxes

    def transform(self, results: dict) -> dict:
        """Pack ``results``."""
        if self.drop_outside and 'gt_bboxes' in results:
            select_heads(results, reaches_inside(results))
            if self.clip_boxes:
                results['gt_bboxes'].clip_(results['img_shape'][:2])
        results.setdefault('scale_factor', (1.0, 1.0))
        results.setdefault('flip', False)
        large = results['img'] if results.get('img') is not None and results['img'].size > _LARGE else None
        packed = super().transform({key: value for key, value in results.items() if large is None or key != 'img'})
        if large is not None:
            packed['inputs'] = torch.from_numpy(np.ascontiguousarray(large)).permute(2, 0, 1)
        sample = packed['data_samples']
        for instances in (sample.gt_instances, sample.ignored_instances):
            if 'bboxes' in instances:
                instances.points = instances.bboxes.centers.clone()
                instances.bboxes = instances.bboxes.convert_to('hbox')
        for field, maps in results.get('gt_maps', {}).items():
            sample.set_field(self._pack_maps(maps, results.get('img_path')), field, dtype=PixelData)
        return packed

    @staticmethod
    def _pack_maps(arrays: dict[str, np.ndarray], path: str | None) -> PixelData:
        maps = {name: to_tensor(np.ascontiguousarray(value)) for name, value in arrays.items()}
        sizes = {name: tuple(value.shape) for name, value in maps.items()}
        if len({size[-2:] for size in sizes.values()}) > 1 or any(len(size) != 3 for size in sizes.values()):
            raise ValueError(f'{path}: target maps must be (C, h, w) arrays of one common size, got {sizes}')
        return PixelData(**maps)

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(drop_outside={self.drop_outside}, clip_boxes={self.clip_boxes}, '
            f'meta_keys={self.meta_keys})'
        )


@TRANSFORMS.register_module()
class ConvertHeadsToBoxes(BaseTransform):
    """Turn heads into the horizontal boxes that mmdet's detectors train on.

    Before a crop, boxes then behave as in mmdet (every box that reaches into the crop is kept and clipped); after it,
    as in counting (a head is kept if its point is inside).

    Args:
        missing: What becomes of a head without box: an 'error'; 'drop' it; give it a 'pseudo' box around its point; or
            'ignore' it, that is, flag its pseudo box as ignored (which heads of mmdet heed ignored boxes: those that
            assign by overlap, such as RetinaNet's; for FCOS, FoveaBox and YOLOX it is as 'drop').
        pseudo_size: Side of a pseudo box, pixels of the current image.
        drop_outside: Whether heads whose point is outside the current image go: later they are nothing but boxes, and
            slivers of them may reach inside. A test pipeline, with annotations in original pixels, sets it to False.

    Raises:
        ValueError: A head has no box, and ``missing`` does not say what to do with it.
    """

    def __init__(self, missing: str = 'error', pseudo_size: float = 16.0, drop_outside: bool = True) -> None:
        if missing not in ('error', 'drop', 'ignore', 'pseudo'):
            raise ValueError(f"missing must be 'error', 'drop', 'ignore' or 'pseudo', got {missing!r}")
        if not pseudo_size > 0:
            raise ValueError(f'pseudo_size must be positive, got {pseudo_size}')
        self.missing = missing
        self.pseudo_size = pseudo_size
        self.drop_outside = drop_outside

    def transform(self, results: dict) -> dict:
        """Replace ``gt_bboxes`` by HorizontalBoxes."""
        heads = results.get('gt_bboxes')
        if heads is None:
            return results
        if not isinstance(heads, HeadBoxes):
            raise TypeError(
                f'ConvertHeadsToBoxes needs HeadBoxes in gt_bboxes (see LoadHeads), got {type(heads).__name__}'
            )
        if self.drop_outside:
            select_heads(results, reaches_inside(results))
            heads = results['gt_bboxes']
        unknown = ~heads.has_box
        if self.missing == 'error' and unknown.any():
            raise ValueError(
                f'{results.get("img_path")}: {int(unknown.sum())} of {len(heads)} heads have no box, but the detector '
                "trains on boxes: annotate them, or set ConvertHeadsToBoxes(missing='pseudo', 'ignore' or 'drop')"
            )
        if self.missing in ('error', 'drop'):
            select_heads(results, (~unknown).numpy())
            results['gt_bboxes'] = results['gt_bboxes'].convert_to('hbox')
            return results
        half = self.pseudo_size / 2
        pseudo = torch.cat([heads.points - half, heads.points + half], dim=-1)
        results['gt_bboxes'] = HorizontalBoxes(torch.where(unknown[:, None], pseudo, heads.boxes), clone=False)
        if self.missing == 'ignore':
            flags = results.get('gt_ignore_flags', np.zeros(len(heads), bool))
            results['gt_ignore_flags'] = flags | unknown.numpy()
        return results

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(missing={self.missing!r}, pseudo_size={self.pseudo_size}, '
            f'drop_outside={self.drop_outside})'
        )
