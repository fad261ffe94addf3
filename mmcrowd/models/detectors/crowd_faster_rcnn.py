"""Faster R-CNN for crowds."""

from __future__ import annotations

from mmdet.models.detectors import FasterRCNN
from mmdet.structures import SampleList
from mmdet.structures.bbox import get_box_tensor
from mmengine.structures import InstanceData
from torch import Tensor

from mmcrowd.models.dense_heads.crowd_box_head import CapWarner, box_centers
from mmcrowd.registry import MODELS


@MODELS.register_module()
class CrowdFasterRCNN(FasterRCNN):
    """mmdet's ``FasterRCNN`` whose ``pred_instances`` have ``points``, the centres of the boxes.

    It warns once when ``test_cfg.rcnn.max_per_img`` is reached (-1 is no cap), and drops boxes without area, which
    clipping makes of boxes that lie in the padding. With an ``rpn_head`` of type ``mmcrowd.CrowdRPNHead``, the caps of
    the first stage warn as well, training boxes are checked, and no proposal is centred in the padding.

    Features are given on as contiguous float32: mmcv's RoIAlign has no bfloat16 on CPUs, and returns wrong values for
    channels-last tensors there, without an error.

    Args:
        *args: Those of ``FasterRCNN``.
        **kwargs: Those of ``FasterRCNN``.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.warn_cap = CapWarner(type(self).__name__)

    def extract_feat(self, batch_inputs: Tensor) -> tuple[Tensor, ...]:
        """Images (B, 3, H, W) -> one (B, C, h, w) float32 map per level."""
        return tuple(level.float().contiguous() for level in super().extract_feat(batch_inputs))

    def add_pred_to_datasample(self, data_samples: SampleList, results_list: list[InstanceData]) -> SampleList:
        """Put the boxes of every image, and their centres, into its sample as ``pred_instances``."""
        limit = self.test_cfg.rcnn.get('max_per_img', -1)
        finished = []
        for sample, results in zip(data_samples, results_list, strict=True):
            if limit > 0:
                self.warn_cap('test_cfg.rcnn.max_per_img', limit, len(results), sample.get('img_path'))
            boxes = get_box_tensor(results.bboxes)
            results = results[(boxes[:, 2:] > boxes[:, :2]).all(dim=1)]
            results.points = box_centers(results)
            finished.append(results)
        return super().add_pred_to_datasample(data_samples, finished)
