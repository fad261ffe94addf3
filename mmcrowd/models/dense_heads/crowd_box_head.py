"""What mmdet's box heads lack in crowds: checked boxes, caps that speak up, no heads in the padding, points."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence

import torch
from mmdet.structures import DetDataSample, SampleList
from mmdet.structures.bbox import get_box_tensor
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData
from torch import Tensor

from mmcrowd.codecs.numerics import sound_boxes

_NO_CAP = sys.maxsize


class CapWarner:
    """Warns of options that limit the number of heads, once per option.

    Args:
        owner (str): Whose options they are; begins the message.
    """

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.said: set[str] = set()

    def __call__(self, option: str, limit: int, found: int, img_path: str | None) -> None:
        """Warn if ``option`` was reached.

        Args:
            option (str): Name of the option in the config.
            limit (int): Its value.
            found (int): How many there were in the image.
            img_path (str, optional): The image.
        """
        if found >= limit and option not in self.said:
            self.said.add(option)
            warnings.warn(
                f'{self.owner}: {option}={limit} was reached in {img_path or "an image"} ({found:,} found); what is '
                'beyond it is lost. Raise it, or set it to -1 for no cap. This is said once',
                stacklevel=2,
            )


class CrowdBoxMixin:
    """Makes a dense head of mmdet fit for crowds. It goes before the head in the list of bases.

    * Training boxes are checked: NaN or empty ones are an error that names image and remedy, not a NaN in the loss.
    * Caps of ``test_cfg`` (``nms_pre`` of each level, ``max_per_img``, ``nms.max_num``) warn once when they are
      reached; -1 or none at all is no cap. (In mmdet, -1 drops the last candidate.)
    * A box centred outside the image, as the padding makes them, is dropped; mmdet clips it to a sliver at the border
      and counts it. All others are clipped to the image.
    * ``pred_instances.points`` (N, 2): centres of the boxes, in the frame of the boxes.
    * Under autocast, everything behind the last convolution is float32. (mmdet takes the type of the maps for the
      positions of cells and anchors: bfloat16 knows only every fourth pixel beyond 512.)
    """

    cap_options = 'test_cfg'
    """Part of the model's config that holds the caps, for messages."""
    cap_score = 0.0
    """Only what scores at least this much counts towards a cap."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.warn_cap = CapWarner(type(self).__name__)

    def forward(self, x: tuple[Tensor, ...]) -> tuple[list[Tensor], ...]:
        """Maps of all levels, at least float32; arguments as in mmdet."""
        return tuple(
            [level.to(torch.promote_types(level.dtype, torch.float32)) for level in maps] for maps in super().forward(x)
        )

    def loss(self, x: tuple[Tensor, ...], batch_data_samples: SampleList) -> dict[str, Tensor]:
        """Losses of a batch, after :func:`check_boxes`."""
        check_boxes(batch_data_samples)
        return super().loss(x, batch_data_samples)

    def loss_and_predict(
        self, x: tuple[Tensor, ...], batch_data_samples: SampleList, proposal_cfg: ConfigDict | None = None
    ) -> tuple[dict[str, Tensor], list[InstanceData]]:
        """Losses and boxes of a batch, after :func:`check_boxes`."""
        check_boxes(batch_data_samples)
        return super().loss_and_predict(x, batch_data_samples, proposal_cfg)

    def _predict_by_feat_single(
        self, cls_score_list: Sequence[Tensor], *args, img_meta: dict, cfg: ConfigDict | None = None, **kwargs
    ) -> InstanceData:
        """Boxes of one image from its maps; arguments as in mmdet."""
        cfg = ConfigDict(self.test_cfg if cfg is None else cfg)
        limit = _limit(cfg.get('nms_pre'))
        for scores in cls_score_list:
            if scores.numel() >= limit and self._may_warn('nms_pre'):
                self._warn('nms_pre', limit, self._count_candidates(scores, cfg), img_meta)
        cfg.nms_pre = limit
        # Without a shape mmdet does not clip: clipped boxes would hide where they are centred.
        img_meta = dict(img_meta, img_shape=None, image_size=img_meta['img_shape'])
        return super()._predict_by_feat_single(cls_score_list, *args, img_meta=img_meta, cfg=cfg, **kwargs)

    def _count_candidates(self, scores: Tensor, cfg: ConfigDict) -> int:
        """Number of (box, class) pairs that pass the score threshold, from the logits (C, h, w) of one level."""
        scores = scores.permute(1, 2, 0).reshape(-1, self.cls_out_channels)
        scores = scores.sigmoid() if self.use_sigmoid_cls else scores.softmax(-1)[:, :-1]
        return int(((scores > cfg.get('score_thr', 0)) & (scores >= self.cap_score)).sum())

    def _bbox_post_process(
        self,
        results: InstanceData,
        cfg: ConfigDict,
        rescale: bool = False,
        with_nms: bool = True,
        img_meta: dict | None = None,
    ) -> InstanceData:
        """Boxes of one image (pixels of the network's input) to ``pred_instances``; arguments as in mmdet."""
        results = keep_inside(results, img_meta.get('image_size', img_meta['img_shape']))
        caps = {'max_per_img': _limit(cfg.get('max_per_img'))}
        cfg = ConfigDict(cfg, max_per_img=len(results))
        if cfg.get('nms'):
            cfg.nms = ConfigDict(cfg.nms)
            caps['nms.max_num'] = _limit(cfg.nms.pop('max_num', None))
        results = super()._bbox_post_process(results, cfg, rescale, with_nms, img_meta)
        if with_nms:
            for option, limit in caps.items():
                if len(results) >= limit and self._may_warn(option):
                    self._warn(option, limit, int((results.scores >= self.cap_score).sum()), img_meta)
                results = results[:limit]
        results.points = box_centers(results)
        return results

    def _may_warn(self, option: str) -> bool:
        """Whether a cap could still be worth a warning, so that counting is."""
        return f'{self.cap_options}.{option}' not in self.warn_cap.said

    def _warn(self, option: str, limit: int, found: int, img_meta: dict) -> None:
        self.warn_cap(f'{self.cap_options}.{option}', limit, found, img_meta.get('img_path'))


def _limit(value: int | None) -> int:
    """A cap as a number to compare with: none, zero and negative ones are no cap."""
    return value if value is not None and value > 0 else _NO_CAP


def box_centers(instances: InstanceData) -> Tensor:
    """Centres (N, 2) xy of ``instances.bboxes`` (N, 4), in their frame."""
    boxes = get_box_tensor(instances.bboxes)
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def keep_inside(results: InstanceData, shape: Sequence[int]) -> InstanceData:
    """Drop boxes centred outside an image, and clip the others to it.

    Args:
        results (InstanceData): With ``bboxes`` (N, 4) xyxy, pixels of the network's input.
        shape (sequence of int): Height and width of the image without padding, pixels.

    Returns:
        InstanceData: The kept ones.
    """
    size = get_box_tensor(results.bboxes).new_tensor([shape[1], shape[0]])
    centers = box_centers(results)
    results = results[((centers >= 0) & (centers < size)).all(dim=1)]
    boxes = get_box_tensor(results.bboxes)
    results.bboxes = torch.minimum(boxes.clamp(min=0), size.repeat(2))
    return results


def check_boxes(batch_data_samples: Sequence[DetDataSample]) -> None:
    """Check that a batch can train a box detector.

    Args:
        batch_data_samples (sequence of DetDataSample): With ``gt_instances.bboxes`` (N, 4) xyxy.

    Raises:
        ValueError: An image has no boxes but something else, NaN or infinite boxes, or boxes without area.
    """
    for sample in batch_data_samples:
        boxes = sample.gt_instances.get('bboxes')
        boxes = None if boxes is None else get_box_tensor(boxes)
        if boxes is None or boxes.ndim != 2 or boxes.shape[1] != 4:
            found = 'no gt_instances.bboxes' if boxes is None else f'boxes of shape {tuple(boxes.shape)}'
            raise ValueError(
                f'{sample.get("img_path")}: a box detector trains on (N, 4) boxes, found {found}: put '
                'mmcrowd.ConvertHeadsToBoxes after LoadHeads into the training pipeline'
            )
    boxes = torch.cat([get_box_tensor(s.gt_instances.bboxes) for s in batch_data_samples])
    if sound_boxes(boxes).all():
        return
    for sample in batch_data_samples:
        boxes = get_box_tensor(sample.gt_instances.bboxes)
        unknown = int((~torch.isfinite(boxes).all(dim=1)).sum())
        if unknown:
            raise ValueError(
                f'{sample.get("img_path")}: {unknown} of {len(boxes)} heads have no box (NaN or infinite), but a box '
                "detector trains on boxes: put mmcrowd.ConvertHeadsToBoxes(missing='drop', 'ignore' or 'pseudo') "
                'into the training pipeline'
            )
        empty = boxes[~sound_boxes(boxes)]
        if len(empty):
            raise ValueError(
                f'{sample.get("img_path")}: {len(empty)} of {len(boxes)} boxes have no area, the first is '
                f'{empty[0].tolist()} (x1, y1, x2, y2): put FilterAnnotations(min_gt_bbox_wh=(1, 1), keep_empty=False) '
                'after ConvertHeadsToBoxes into the training pipeline'
            )
