"""RetinaNet, and the first stage of Faster R-CNN, for crowds."""

from mmdet.models.dense_heads import RetinaHead, RPNHead

from mmcrowd.registry import MODELS

from .crowd_box_head import CrowdBoxMixin


@MODELS.register_module()
class CrowdRetinaHead(CrowdBoxMixin, RetinaHead):
    """mmdet's ``RetinaHead`` for crowds: see :class:`CrowdBoxMixin`.

    Give it ``train_cfg.assigner`` of type ``mmcrowd.ChunkedMaxIoUAssigner``, which bounds the memory of the assignment.
    """


@MODELS.register_module()
class CrowdRPNHead(CrowdBoxMixin, RPNHead):
    """mmdet's ``RPNHead`` for crowds: see :class:`CrowdBoxMixin`.

    Proposals have no score threshold, so caps always cut some of them. They warn when they cut proposals that are more
    likely heads than not, and at test time only.

    Give it ``train_cfg.rpn.assigner`` of type ``mmcrowd.ChunkedMaxIoUAssigner``, which bounds the memory of the
    assignment.
    """

    cap_options = 'test_cfg.rpn'
    cap_score = 0.5

    def _may_warn(self, option: str) -> bool:
        return not self.training and super()._may_warn(option)
