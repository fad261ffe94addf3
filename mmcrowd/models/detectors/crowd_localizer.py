"""Detector that predicts heads from maps, whole or in tiles."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmdet.structures import SampleList
from mmengine.structures import PixelData
from torch import Tensor

from mmcrowd.codecs import Decoded
from mmcrowd.models.dense_heads.map_head import to_instances
from mmcrowd.registry import MODELS

from .tiling import TiledDetector


@MODELS.register_module()
class CrowdLocalizer(TiledDetector):
    """Backbone, neck and a map head; predicts whole images or tiles of them.

    Prediction options, in ``test_cfg``, beside those of :class:`TiledDetector`:

    * ``merge``: 'core': a head is kept by the one tile whose core holds it; when the halo covers the receptive field,
      tiles give the points of the whole image, and memory is bounded by the tile. 'average': the maps of tiles without
      halo, the last of a row and of a column shifted back inside, are averaged and decoded as one, as IIM's released
      code does; memory is bounded by the tile and one map.
    * ``return_maps`` (bool): Attach the predicted map as ``pred_map``.
    """

    def predict(
        self, batch_inputs: Tensor | Sequence[Tensor], batch_data_samples: SampleList, rescale: bool = True
    ) -> SampleList:
        """Find the heads of a batch.

        Args:
            batch_inputs (Tensor or sequence of Tensor): (B, 3, H, W) normalised images, or raw uint8 images (3, h,
                w) too large for that.
            batch_data_samples (list[DetDataSample]): Samples with ``img_shape`` and ``scale_factor``.
            rescale (bool): Whether points are returned in original-image pixels.

        Returns:
            list[DetDataSample]: With ``pred_instances`` (points, scores, bboxes, labels) and, if asked for,
            ``pred_map``.
        """
        shapes = [tuple(s.metainfo['img_shape'][:2]) for s in batch_data_samples]
        if not isinstance(batch_inputs, Tensor) or any(self.uses_tiles(shape) for shape in shapes):
            decoded, maps = zip(*map(self._predict_large, batch_inputs, shapes), strict=True)
        else:
            maps = self.predict_maps(batch_inputs)
            decoded = self.bbox_head.codec.decode(maps, shapes)
        results = [
            to_instances(d, s.metainfo.get('scale_factor') if rescale else None)
            for d, s in zip(decoded, batch_data_samples, strict=True)
        ]
        if self.option('return_maps', False):
            for sample, pred, shape in zip(batch_data_samples, maps, shapes, strict=True):
                h, w = self.bbox_head.codec.map_shape(shape)
                sample.pred_map = PixelData(
                    **dict(zip(self.bbox_head.codec.predicted, pred[:, None, :h, :w].float(), strict=True))
                )
        return self.add_pred_to_datasample(batch_data_samples, results)

    def predict_maps(self, inputs: Tensor) -> Tensor:
        """Normalised images (B, 3, H, W) -> maps (B, C, h, w), as the codec reads them."""
        maps = self.bbox_head.to_maps(self.bbox_head(self.extract_feat(inputs))[0])
        self.bbox_head.check_stride(maps, inputs.shape[-2:])
        return maps

    def _predict_large(self, image: Tensor, shape: tuple[int, int]) -> tuple[Decoded, Tensor | None]:
        """Predict one image (3, H, W), its valid height and width in ``shape``; the map only if it is asked for."""
        merge = self.option('merge', 'core')
        if merge not in ('core', 'average'):
            raise ValueError(f"CrowdLocalizer: test_cfg.merge must be 'core' or 'average', got {merge!r}")
        codec = self.bbox_head.codec
        if merge == 'average' and self.uses_tiles(shape):
            maps = self.average_maps(image, shape, codec.stride)
            return codec.decode(maps[None], [shape])[0], maps
        canvas = None
        if self.option('return_maps', False):
            canvas = image.new_zeros((len(codec.predicted), *codec.map_shape(shape)), dtype=torch.float32)
        parts = []
        for tile in self.tiles(image, shape, codec.stride):
            maps = self.predict_maps(tile.inputs)
            (x0, y0), (top, left, bottom, right) = tile.origin, tile.core
            parts.append(codec.candidates(maps, [tile.valid], tile.core)[0].translate(x0, y0))
            if canvas is not None:
                s = codec.stride
                part = canvas[:, (y0 + top) // s : (y0 + bottom) // s, (x0 + left) // s : (x0 + right) // s]
                part.copy_(maps[0, :, top // s :, left // s :][:, : part.shape[1], : part.shape[2]])
        return codec.select(Decoded.cat(parts), shape), canvas
