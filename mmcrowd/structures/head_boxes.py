"""Head annotations as an mmdet box type: a point and its optional box."""

import cv2
import numpy as np
import torch
from mmdet.structures.bbox import BaseBoxes, HorizontalBoxes, register_box, register_box_converter
from torch import BoolTensor, Tensor


@register_box('head', force=True)
class HeadBoxes(BaseBoxes):
    """Heads: a point each, and a box where one is annotated.

    The tensor is ``(..., 6)`` float: ``(px, py, x1, y1, x2, y2)`` in pixels of the current image, continuous (the pixel
    of column j covers [j, j + 1)). A box of NaN means "not annotated"; NaN goes through every operation by itself.

    The point is the head. It alone decides whether a head is inside an image (``0 <= x < width``), so that cutting an
    image into crops counts every head once; clipping touches the box only, never the point.

    Works in mmdet's RandomFlip, Resize, RandomResize, RandomChoiceResize, FixShapeResize, RandomCrop, RandomAffine,
    Pad, Expand, MinIoURandomCrop, RandomCenterCropPad, CutOut, FilterAnnotations, Mosaic, CachedMosaic, MixUp and
    CachedMixUp. Rotate, ShearX/Y, TranslateX/Y and RandomShift leave heads behind outside the image: drop them at
    packing (:class:`PackCrowdInputs` does). RandomErasing and Albu demand horizontal boxes, CopyPaste demands boxes
    that are all annotated, and BatchSyncRandomResize scales packed boxes but not packed points: these four cannot be
    used.

    Args:
        data: Tensor, array or sequence ``(..., 6)``; give ``dtype=torch.float32`` for integer data.
        dtype: Type of the stored tensor.
        device: Device of the stored tensor.
        clone: Copy the data.
    """

    box_dim: int = 6

    @property
    def points(self) -> Tensor:
        """``(..., 2)`` xy of the heads."""
        return self.tensor[..., :2]

    @property
    def boxes(self) -> Tensor:
        """``(..., 4)`` xyxy boxes, NaN where not annotated."""
        return self.tensor[..., 2:]

    @property
    def has_box(self) -> BoolTensor:
        """``(...)`` bool: the head has an annotated box."""
        return ~self.boxes.isnan().any(dim=-1)

    @property
    def centers(self) -> Tensor:
        """``(..., 2)`` the points: what mmdet's crops select by."""
        return self.points

    @property
    def widths(self) -> Tensor:
        """``(...)`` box widths, +inf where there is no box (a head without box is never "too small" for a filter)."""
        return (self.tensor[..., 4] - self.tensor[..., 2]).nan_to_num(nan=torch.inf)

    @property
    def heights(self) -> Tensor:
        """``(...)`` box heights, +inf where there is no box."""
        return (self.tensor[..., 5] - self.tensor[..., 3]).nan_to_num(nan=torch.inf)

    @property
    def areas(self) -> Tensor:
        """``(...)`` box areas, NaN where there is no box."""
        return (self.tensor[..., 4] - self.tensor[..., 2]) * (self.tensor[..., 5] - self.tensor[..., 3])

    def flip_(self, img_shape: tuple[int, int], direction: str = 'horizontal') -> None:
        """Mirror in place: ``x -> width - x``.

        A point inside stays inside: x = 0 would land on the excluded border x = width and is put just before it.

        Args:
            img_shape: (height, width).
            direction: 'horizontal', 'vertical' or 'diagonal' (both).
        """
        axes = {'horizontal': (0,), 'vertical': (1,), 'diagonal': (0, 1)}
        if direction not in axes:
            raise ValueError(f'direction must be one of {sorted(axes)}, got {direction!r}')
        for axis in axes[direction]:
            size = self.tensor.new_tensor(img_shape[1 - axis])
            point, low, high = (self.tensor[..., axis + shift].clone() for shift in (0, 2, 4))
            mirrored = size - point
            on_border = (point >= 0) & (mirrored >= size)
            self.tensor[..., axis] = torch.where(on_border, torch.nextafter(size, torch.zeros_like(size)), mirrored)
            self.tensor[..., axis + 2] = size - high
            self.tensor[..., axis + 4] = size - low

    def translate_(self, distances: tuple[float, float]) -> None:
        """Shift in place by ``distances`` (x, y)."""
        self.tensor = self.tensor + self.tensor.new_tensor(distances).repeat(3)

    def rescale_(self, scale_factor: tuple[float, float]) -> None:
        """Scale points and boxes with the image, in place, by ``scale_factor`` (x, y)."""
        self.tensor = self.tensor * self.tensor.new_tensor(scale_factor).repeat(3)

    def resize_(self, scale_factor: tuple[float, float]) -> None:
        """Scale the boxes about their centres, in place; points stay."""
        centre = (self.boxes[..., :2] + self.boxes[..., 2:]) / 2
        half = (self.boxes[..., 2:] - self.boxes[..., :2]) / 2 * self.tensor.new_tensor(scale_factor)
        self.tensor = torch.cat([self.points, centre - half, centre + half], dim=-1)

    def clip_(self, img_shape: tuple[int, int]) -> None:
        """Clip the boxes to ``img_shape`` (height, width) in place; points stay, or outside heads would become inside
        ones."""
        self.tensor[..., 2::2] = self.tensor[..., 2::2].clamp(0, img_shape[1])
        self.tensor[..., 3::2] = self.tensor[..., 3::2].clamp(0, img_shape[0])

    def rotate_(self, center: tuple[float, float], angle: float) -> None:
        """Rotate in place about ``center`` (x, y) by ``angle`` degrees, clockwise; a box becomes the upright box around
        it."""
        matrix = np.eye(3)
        matrix[:2] = cv2.getRotationMatrix2D(center, -angle, 1)
        self.project_(matrix)

    def project_(self, homography_matrix: Tensor | np.ndarray) -> None:
        """Apply a ``(3, 3)`` homography in place; a box becomes the upright box around its projected corners."""
        matrix = torch.as_tensor(homography_matrix, dtype=self.tensor.dtype, device=self.tensor.device)
        x1, y1, x2, y2 = self.boxes.unbind(dim=-1)
        corners = torch.stack([x1, y1, x2, y1, x1, y2, x2, y2], dim=-1).unflatten(-1, (4, 2))
        xy = torch.cat([self.points.unsqueeze(-2), corners], dim=-2)
        xyw = torch.cat([xy, torch.ones_like(xy[..., :1])], dim=-1) @ matrix.T
        xy = xyw[..., :2] / xyw[..., 2:]
        corners = xy[..., 1:, :]
        self.tensor = torch.cat([xy[..., 0, :], corners.amin(dim=-2), corners.amax(dim=-2)], dim=-1)

    def is_inside(self, img_shape: tuple[int, int], all_inside: bool = False, allowed_border: int = 0) -> BoolTensor:
        """Which points are inside the image.

        Args:
            img_shape: (height, width).
            all_inside: Has no effect: a point has no parts.
            allowed_border: Pixels that a point may lie outside.

        Returns:
            ``(...)`` bool, ``-border <= x < width + border`` and the same for y.
        """
        height, width = img_shape
        x, y = self.points.unbind(dim=-1)
        border = allowed_border
        return (x >= -border) & (x < width + border) & (y >= -border) & (y < height + border)

    def find_inside_points(self, points: Tensor, is_aligned: bool = False) -> BoolTensor:
        """Which ``points`` (M, 2) lie in which boxes: ``(M, N)``, or ``(M,)`` if aligned. False where there is no
        box."""
        return HorizontalBoxes(self.boxes, clone=False).find_inside_points(points, is_aligned)

    @staticmethod
    def overlaps(
        boxes1: BaseBoxes, boxes2: BaseBoxes, mode: str = 'iou', is_aligned: bool = False, eps: float = 1e-6
    ) -> Tensor:
        """Overlaps of the boxes, ``(M, N)`` or ``(M,)`` if aligned; NaN where a box is missing."""
        return HorizontalBoxes.overlaps(boxes1, boxes2, mode=mode, is_aligned=is_aligned, eps=eps)

    @staticmethod
    def from_instance_masks(masks) -> 'HeadBoxes':
        """Heads from N instance masks (BitmapMasks or PolygonMasks): the mask's box, and its centre as the point."""
        return HorizontalBoxes.from_instance_masks(masks).convert_to('head')


@register_box_converter('head', 'hbox', force=True)
def head_to_hbox(heads: Tensor) -> Tensor:
    """The boxes ``(..., 4)`` of heads ``(..., 6)``, NaN where not annotated."""
    return heads[..., 2:]


@register_box_converter('hbox', 'head', force=True)
def hbox_to_head(boxes: Tensor) -> Tensor:
    """Heads ``(..., 6)`` of boxes ``(..., 4)``: the point is the box centre."""
    return torch.cat([(boxes[..., :2] + boxes[..., 2:]) / 2, boxes], dim=-1)
