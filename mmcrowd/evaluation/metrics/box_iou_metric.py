"""Boxes of known heads as an mmengine metric."""

import numpy as np

from mmcrowd.codecs.numerics import knn_boxes, sound_boxes
from mmcrowd.registry import METRICS

from ..functional import paired_iou
from .base import CrowdMetric, annotated_points, predicted_points, to_numpy


@METRICS.register_module()
class BoxIoUMetric(CrowdMetric):
    """How well boxes predicted at annotated points fit the annotated boxes: mean intersection over union.

    Beside them, under the same name with ``knn_``, the boxes that the distances to the nearest heads give
    (:func:`mmcrowd.codecs.numerics.knn_boxes`), which need no network. Keys: ``crowd/box_iou`` (mean over all heads),
    ``crowd/box_iou_median``, ``crowd/box_iou_50`` (share of at least 0.5), ``crowd/knn_box_iou`` and so on.

    Args:
        **kwargs: See :class:`CrowdMetric`.
    """

    def record(self, sample: dict) -> dict:
        """Overlap of the boxes of every head that has an annotated one, with an area."""
        points, boxes = annotated_points(sample), to_numpy(sample['gt_instances']['bboxes']).reshape(-1, 4)
        at, pred = predicted_points(sample)[0], to_numpy(sample['pred_instances']['bboxes']).reshape(-1, 4)
        if len(at) != len(points) or not np.allclose(at, points, atol=1e-2):
            raise ValueError(
                f'image {sample.get("img_path")}: BoxIoUMetric compares boxes head by head, expected the predictions '
                f'at the {len(points)} annotated points in their order, found {len(at)} at others; for detections use '
                'CrowdLocalizationMetric'
            )
        known = sound_boxes(boxes)
        knn = knn_boxes(points, tuple(sample['ori_shape'][:2]))
        return dict(
            pred=paired_iou(pred[known], boxes[known]), knn=paired_iou(knn[known], boxes[known]), heads=len(points)
        )

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Figures over all heads."""
        rows, figures = [['boxes', 'mean IoU', 'median IoU', 'IoU >= 0.5']], {}
        for prefix, side, name in (('', 'pred', 'predicted'), ('knn_', 'knn', 'from nearest heads')):
            iou = np.concatenate([np.zeros(0), *(r[side] for r in results)])
            values = (iou.mean(), np.median(iou), (iou >= 0.5).mean()) if len(iou) else (float('nan'),) * 3
            keys = (f'{prefix}box_iou', f'{prefix}box_iou_median', f'{prefix}box_iou_50')
            figures |= {key: float(value) for key, value in zip(keys, values, strict=True)}
            rows.append([name, *(f'{value:.4f}' for value in values)])
        heads = sum(r['heads'] for r in results)
        title = f'boxes at annotated points | {len(iou)} of {heads} heads with a box | {len(results)} images'
        protocol = dict(protocol='boxes at annotated points', num_heads=len(iou), num_images=len(results))
        self.report(title, rows, figures, protocol)
        return figures
