"""Regions that a network proposed, as training images of the network that looks again (RAZ-Net)."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path

import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness

from mmcrowd.registry import TRANSFORMS
from mmcrowd.utils.files import printable

from .geometry import cut_window


@TRANSFORMS.register_module()
class CropRegion(BaseTransform):
    """Cut out one of the regions that Main-Net proposed in an image, and enlarge it.

    Source: Liu, Weng and Mu, "Recurrent Attentive Zooming for Joint Crowd Counting and Precise Localization". Images
    in which nothing was proposed are enlarged as they are. Heads outside the region are kept within ``context``.

    Args:
        regions: File of :func:`mmcrowd.engine.raz_stages.write_regions`: regions by image, pixels of the
            original; an image that was resized before has them resized, too.
        zoom: Size of the result by that of the region.
        context: Width of the border around the region whose heads are kept, pixels of the result.

    Raises, when an image is cropped:
        FileNotFoundError: The file is not there.
        ValueError: It is no file of regions; or, of an image, it says nothing or names a region beyond it.
    """

    def __init__(self, regions: str | Path, zoom: int = 2, context: int = 64) -> None:
        self.file, self.zoom, self.context = Path(regions), zoom, context

    @cached_property
    def regions(self) -> dict[str, list[list[int]]]:
        """Regions by image file, read when they are first needed."""
        try:
            return json.loads(self.file.read_text())['regions']
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f'{self.file}: expected a file of regions, as write_regions makes it') from error

    @cache_randomness
    def _draw(self) -> float:
        return np.random.rand()  # noqa: NPY002

    def transform(self, results: dict) -> dict:
        """Crop ``results``."""
        name = printable(results['img_path'])
        if name not in self.regions:
            raise ValueError(f'{self.file}: nothing about {name}: write the regions of this data set anew')
        height, width = results['img'].shape[:2]
        x1, y1, x2, y2 = 0, 0, width, height
        if regions := self.regions[name]:
            region = regions[int(self._draw() * len(regions))]
            scale = np.tile(results.get('scale_factor', (1.0, 1.0)), 2)
            x1, y1, x2, y2 = np.multiply(region, scale).round().astype(int).tolist()
        if not (0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height):
            raise ValueError(f'{self.file}: region {region} of {name} lies beyond its {width} x {height} px')
        size = (self.zoom * (x2 - x1), self.zoom * (y2 - y1))
        return cut_window(results, (x1, y1, x2 - x1, y2 - y1), size, self.context)

    def __repr__(self) -> str:
        return f'{type(self).__name__}(regions={str(self.file)!r}, zoom={self.zoom}, context={self.context})'
