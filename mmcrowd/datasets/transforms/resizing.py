"""Resizing rules of published methods."""

import math
from abc import abstractmethod

from mmdet.datasets.transforms import Resize

from mmcrowd.registry import TRANSFORMS


class _ResizeByRule(Resize):
    """Resizes to what :meth:`new_size` says.

    Points and boxes are scaled with the image, and ``scale_factor`` is that of the whole pipeline so far: predictions
    divided by it are in original pixels.

    Args:
        interpolation: 'bilinear', 'bicubic', 'area', 'nearest' or 'lanczos'.
    """

    def __init__(self, interpolation: str = 'bilinear') -> None:
        super().__init__(scale=(1, 1), keep_ratio=False, clip_object_border=False, interpolation=interpolation)

    @abstractmethod
    def new_size(self, width: int, height: int) -> tuple[int, int]:
        """(width, height) of the result for an image of ``width`` x ``height`` pixels."""

    def transform(self, results: dict) -> dict:
        """Resize ``results``."""
        height, width = results['img'].shape[:2]
        before = results.get('scale_factor', (1.0, 1.0))
        size = self.new_size(width, height)
        if size == (width, height):
            results['scale_factor'] = before
            results['img_shape'] = (height, width)
            return results
        results['scale'] = size
        self._resize_img(results)
        self._resize_bboxes(results)
        self._resize_masks(results)
        self._resize_seg(results)
        self._record_homography_matrix(results)
        step = results['scale_factor']
        results['scale_factor'] = (before[0] * step[0], before[1] * step[1])
        return results


@TRANSFORMS.register_module()
class ClampSides(_ResizeByRule):
    """Bring the longer side down to ``max_side``, then the shorter side up to ``min_side``, keeping the aspect ratio.

    Where both cannot be had, ``min_side`` holds and the longer side exceeds ``max_side``. FIDTM prepares JHU-CROWD++
    so (2048 and 512, bicubic) and UCF-QNRF (2048 and 512 for training, 1024 for testing, bilinear; its code leaves
    square images of 2048 pixels and more as they are, this transform does not).

    Args:
        max_side: Longest allowed longer side, pixels; None is any.
        min_side: Shortest allowed shorter side, pixels; None is any.
        interpolation: As mmdet's Resize.
    """

    def __init__(
        self, max_side: int | None = None, min_side: int | None = None, interpolation: str = 'bilinear'
    ) -> None:
        for name, side in (('max_side', max_side), ('min_side', min_side)):
            if side is not None and side < 1:
                raise ValueError(f'{name} must be at least 1 pixel, got {side}')
        super().__init__(interpolation)
        self.max_side, self.min_side = max_side, min_side

    def new_size(self, width: int, height: int) -> tuple[int, int]:
        """See the class."""
        scale = 1.0
        if self.max_side is not None:
            scale = min(scale, self.max_side / max(width, height))
        if self.min_side is not None:
            scale = max(scale, self.min_side / min(width, height))
        return max(1, round(width * scale)), max(1, round(height * scale))

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(max_side={self.max_side}, min_side={self.min_side}, '
            f'interpolation={self.interpolation!r})'
        )


