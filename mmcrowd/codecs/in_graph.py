"""Decoding without a loop, a list or a decision that depends on values, so that it can be part of an exported graph.

For one image, with no tiles: the same points and scores as :meth:`BaseCodec.decode`, in the same order. Boxes are left
out, because those of most codecs come from the nearest neighbours of every head.
"""

from __future__ import annotations

import math
from functools import singledispatch

import torch
import torch.nn.functional as F
from torch import Tensor

from .base import BaseCodec
from .counted_points import CountedPointsCodec
from .cross import CrossCodec, sum_of_cross, sum_of_window
from .density import DensityCodec
from .fidt import FIDTCodec
from .head_heatmap import HeadHeatmapCodec
from .instance_map import InstanceMapCodec
from .numerics import local_maxima
from .p2r import P2RCodec


@singledispatch
def decode_in_graph(codec: BaseCodec, maps: Tensor, shape: tuple[int, int]) -> tuple[Tensor, ...]:
    """Heads of one image.

    Args:
        codec: How its maps are read.
        maps: (1, C, h, w) predicted maps, float32, without cells beyond the image.
        shape: Height and width of the image, pixels; numbers or what stands for them while a graph is recorded.

    Returns:
        ``points`` (N, 2) xy, pixels, and ``scores`` (N,); of a codec that counts without points ``count``, a float64
        scalar, and ``density`` (h, w); of one that counts beside its points ``points``, ``scores`` and ``count``.

    Raises:
        ValueError: The codec has a step that no graph holds.
    """
    raise ValueError(f'{type(codec).__name__}: {why_not(codec)}')


def why_not(codec: BaseCodec) -> str | None:
    """Why a codec cannot be decoded inside a graph, None where it can."""
    if isinstance(codec, InstanceMapCodec):
        return 'its heads are connected components, and ONNX has no operator that finds them'
    if isinstance(codec, DensityCodec) and codec.locates:
        return 'its points are placed by optimal transport among nearest neighbours, which ONNX has no operator for'
    if isinstance(codec, CountedPointsCodec):
        return why_not(codec.points)
    if type(codec) not in decode_in_graph.registry:
        return 'there is no decoding of it inside a graph'
    return None


@decode_in_graph.register
def _(codec: FIDTCodec, maps: Tensor, shape: tuple[int, int]) -> tuple[Tensor, ...]:
    search = maps
    if codec.pre_avg_pool:
        search = F.avg_pool2d(maps, codec.pre_avg_pool, 1, codec.pre_avg_pool // 2)
    top = maps.amax()
    peaks = local_maxima(search, codec.kernel, codec.dedup_ties) & (search > 0) & (search >= codec.min_score)
    peaks = peaks & (search >= (codec.threshold * top if codec.relative else codec.threshold)) & (top >= codec.min_peak)
    return _cells(codec, peaks, search, shape)


@decode_in_graph.register
def _(codec: P2RCodec, maps: Tensor, shape: tuple[int, int]) -> tuple[Tensor, ...]:
    return _cells(codec, maps > math.log(codec.threshold / (1 - codec.threshold)), maps.sigmoid(), shape)


@decode_in_graph.register
def _(codec: CrossCodec, maps: Tensor, shape: tuple[int, int]) -> tuple[Tensor, ...]:
    sums, peaks = sum_of_window(maps), torch.ones_like(maps, dtype=torch.bool)
    for values in (sums, sum_of_cross(maps)):
        peaks = local_maxima(values.masked_fill(~peaks, -torch.inf))
    peaks = local_maxima(maps.masked_fill(~peaks, -torch.inf), dedup_ties=True)
    scores = sums / sum_of_window(torch.ones_like(maps))
    return _cells(codec, peaks & (scores >= codec.threshold), scores, shape)


@decode_in_graph.register
def _(codec: HeadHeatmapCodec, maps: Tensor, shape: tuple[int, int]) -> tuple[Tensor, ...]:
    heat = maps[:, :1]
    peaks = local_maxima(heat, codec.kernel, dedup_ties=True) & (heat >= codec.score_thr) & (heat > 0)
    row, column = peaks[0, 0].nonzero().unbind(1)
    corner = torch.stack([column, row], dim=1).float()
    points = (corner + maps[0, 3:, row, column].T.clamp(0, 1)) * codec.stride
    return _inside(points, shape), heat[0, 0, row, column]


@decode_in_graph.register
def _(codec: DensityCodec, maps: Tensor, shape: tuple[int, int]) -> tuple[Tensor, ...]:
    if codec.locates:
        raise ValueError(f'{type(codec).__name__}: {why_not(codec)}')
    density = maps[0, 0].clamp(min=0) if codec.clamp else maps[0, 0]
    return density.double().sum(), density


@decode_in_graph.register
def _(codec: CountedPointsCodec, maps: Tensor, shape: tuple[int, int]) -> tuple[Tensor, ...]:
    points, density = codec.split(maps)
    count = decode_in_graph(codec.density, density, shape)[0]
    points, scores = decode_in_graph(codec.points, points, shape)
    if codec.threshold is not None:
        count = (count.clamp(min=0) * (scores >= codec.threshold).sum().double()).sqrt()
    # Ranks, not a number of rows: that many of them may not be there.
    rank = scores.argsort(descending=True).argsort()
    kept = rank < count.nan_to_num(0, 0, 0).clamp(min=0).round()
    return points[kept], scores[kept], count


def _cells(codec: BaseCodec, heads: Tensor, values: Tensor, shape: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Centres of the cells that are heads, (1, 1, h, w) bool, and their values."""
    row, column = heads[0, 0].nonzero().unbind(1)
    points = (torch.stack([column, row], dim=1).float() + 0.5) * codec.stride
    return _inside(points, shape), values[0, 0, row, column]


def _inside(points: Tensor, shape: tuple[int, int]) -> Tensor:
    """See :meth:`Decoded.inside`."""
    x, y = points.unbind(1)
    height, width = shape
    x, y = torch.where(x < width, x, width - 0.5), torch.where(y < height, y, height - 0.5)
    return torch.stack([x, y], dim=1).clamp(min=0)
