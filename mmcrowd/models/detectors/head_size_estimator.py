"""Detector that gives known points a box."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmdet.structures import SampleList
from mmengine.structures import InstanceData
from torch import Tensor

from mmcrowd.registry import MODELS

from .tiling import TiledDetector


@MODELS.register_module()
class HeadSizeEstimator(TiledDetector):
    """Head-scale network: backbone, neck and a :class:`mmcrowd.models.HeadSizeHead`.

    It finds no heads: prediction reads the sizes at the annotated points, which makes boxes of point-only data.
    Options of prediction are those of :class:`TiledDetector`; points take their size from the tile whose core holds
    them.
    """

    def predict(
        self, batch_inputs: Tensor | Sequence[Tensor], batch_data_samples: SampleList, rescale: bool = True
    ) -> SampleList:
        """Give every annotated point of a batch a box around it.

        Args:
            batch_inputs (Tensor or sequence of Tensor): (B, 3, H, W) normalised images, or raw uint8 images (3, h,
                w) too large for that.
            batch_data_samples (list[DetDataSample]): Samples with ``img_shape``, ``scale_factor`` and
                ``gt_instances.points`` in original-image pixels.
            rescale (bool): Whether points and boxes are returned in original-image pixels.

        Returns:
            list[DetDataSample]: With ``pred_instances``: the points, in their order, ``bboxes``, ``scores`` (1) and
            ``labels``.

        Raises:
            ValueError: A sample has no points.
        """
        shapes = [tuple(s.metainfo['img_shape'][:2]) for s in batch_data_samples]
        whole = isinstance(batch_inputs, Tensor) and not any(map(self.uses_tiles, shapes))
        maps = self.predict_maps(batch_inputs) if whole else [None] * len(shapes)
        results = []
        for image, log_sizes, shape, sample in zip(batch_inputs, maps, shapes, batch_data_samples, strict=True):
            if 'points' not in sample.get('gt_instances', ()):
                raise ValueError(
                    f'{sample.metainfo.get("img_path")}: {type(self).__name__} predicts the sizes of annotated heads, '
                    'but the sample has no gt_instances.points: does the pipeline load annotations?'
                )
            original = sample.gt_instances.points.to(image.device)
            scale = original.new_tensor(sample.metainfo.get('scale_factor', (1.0, 1.0))[:2])
            points = original * scale
            read = (
                self._read_tiles(image, shape, points) if log_sizes is None else self.bbox_head.read(log_sizes, points)
            )
            sizes, centres = (read.exp() / scale, original) if rescale else (read.exp(), points)
            results.append(
                InstanceData(
                    points=centres,
                    bboxes=torch.cat([centres - sizes / 2, centres + sizes / 2], dim=1),
                    scores=centres.new_ones(len(centres)),
                    labels=torch.zeros(len(centres), dtype=torch.long, device=centres.device),
                )
            )
        return self.add_pred_to_datasample(batch_data_samples, results)

    def predict_maps(self, inputs: Tensor) -> Tensor:
        """Normalised images (B, 3, H, W) -> (B, 2, h, w) log width and log height."""
        return self.bbox_head(self.extract_feat(inputs))[0]

    def _read_tiles(self, image: Tensor, shape: tuple[int, int], points: Tensor) -> Tensor:
        """Log sizes (N, 2) at ``points`` (N, 2) xy of an image (3, H, W), pixels; outside it, those of its border."""
        limit = points.new_tensor(shape[::-1]) - 1 / 64  # the border itself is in no core
        points = points.clamp(min=0).minimum(limit)
        read = points.new_zeros((len(points), 2))
        for tile in self.tiles(image, shape, self.bbox_head.stride):
            local = points - points.new_tensor(tile.origin)
            top, left, bottom, right = tile.core
            mine = ((local >= local.new_tensor([left, top])) & (local < local.new_tensor([right, bottom]))).all(dim=1)
            if mine.any():
                read[mine] = self.bbox_head.read(self.predict_maps(tile.inputs)[0], local[mine])
        return read