@TRANSFORMS.register_module()
class EnlargeToMinimum(_ResizeByRule):
    """Scale by ``factor``, then enlarge what is below a smallest size, and round the sides to a multiple.

    IIM prepares its data so: ShanghaiTech A with ``factor=2``, part B with ``factor=2, min_size=None``, JHU-CROWD++
    with the defaults, UCF-QNRF with ``round_up=True``.

    Args:
        factor: First scale factor.
        min_size: (width, height) that the image must have at least, pixels. An image that lacks it is scaled, keeping
            its aspect ratio, until both sides have it, and the sides are rounded up to ``multiple``. None is any.
        multiple: The sides of other images are rounded down to it, and a little stretched by that.
        round_up: Go to the next higher multiple instead, also from one that is met exactly, as IIM does for UCF-QNRF.
        interpolation: As mmdet's Resize.
    """

    def __init__(
        self,
        factor: float = 1.0,
        min_size: tuple[int, int] | None = (1024, 768),
        multiple: int = 16,
        round_up: bool = False,
        interpolation: str = 'bilinear',
    ) -> None:
        if not factor > 0 or multiple < 1:
            raise ValueError(f'factor must be positive and multiple at least 1, got {factor} and {multiple}')
        super().__init__(interpolation)
        self.factor, self.min_size, self.multiple, self.round_up = factor, min_size, multiple, round_up

    def new_size(self, width: int, height: int) -> tuple[int, int]:
        """See the class."""
        sides = (width * self.factor, height * self.factor)
        if self.min_size is not None and (sides[0] < self.min_size[0] or sides[1] < self.min_size[1]):
            scale = max(least / side for least, side in zip(self.min_size, sides, strict=True))
            # A hair less before rounding up: the side that sets the scale is met exactly, whatever floats make of it.
            return tuple(math.ceil(side * scale / self.multiple - 1e-6) * self.multiple for side in sides)
        step = 1 if self.round_up else 0
        return tuple(max(1, int(side // self.multiple) + step) * self.multiple for side in sides)

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(factor={self.factor}, min_size={self.min_size}, multiple={self.multiple}, '
            f'round_up={self.round_up}, interpolation={self.interpolation!r})'
        )


@TRANSFORMS.register_module()
class ResizeLongerSide(_ResizeByRule):
    """Bring the longer side to a length, enlarging too, then enlarge what is below a smallest size.

    RAZ-Net prepares NWPU-Crowd so: the longer side to 2048 pixels, then at least 768x576, sides rounded to 16.

    Args:
        length: Of the longer side, pixels.
        min_size: (width, height) that the result must have at least, pixels; None is any.
        multiple: The sides are rounded to the nearest multiple of it.
        interpolation: As mmdet's Resize.
    """

    def __init__(
        self,
        length: int = 2048,
        min_size: tuple[int, int] | None = (768, 576),
        multiple: int = 16,
        interpolation: str = 'bilinear',
    ) -> None:
        if length < 1 or multiple < 1:
            raise ValueError(f'length and multiple must be at least 1, got {length} and {multiple}')
        super().__init__(interpolation)
        self.length, self.min_size, self.multiple = length, min_size, multiple

    def new_size(self, width: int, height: int) -> tuple[int, int]:
        """See the class."""
        scale = self.length / max(width, height)
        if self.min_size is not None:
            scale = max(scale, self.min_size[0] / width, self.min_size[1] / height)
        return tuple(max(1, round(side * scale / self.multiple)) * self.multiple for side in (width, height))

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(length={self.length}, min_size={self.min_size}, multiple={self.multiple}, '
            f'interpolation={self.interpolation!r})'
        )


@TRANSFORMS.register_module()
class ResizeToGrid(_ResizeByRule):
    """Bring an image to a whole number of tiles, the number that distorts it least.

    DeepCount's released code: ``max(1, round(W / 512))`` columns of 512 pixels, and as many rows of 384 as fit the
    aspect ratio best. The aspect ratio changes a little.

    Args:
        tile: (width, height) of a tile, pixels.
        interpolation: As mmdet's Resize.
    """

    def __init__(self, tile: tuple[int, int] = (512, 384), interpolation: str = 'bilinear') -> None:
        if min(tile) < 1:
            raise ValueError(f'tile must be (width, height) of at least 1 pixel, got {tile}')
        super().__init__(interpolation)
        self.tile = tuple(tile)

    def new_size(self, width: int, height: int) -> tuple[int, int]:
        """See the class."""
        columns = max(1, round(width / self.tile[0]))
        rows = max(1, round(self.tile[0] * columns * height / width / self.tile[1]))
        return columns * self.tile[0], rows * self.tile[1]

    def __repr__(self) -> str:
        return f'{type(self).__name__}(tile={self.tile}, interpolation={self.interpolation!r})'
