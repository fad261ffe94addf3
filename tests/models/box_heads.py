"""Small box heads beside mmdet's, and crowds to train them on."""

import math

import torch
from mmdet.structures import DetDataSample
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData

from mmcrowd.registry import MODELS

STRIDES = (8, 16)
SHAPE = (96, 128)

_NARROW = dict(num_classes=1, in_channels=8, feat_channels=8, stacked_convs=1)
_CONV = dict(**_NARROW, strides=STRIDES)
_ANCHORS = dict(type='AnchorGenerator', ratios=[1.0], scales=[2.0, 3.0], strides=STRIDES)
_MAX_IOU = dict(type='MaxIoUAssigner', pos_iou_thr=0.5, neg_iou_thr=0.4, min_pos_iou=0.2)
_ANCHOR_TRAIN = dict(assigner=_MAX_IOU, allowed_border=-1, pos_weight=-1)
_MFL = dict(type='mmcrowd.MaskFocalLoss', use_sigmoid=True)

HEADS = dict(
    FCOSHead=dict(
        **_CONV, norm_cfg=None, center_sampling=True, norm_on_bbox=True, regress_ranges=((-1, 24), (24, 1e8))
    ),
    RetinaHead=dict(**_NARROW, anchor_generator=_ANCHORS, train_cfg=_ANCHOR_TRAIN),
    FoveaHead=dict(
        **_CONV,
        base_edge_list=(16, 32),
        scale_ranges=((1, 32), (16, 128)),
        loss_bbox=dict(type='SmoothL1Loss', beta=0.11),
    ),
    YOLOXHead=dict(**_CONV, train_cfg=dict(assigner=dict(type='SimOTAAssigner'))),
    RPNHead=dict(
        in_channels=8,
        feat_channels=8,
        anchor_generator=_ANCHORS,
        train_cfg=dict(_ANCHOR_TRAIN, sampler=dict(type='PseudoSampler')),
    ),
)
"""mmdet's name of a head to its options; ours is called ``mmcrowd.Crowd<name>``."""
TEST_CFG = dict(score_thr=0.0, nms_pre=-1, max_per_img=-1, nms=dict(type='nms', iou_threshold=0.5))


def mask_focal_loss(name: str) -> dict:
    """The option that puts Mask Focal Loss into a head."""
    return dict(loss_obj=dict(_MFL, reduction='sum')) if name == 'YOLOXHead' else dict(loss_cls=_MFL)


def build(name: str, stock: bool = False, test_cfg: dict | None = None, **options):
    """One of ``HEADS``, ours or mmdet's, with the same weights every time and mmdet's targets."""
    torch.manual_seed(0)
    config = dict(HEADS[name], test_cfg=dict(TEST_CFG, **(test_cfg or {})), **options)
    if name == 'FoveaHead' and not stock:
        config.setdefault('center_cell', False)
    return MODELS.build(ConfigDict(type=f'mmdet.{name}' if stock else f'mmcrowd.Crowd{name}', **config))


def features(batch: int = 1, shape: tuple[int, int] = SHAPE, seed: int = 0) -> tuple[torch.Tensor, ...]:
    """Random maps of the neck."""
    rng = torch.Generator().manual_seed(seed)
    return tuple(
        torch.randn(batch, 8, math.ceil(shape[0] / s), math.ceil(shape[1] / s), generator=rng) for s in STRIDES
    )


def crowd_boxes(count: int, seed: int = 0, grid: float | None = None, shape: tuple[int, int] = SHAPE) -> torch.Tensor:
    """Boxes (N, 4) of 4 to 44 pixels; with ``grid`` their corners are multiples of it: equal boxes and areas."""
    rng = torch.Generator().manual_seed(seed)
    centers = torch.rand(count, 2, generator=rng) * torch.tensor([shape[1], shape[0]])
    half = 2 + 20 * torch.rand(count, 2, generator=rng) ** 2
    boxes = torch.cat([centers - half, centers + half], dim=1)
    if grid:
        boxes = (boxes / grid).round() * grid
        boxes[:, 2:] = torch.maximum(boxes[:, 2:], boxes[:, :2] + grid)
    return boxes


def sample(boxes: torch.Tensor, shape: tuple[int, int] = SHAPE, img_path: str = 'here.jpg') -> DetDataSample:
    """A packed sample of one image."""
    data = DetDataSample(
        metainfo=dict(
            img_id=0, img_path=img_path, img_shape=shape, ori_shape=shape, pad_shape=SHAPE, scale_factor=(2.0, 4.0)
        )
    )
    data.gt_instances = InstanceData(bboxes=boxes, labels=torch.zeros(len(boxes), dtype=torch.long))
    return data


def total(losses: dict) -> torch.Tensor:
    """Sum of all losses, some of which are lists."""
    return sum(sum(v) if isinstance(v, list) else v for v in losses.values())
