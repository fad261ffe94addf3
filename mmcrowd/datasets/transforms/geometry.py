"""Geometric augmentation made for crowds."""

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness

from mmcrowd.registry import TRANSFORMS

from .formatting import reaches_inside, select_heads


@TRANSFORMS.register_module()
class RandomScaleCrop(BaseTransform):
    """Cut a random window and scale it to the crop size.

    Equals scaling the image by a random factor, relative to its own size, and cropping it, but only the window is
    resized. Heads up to ``context`` pixels outside the crop are kept, so that a target map made afterwards is the crop
    of the map of the whole image; :class:`PackCrowdInputs` drops them. Crops without heads are ordinary results. Where
    the image is smaller than the window, the whole of it is used and the result is smaller than ``crop_size``; the data
    preprocessor pads it.

    Reads ``img`` and, if present, ``gt_bboxes`` with labels and flags; also writes ``img_shape``, ``scale_factor`` and
    ``homography_matrix``.

    Args:
        crop_size: (width, height) of the result, pixels.
        scale_range: Smallest and largest scale factor, drawn log-uniformly.
        context: Width of the border around the crop whose heads are kept, pixels of the result.
    """

    def __init__(
        self, crop_size: tuple[int, int], scale_range: tuple[float, float] = (1.0, 1.0), context: int = 64
    ) -> None:
        if len(crop_size) != 2 or min(crop_size) < 1:
            raise ValueError(f'crop_size must be (width, height) of at least 1 pixel, got {crop_size}')
        if len(scale_range) != 2 or not 0 < scale_range[0] <= scale_range[1]:
            raise ValueError(f'scale_range must be (smallest, largest) with 0 < smallest <= largest, got {scale_range}')
        if context < 0:
            raise ValueError(f'context must not be negative, got {context}')
        self.crop_size = tuple(crop_size)
        self.scale_range = tuple(scale_range)
        self.context = context

    @cache_randomness
    def _draw(self) -> tuple[float, float, float]:
        scale = float(np.exp(np.random.uniform(*np.log(self.scale_range))))  # noqa: NPY002
        return scale, np.random.rand(), np.random.rand()  # noqa: NPY002

    @staticmethod
    def _window(size: int, crop: int, scale: float, where: float) -> tuple[int, int, int]:
        """Start and length of the window in an image side of ``size`` pixels, and the length of the result."""
        window = max(1, round(crop / scale))
        if window > size:
            window = size
            crop = min(crop, max(1, round(size * scale)))
        return int(where * (size - window + 1)), window, crop

    def transform(self, results: dict) -> dict:
        """Crop ``results``."""
        img = results['img']
        scale, where_x, where_y = self._draw()
        x, window_w, width = self._window(img.shape[1], self.crop_size[0], scale, where_x)
        y, window_h, height = self._window(img.shape[0], self.crop_size[1], scale, where_y)
        return cut_window(results, (x, y, window_w, window_h), (width, height), self.context)

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(crop_size={self.crop_size}, scale_range={self.scale_range}, context={self.context})'
        )


def cut_window(results: dict, window: tuple[int, int, int, int], size: tuple[int, int], context: int) -> dict:
    """Cut a window out of an image with its heads, and scale it.

    Args:
        results: Of a pipeline; ``img``, ``gt_bboxes`` with labels and flags, ``img_shape``, ``scale_factor`` and
            ``homography_matrix`` change.
        window: Left, top, width and height, pixels.
        size: Width and height of the result, pixels.
        context: Heads that far outside are kept, pixels of the result.
    """
    x, y, window_w, window_h = window
    width, height = size
    img = results['img'][y : y + window_h, x : x + window_w]
    if (window_w, window_h) != (width, height):
        shrinks = width < window_w or height < window_h
        img = cv2.resize(img, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    factor = (width / window_w, height / window_h)
    results['img'] = img
    results['img_shape'] = (height, width)
    before = results.get('scale_factor', (1.0, 1.0))
    results['scale_factor'] = (before[0] * factor[0], before[1] * factor[1])
    matrix = np.array([[factor[0], 0, -x * factor[0]], [0, factor[1], -y * factor[1]], [0, 0, 1]], np.float32)
    before = results.get('homography_matrix')
    results['homography_matrix'] = matrix if before is None else matrix @ before
    if 'gt_bboxes' in results:
        results['gt_bboxes'].translate_((-x, -y))
        results['gt_bboxes'].rescale_(factor)
        select_heads(results, reaches_inside(results, context))
    return results
