"""YOLOX for crowds."""

from mmdet.models.dense_heads import YOLOXHead

from mmcrowd.registry import MODELS

from .crowd_box_head import CrowdBoxMixin


@MODELS.register_module()
class CrowdYOLOXHead(CrowdBoxMixin, YOLOXHead):
    """mmdet's ``YOLOXHead`` for crowds: see :class:`CrowdBoxMixin`. Boxes are clipped to the image.

    Give it ``train_cfg.assigner`` of type ``mmcrowd.CrowdSimOTAAssigner``, which bounds the memory of the assignment.
    """
