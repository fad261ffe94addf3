"""All (prediction, head) pairs within each head's own radius, without a distance matrix.

Points are binned in horizontal bands per image and sorted by x inside a band, so that a head looks only at the few
bands its circle touches. Cost and memory follow the number of pairs, not the product of the point counts.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

_CHUNK = 1 << 16
"""Window entries expanded at a time; small enough for the scratch arrays to stay in cache."""
_HEADS = 1 << 13
"""Heads searched at a time, for the same reason."""
_MOST_BANDS = 1 << 20
"""Bands of an image, so that the rows of all images fit into an integer and their keys keep enough digits."""


class Pairs(NamedTuple):
    """Candidate pairs, sorted by prediction and then by head.

    Attributes:
        pred: (E,) int32 index of the prediction.
        gt: (E,) int32 index of the head.
        dist2: (E,) float64 squared distance in pixels.
    """

    pred: np.ndarray
    gt: np.ndarray
    dist2: np.ndarray

    def within(self, radii: np.ndarray) -> 'Pairs':
        """The pairs inside smaller radii, (N,) per head in pixels; a negative radius keeps none."""
        keep = np.flatnonzero(np.sqrt(self.dist2) <= radii[self.gt])
        if len(keep) == len(self.gt):
            return self
        return Pairs(self.pred[keep], self.gt[keep], self.dist2[keep])


def as_points(points: np.ndarray, name: str = 'points') -> np.ndarray:
    """Check points and return them as float64.

    Args:
        points: (N, 2) xy, pixels; anything with zero elements counts as no point.
        name: What the points are, for the error message.

    Raises:
        ValueError: If the shape is not (N, 2) or a coordinate is not finite.
    """
    points = np.asarray(points, dtype=np.float64)
    if points.size == 0:
        return points.reshape(0, 2)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f'{name}: expected an (N, 2) array of xy, found shape {points.shape}')
    if not np.isfinite(points).all():
        row = int(np.flatnonzero(~np.isfinite(points).all(axis=1))[0])
        raise ValueError(f'{name}: coordinates must be finite, found {points[row].tolist()} in row {row}')
    return points


def as_radii(radius: float | np.ndarray, num_gt: int) -> np.ndarray:
    """Spread a radius over the heads.

    Args:
        radius: One radius, or (N,) one per head, pixels. A head with a negative radius is never reached.
        num_gt: Number of heads N.

    Raises:
        ValueError: If the length is not N or a radius is NaN.
    """
    radii = np.asarray(radius, dtype=np.float64)
    if radii.ndim == 0:
        radii = np.full(num_gt, radii)
    if radii.shape != (num_gt,):
        raise ValueError(f'radius: expected one value or one per head ({num_gt},), found shape {radii.shape}')
    if np.isnan(radii).any():
        raise ValueError(f'radius: NaN for head {int(np.flatnonzero(np.isnan(radii))[0])}')
    return radii


def squared_limits(radii: np.ndarray) -> np.ndarray:
    """The largest squared distances whose float64 root is at most the radius.

    The official scripts compare distances. ``radius ** 2`` may be rounded to less than the squared distance of a point
    exactly on the circle, as for sqrt(13) and the offset (2, 3).
    """
    limits = np.asarray(radii, np.float64) ** 2
    for _ in range(4):
        above = np.nextafter(limits, np.inf)
        within = np.sqrt(above) <= radii
        if not within.any():
            break
        limits = np.where(within, above, limits)
    return limits


def candidate_pairs(
    pred: np.ndarray,
    gt: np.ndarray,
    radius: float | np.ndarray,
    pred_image: np.ndarray | None = None,
    gt_image: np.ndarray | None = None,
) -> Pairs:
    """Find every pair with ``|pred - gt| <= radius`` of that head.

    The comparison is ``sqrt(dx^2 + dy^2) <= radius`` in float64, exact for integer coordinates and radii.

    Args:
        pred: (M, 2) xy, pixels.
        gt: (N, 2) xy, pixels.
        radius: One radius or (N,) radii of the heads, pixels.
        pred_image: (M,) non-negative integer, the image of each prediction. None puts all points in one image.
        gt_image: (N,) the same for the heads.
    """
    pairs = unsorted_pairs(pred, gt, radius, pred_image, gt_image)
    order = np.argsort(pairs.pred.astype(np.int64) * len(gt) + pairs.gt)
    return Pairs(pairs.pred[order], pairs.gt[order], pairs.dist2[order])


def unsorted_pairs(
    pred: np.ndarray,
    gt: np.ndarray,
    radius: float | np.ndarray,
    pred_image: np.ndarray | None = None,
    gt_image: np.ndarray | None = None,
) -> Pairs:
    """:func:`candidate_pairs` in no particular order."""
    pred, gt = as_points(pred, 'predictions'), as_points(gt, 'heads')
    radii = as_radii(radius, len(gt))
    pred_image = np.zeros(len(pred), np.int64) if pred_image is None else np.asarray(pred_image, np.int64)
    gt_image = np.zeros(len(gt), np.int64) if gt_image is None else np.asarray(gt_image, np.int64)
    reachable = np.flatnonzero(radii >= 0)
    if not len(pred) or not len(reachable):
        return Pairs(np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0))

    # Beyond this every prediction is in reach; infinite radii have no bands.
    radii = np.minimum(radii, 2 * (_extent(pred, gt) + 1.0))
    heights = _band_heights(radii[reachable], len(pred))
    found = [(np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0))]
    for height in np.unique(heights):
        bands = _Bands(pred, pred_image, float(height))
        heads = reachable[heights == height]
        for some in np.split(heads, range(_HEADS, len(heads), _HEADS)):
            start, stop, which = bands.windows(gt[some], radii[some], gt_image[some])
            found += _expand(bands, gt, squared_limits(radii[some])[which], some[which], start, stop)
    return Pairs(*(np.concatenate([chunk[i] for chunk in found]) for i in range(3)))


def _extent(pred: np.ndarray, gt: np.ndarray) -> float:
    """The longer side of the box around all points, pixels."""
    sides = [max(p.max(), g.max()) - min(p.min(), g.min()) for p, g in zip(pred.T, gt.T, strict=True)]
    return float(max(sides))


def _band_heights(radii: np.ndarray, num_pred: int) -> np.ndarray:
    """(N,) band height for each head, about the diameter of the widest circle among those that share it.

    Radii within a factor of 8 share a height. Each further height sorts the predictions once more, which few heads are
    not worth: wide circles then look at many bands of the next smaller height, small ones take the next larger height.
    """
    power = np.maximum(np.frexp(radii)[1] + 2, 0) // 3
    sizes, widths = np.bincount(power), np.bincount(power, radii)
    target = np.arange(len(sizes))
    used = np.flatnonzero(sizes).tolist()
    for lower, upper in reversed(list(pairwise(used))):
        if widths[upper] / 8.0**lower < num_pred // 4:
            widths[lower] += widths[upper]
            target[target == upper] = lower
    for lower, upper in pairwise(sorted(set(target[used].tolist()))):
        if sizes[lower] < len(radii) // 4:
            sizes[upper] += sizes[lower]
            target[target == lower] = upper
    return (2 * 8.0**target)[power]


class _Bands:
    """Predictions sorted by image, horizontal band and x.

    Args:
        pred: (M, 2) xy, pixels.
        pred_image: (M,) image index.
        height: Height of a band, pixels.
    """

    def __init__(self, pred: np.ndarray, pred_image: np.ndarray, height: float) -> None:
        x, y = pred.T
        self.x_min, self.y_min = x.min(), y.min()
        self.span, self.num_images = float(x.max() - self.x_min), int(pred_image.max()) + 1
        tall = float(y.max() - self.y_min)
        self.scale = 1.0 / max(height, tall / _MOST_BANDS)
        self.num_bands = int(tall * self.scale) + 1
        self.width = 2 * self.span + 2.0
        key = (pred_image * self.num_bands + self._band(y)) * self.width + (x - self.x_min)
        order = np.argsort(key)
        self.index, self.key = order.astype(np.int32), key[order]
        # One complex number per point: half the gathers of two coordinates.
        self.xy = as_complex(pred)[order]
        # Keys are rounded in float64: windows are widened by more than that, the exact test of the pairs decides.
        self.margin = 8 * np.spacing(self.width * (self.num_bands + 1) * (self.num_images + 1))

    def _band(self, y: np.ndarray) -> np.ndarray:
        return np.clip((y - self.y_min) * self.scale, 0, self.num_bands - 1).astype(np.int64)

    def windows(self, gt: np.ndarray, radii: np.ndarray, gt_image: np.ndarray) -> tuple[np.ndarray, ...]:
        """Ranges [start, stop) of :attr:`index` that together cover each head's circle, one per band it touches.

        Returns:
            start, stop and the rows of ``gt`` that they belong to, (W,) each.
        """
        x, y = gt[:, 0] - self.x_min, gt[:, 1]
        reach = radii + 1e-9 * (radii + np.abs(y) + np.abs(x) + 1)
        low, high = self._band(y - reach), self._band(y + reach)
        edge = (self.width - self.span) / 4
        left = np.clip(x - reach - self.margin, -edge, self.span + edge)
        right = np.clip(x + reach + self.margin, -edge, self.span + edge)
        count = np.where(gt_image < self.num_images, high - low + 1, 0)
        which = np.repeat(np.arange(len(gt)), count)
        row = gt_image * self.num_bands + low - (np.cumsum(count) - count)
        base = (row[which] + np.arange(len(which))) * self.width
        first = base + left[which]
        order = np.argsort(first)  # sorted searches walk through the keys instead of jumping
        which = which[order]
        start = np.searchsorted(self.key, first[order], side='left')
        stop = np.searchsorted(self.key, base[order] + right[which], side='right')
        return start, stop, which


def as_complex(points: np.ndarray) -> np.ndarray:
    """(N, 2) float64 xy as (N,) complex128 x + iy."""
    return np.ascontiguousarray(points).view(np.complex128).reshape(-1)


def _expand(bands, gt, limits, heads, start, stop):
    """Turn windows [start, stop) of the sorted predictions into tested pairs, a bounded number at a time."""
    keep = np.flatnonzero(stop > start)
    heads, start, count = heads[keep], start[keep], (stop - start)[keep]
    centre, limits = as_complex(gt[heads]), limits[keep]
    ends = np.cumsum(count)
    shift = start - ends + count
    chunks, first = [], 0
    while first < len(heads):
        done = ends[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(ends, done + _CHUNK, side='right')))
        part, n = slice(first, last), count[first:last]
        entry = np.arange(done, ends[last - 1]) + np.repeat(shift[part], n)
        offset = bands.xy[entry]
        offset -= np.repeat(centre[part], n)
        dist2 = offset.real**2
        dist2 += offset.imag**2
        hit = np.flatnonzero(dist2 <= np.repeat(limits[part], n))
        row = np.repeat(heads[part].astype(np.int32), n)
        chunks.append((bands.index[entry[hit]], row[hit], dist2[hit]))
        first = last
    return chunks
