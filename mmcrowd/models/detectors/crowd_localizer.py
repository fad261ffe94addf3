"""Detector that predicts heads from maps, whole or in tiles."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmdet.structures import SampleList
from mmengine.structures import PixelData
from torch import Tensor

from mmcrowd.codecs import Decoded
from mmcrowd.models.dense_heads.map_head import write_prediction
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
    * ``mirror`` (bool): The map is the mean of those of the image and of its mirror image; twice the time.
    * ``return_maps`` (bool): Attach the predicted map as ``pred_map``, with its ``extent``: height and width that it
      covers, in the frame of the prediction. A model that counts without points attaches it always: its map is all
      that says where the heads are.
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
            list[DetDataSample]: With what :func:`write_prediction` writes and, if asked for, ``pred_map``.
        """
        codec = self.bbox_head.codec
        shapes = [tuple(s.metainfo['img_shape'][:2]) for s in batch_data_samples]
        wants_maps = self.option('return_maps', False) or not codec.locates
        images = self.decode_images(batch_inputs, shapes, wants_maps)
        for sample, shape, (decoded, maps) in zip(batch_data_samples, shapes, images, strict=True):
            scale = tuple(sample.metainfo.get('scale_factor', (1.0, 1.0))[:2]) if rescale else (1.0, 1.0)
            write_prediction(sample, decoded, codec.locates, scale)
            if wants_maps:
                h, w = codec.map_shape(shape)
                named = dict(zip(codec.predicted, maps[:, None, :h, :w].float(), strict=True))
                extent = (h * codec.stride / scale[1], w * codec.stride / scale[0])
                sample.pred_map = PixelData(metainfo=dict(extent=extent), **named)
        return batch_data_samples

    def decode_images(
        self, batch_inputs: Tensor | Sequence[Tensor], shapes: Sequence[tuple[int, int]], keep_maps: bool = False
    ) -> list[tuple[Decoded, Tensor | None]]:
        """Heads of every image, whole or in tiles as the options say.

        Args:
            batch_inputs (Tensor or sequence of Tensor): As in :meth:`predict`.
            shapes (sequence of (int, int)): Valid height and width of every image, pixels.
            keep_maps (bool): Whether the maps are wanted.

        Returns:
            list[tuple[Decoded, Tensor | None]]: What was found, pixels of the network's input, and the predicted maps
            (C, h, w); maps may be there unasked.
        """
        if not isinstance(batch_inputs, Tensor) or any(map(self.uses_tiles, shapes)):
            return [
                self._decode_large(image, shape, keep_maps) for image, shape in zip(batch_inputs, shapes, strict=True)
            ]
        found, maps = self.read(batch_inputs, shapes)
        return [(self.bbox_head.codec.select(*each), m) for *each, m in zip(found, shapes, maps, strict=True)]

    def read(
        self, inputs: Tensor, shapes: Sequence[tuple[int, int]], core: tuple[int, int, int, int] | None = None
    ) -> tuple[list[Decoded], Tensor]:
        """Everything that may be a head, and counts, of images or of one tile: what does not need the whole image.

        Args:
            inputs (Tensor): (B, 3, H, W) normalised.
            shapes (sequence of (int, int)): Valid height and width of each, pixels.
            core (tuple of 4 int, optional): Top, left, bottom, right in pixels: report what lies inside only.

        Returns:
            tuple[list[Decoded], Tensor]: Candidates of each, in pixels of ``inputs``, and the maps (B, C, h, w).
        """
        maps = self.predict_maps(inputs)
        return self.bbox_head.codec.candidates(maps, shapes, core), maps

    def predict_maps(self, inputs: Tensor) -> Tensor:
        """Normalised images (B, 3, H, W) -> maps (B, C, h, w), as the codec reads them."""
        maps = self._maps_of(inputs)
        if self.option('mirror', False):
            covered, width = maps.shape[-1] * self.bbox_head.codec.stride, inputs.shape[-1]
            if covered != width:
                raise ValueError(
                    f'test_cfg.mirror: the map covers {covered} columns of pixels, but the image has {width}: '
                    'data_preprocessor.pad_size_divisor must be a multiple of the stride'
                )
            maps = (maps + self._maps_of(inputs.flip(-1)).flip(-1)) / 2
        return maps

    def _maps_of(self, inputs: Tensor) -> Tensor:
        maps = self.bbox_head.to_maps(self.bbox_head(self.extract_feat(inputs))[0])
        self.bbox_head.check_stride(maps, inputs.shape[-2:])
        return maps

    def _decode_large(self, image: Tensor, shape: tuple[int, int], keep_maps: bool) -> tuple[Decoded, Tensor | None]:
        """Decode one image (3, H, W), its valid height and width in ``shape``; the map only if it is asked for."""
        merge = self.option('merge', 'core')
        if merge not in ('core', 'average'):
            raise ValueError(f"CrowdLocalizer: test_cfg.merge must be 'core' or 'average', got {merge!r}")
        codec = self.bbox_head.codec
        if merge == 'average' and self.uses_tiles(shape):
            maps = self.average_maps(image, shape, codec.stride)
            return codec.decode(maps[None], [shape])[0], maps
        canvas = None
        if keep_maps:
            canvas = image.new_zeros((len(codec.predicted), *codec.map_shape(shape)), dtype=torch.float32)
        parts = []
        for batch in self.batches(self.tiles(image, shape, codec.stride)):
            inputs, valid = torch.cat([tile.inputs for tile in batch]), [tile.valid for tile in batch]
            found, maps = self.read(inputs, valid, batch[0].core)
            for tile, part, tile_maps in zip(batch, found, maps, strict=True):
                parts.append(part.translate(*tile.origin))
                if canvas is not None:
                    tile.paste(tile_maps, canvas, codec.stride)
        return codec.select(Decoded.cat(parts), shape), canvas
