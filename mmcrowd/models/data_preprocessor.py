"""Batching and normalisation that leaves huge test images to the detector's tiles."""

from __future__ import annotations

import torch
from mmdet.models.data_preprocessors import DetDataPreprocessor
from torch import Tensor

from mmcrowd.registry import MODELS


@MODELS.register_module()
class CrowdDataPreprocessor(DetDataPreprocessor):
    """:class:`mmdet.models.DetDataPreprocessor` with bounded memory at test time.

    A test image of more than ``lazy_pixels`` pixels is not turned into a float tensor here: ``inputs`` is then a
    list of the uint8 images, and the detector normalises what it looks at with :meth:`prepare`.

    Args:
        lazy_pixels (int): Images larger than this stay uint8 at test time.
        **kwargs: Passed to :class:`mmdet.models.DetDataPreprocessor`.
    """

    def __init__(self, lazy_pixels: int = 2**22, **kwargs) -> None:
        super().__init__(**kwargs)
        self.lazy_pixels = lazy_pixels

    def forward(self, data: dict, training: bool = False) -> dict:
        """Batch, pad and normalise; see the class for what happens to huge images."""
        images = data['inputs']
        if training or all(image.shape[-2] * image.shape[-1] <= self.lazy_pixels for image in images):
            return super().forward(data, training)
        data = self.cast_data({'data_samples': data.get('data_samples'), 'inputs': list(images)})
        for image, sample in zip(data['inputs'], data['data_samples'] or [], strict=False):
            sample.set_metainfo({'batch_input_shape': self.padded_shape(image), 'pad_shape': self.padded_shape(image)})
        return data

    def padded_shape(self, image: Tensor) -> tuple[int, int]:
        """Height and width of ``image`` (..., h, w) rounded up to the padding divisor."""
        d = self.pad_size_divisor
        return -(-image.shape[-2] // d) * d, -(-image.shape[-1] // d) * d

    def prepare(self, image: Tensor) -> Tensor:
        """Normalise one raw image or a part of it: (3, h, w) uint8 in the loader's channel order -> float32."""
        if self._channel_conversion:
            image = image[[2, 1, 0]]
        image = image.to(torch.float32, memory_format=torch.contiguous_format)
        return (image - self.mean) / self.std if self._enable_normalize else image
