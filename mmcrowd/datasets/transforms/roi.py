"""Regions of interest in the pipeline."""

import numpy as np
from mmcv.transforms import BaseTransform

from mmcrowd.registry import TRANSFORMS

from ..roi import polygon_mask, read_mask


@TRANSFORMS.register_module()
class MaskOutsideRoi(BaseTransform):
    """Paint what is outside the region of interest, where heads are not annotated.

    Put it right after LoadImageFromFile. Reads ``img`` and ``roi_polygon`` (K, 2) xy corners or ``roi_file``;
    writes ``roi`` (H, W) bool, original pixels, which metrics heed if the packing transform has it among its
    ``meta_keys``. A sample without a region passes untouched.

    Args:
        fill: (blue, green, red) painted outside; the ImageNet mean, which the network sees as zero.
    """

    def __init__(self, fill: tuple[float, float, float] = (103.53, 116.28, 123.675)) -> None:
        self.fill = tuple(fill)

    def transform(self, results: dict) -> dict:
        """Mask ``results``."""
        shape = results['img'].shape[:2]
        if 'roi_polygon' in results:
            mask = polygon_mask(results['roi_polygon'], shape)
        elif 'roi_file' in results:
            mask = read_mask(results['roi_file'])
        else:
            return results
        if mask.shape != shape:
            raise ValueError(
                f'{results.get("roi_file")}: expected a mask of {shape[0]} rows and {shape[1]} columns for the image '
                f'{results.get("img_path")}, found {mask.shape}'
            )
        results['img'] = results['img'].copy()
        results['img'][~mask] = np.round(self.fill)
        results['roi'] = mask
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(fill={self.fill})'
