"""Detector that predicts heads from maps, whole or in tiles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from mmdet.models.detectors import SingleStageDetector
from mmdet.structures import SampleList
from mmengine.structures import PixelData
from torch import Tensor

from mmcrowd.codecs import Decoded
from mmcrowd.models.dense_heads.map_head import to_instances
from mmcrowd.registry import MODELS


def tile_windows(size: int, core: int, halo: int) -> Iterator[tuple[int, int, int, int]]:
    """Cut one axis into disjoint cores with context on both sides.

    Args:
        size (int): Length of the axis, pixels.
        core (int): Length of a core, pixels.
        halo (int): Context on each side, pixels.

    Yields:
        tuple[int, int, int, int]: Window start and stop, core start and stop, pixels of the axis.
    """
    for start in range(0, size, core):
        stop = min(start + core, size)
        yield max(start - halo, 0), min(stop + halo, size), start, stop


@MODELS.register_module()
class CrowdLocalizer(SingleStageDetector):
    """Backbone, neck and a map head; predicts whole images or tiles of them.

    Prediction options, in ``test_cfg``:

    * ``mode``: 'auto' (tiles when the image has more than ``max_pixels`` pixels), 'whole' or 'tile'.
    * ``tile`` (int): Side of a tile with its halo, pixels. Memory is bounded by it.
    * ``halo`` (int): Context around a tile's core, pixels. A head is kept by the one tile whose core holds it. When
      the halo covers the receptive field, tiles give the points of the whole image.
    * ``max_pixels`` (int): Largest image that 'auto' predicts whole.
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
        if not isinstance(batch_inputs, Tensor) or any(self._use_tiles(shape) for shape in shapes):
            decoded, maps = zip(*map(self._predict_tiles, batch_inputs, shapes), strict=True)
        else:
            maps = self._make_maps(batch_inputs)
            decoded = self.bbox_head.codec.decode(maps, shapes)
        results = [
            to_instances(d, s.metainfo.get('scale_factor') if rescale else None)
            for d, s in zip(decoded, batch_data_samples, strict=True)
        ]
        if self._option('return_maps', False):
            for sample, pred, shape in zip(batch_data_samples, maps, shapes, strict=True):
                h, w = self.bbox_head.codec.map_shape(shape)
                sample.pred_map = PixelData(
                    **dict(zip(self.bbox_head.codec.predicted, pred[:, None, :h, :w].float(), strict=True))
                )
        return self.add_pred_to_datasample(batch_data_samples, results)

    def _option(self, name: str, default):
        return (self.test_cfg or {}).get(name, default)

    def _use_tiles(self, shape: tuple[int, int]) -> bool:
        mode = self._option('mode', 'auto')
        if mode not in ('auto', 'whole', 'tile'):
            raise ValueError(f"CrowdLocalizer: test_cfg.mode must be 'auto', 'whole' or 'tile', got {mode!r}")
        return mode == 'tile' or (mode == 'auto' and shape[0] * shape[1] > self._option('max_pixels', 2**22))

    def _make_maps(self, inputs: Tensor) -> Tensor:
        """Normalised images (B, 3, H, W) -> predicted maps (B, C, h, w)."""
        maps = self.bbox_head.to_maps(self.bbox_head(self.extract_feat(inputs))[0])
        self.bbox_head.check_stride(maps, inputs.shape[-2:])
        return maps

    def _predict_tiles(self, image: Tensor, shape: tuple[int, int]) -> tuple[Decoded, Tensor | None]:
        """Predict one image (3, H, W) tile by tile, or as one tile where the options say so; ``shape`` is its valid
        height and width."""
        codec, divisor = self.bbox_head.codec, max(self.data_preprocessor.pad_size_divisor, self.bbox_head.codec.stride)
        halo = -(-self._option('halo', 288) // divisor) * divisor
        core = (self._option('tile', 2048) - 2 * halo) // divisor * divisor
        if not self._use_tiles(shape):
            core, halo = -(-max(shape) // divisor) * divisor, 0
        if core <= 0:
            raise ValueError(
                f'CrowdLocalizer: tile {self._option("tile", 2048)} leaves no core inside a halo of {halo}'
            )
        height, width = (-(-side // divisor) * divisor for side in shape)
        canvas = None
        if self._option('return_maps', False):
            canvas = image.new_zeros((len(codec.predicted), *codec.map_shape((height, width))), dtype=torch.float32)
        parts = []
        for y0, y1, top, bottom in tile_windows(height, core, halo):
            for x0, x1, left, right in tile_windows(width, core, halo):
                maps = self._make_maps(self._cut(image, y0, y1, x0, x1))
                region = (top - y0, left - x0, bottom - y0, right - x0)
                valid = (min(shape[0], y1) - y0, min(shape[1], x1) - x0)
                parts.append(codec.candidates(maps, [valid], region)[0].translate(x0, y0))
                if canvas is not None:
                    s = codec.stride
                    canvas[:, top // s : bottom // s, left // s : right // s] = maps[
                        0, :, region[0] // s : region[2] // s, region[1] // s : region[3] // s
                    ]
        return codec.select(Decoded.cat(parts), shape), canvas

    def _cut(self, image: Tensor, y0: int, y1: int, x0: int, x1: int) -> Tensor:
        """One normalised tile (1, 3, y1 - y0, x1 - x0), zero beyond the image."""
        tile = image[:, y0:y1, x0:x1]
        if tile.dtype == torch.uint8:
            tile = self.data_preprocessor.prepare(tile)
        return F.pad(tile, (0, x1 - x0 - tile.shape[-1], 0, y1 - y0 - tile.shape[-2]))[None]
