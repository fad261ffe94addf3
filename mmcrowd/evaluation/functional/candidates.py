"""All (prediction, head) pairs within each head's own radius, without a distance matrix.

Points are binned in horizontal bands per image and sorted by x inside a band, so that a head looks only at the few
bands its circle touches. Cost and memory follow the number of pairs, not the product of the point counts.
"""

from typing import NamedTuple

import numpy as np

_BAND_GROWTH = 8.0
"""Heads whose radii lie within this factor share one band height: a band is then never much taller than a circle."""
_CHUNK = 1 << 16
"""Window entries expanded at a time; small enough for the scratch arrays to stay in cache."""
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
        keep = np.flatnonzero((self.dist2 <= squared_limits(radii)[self.gt]) & (radii[self.gt] >= 0))
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
        limits = np.where(np.sqrt(above) <= radii, above, limits)
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

    extent = max(float(np.ptp(np.concatenate([pred[:, axis], gt[:, axis]]))) for axis in (0, 1)) + 1.0
    radii = np.minimum(radii, 2 * extent)
    steps = _radius_steps(radii[reachable])
    found = [(np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0))]
    for step in np.unique(steps):
        heads = reachable[steps == step]
        bands = _Bands(pred, pred_image, gt_image[heads], 2 * max(1.0, float(radii[heads].max())))
        for start, stop, which in bands.windows(gt[heads], radii[heads], gt_image[heads]):
            found += _expand(bands, gt, radii, heads[which], start, stop)
    return Pairs(*(np.concatenate([chunk[i] for chunk in found]) for i in range(3)))


def _radius_steps(radii: np.ndarray) -> np.ndarray:
    """Group of each head: radii of a group share a band height; small groups join the next larger radii."""
    steps = np.ceil(np.log(np.maximum(radii, 1.0)) / np.log(_BAND_GROWTH)).astype(np.int64)
    sizes = np.bincount(steps)
    target = np.arange(len(sizes))
    for step in range(len(sizes) - 1):
        if sizes[step] < len(radii) // 4:
            sizes[step + 1] += sizes[step]
            target[target == step] = step + 1
    return target[steps]


class _Bands:
    """Predictions sorted by image, horizontal band and x.

    Args:
        pred: (M, 2) xy, pixels.
        pred_image: (M,) image index.
        images: Image indices in use; predictions of other images are left out.
        height: Height of a band, pixels.
    """

    def __init__(self, pred: np.ndarray, pred_image: np.ndarray, images: np.ndarray, height: float) -> None:
        wanted = np.zeros(max(int(pred_image.max()), int(images.max())) + 1, bool)
        wanted[images] = True
        index = np.flatnonzero(wanted[pred_image])
        x, y = pred[index, 0], pred[index, 1]
        self.x_min, self.y_min = (x.min(), y.min()) if len(index) else (0.0, 0.0)
        self.span = float(np.ptp(x)) if len(index) else 0.0
        self.scale = 1.0 / max(height, float(np.ptp(y)) / _MOST_BANDS if len(index) else 0.0)
        self.num_bands = int((y.max() - self.y_min) * self.scale) + 1 if len(index) else 0
        self.width = 2 * self.span + 2.0
        key = self._row(pred_image[index], self._band(y)) * self.width + (x - self.x_min)
        order = np.argsort(key)
        self.index, self.key = index[order].astype(np.int32), key[order]
        self.x, self.y = x[order], y[order]
        # Keys are rounded in float64: windows are widened by more than that, the exact test of the pairs decides.
        self.margin = 8 * np.spacing(self.width * (self.num_bands + 1) * len(wanted))

    def _band(self, y: np.ndarray) -> np.ndarray:
        return np.clip(np.floor((y - self.y_min) * self.scale), -1, self.num_bands).astype(np.int64)

    def _row(self, image: np.ndarray, band: np.ndarray) -> np.ndarray:
        return image * self.num_bands + band

    def windows(self, gt: np.ndarray, radii: np.ndarray, gt_image: np.ndarray):
        """Ranges [start, stop) of :attr:`index` that cover each head's circle, one band after the other.

        Yields:
            start, stop and the (n,) rows of ``gt`` that they belong to.
        """
        if not len(self.index):
            return
        x, y = gt[:, 0] - self.x_min, gt[:, 1]
        reach = radii + 1e-9 * (radii + np.abs(y) + np.abs(x) + 1)
        low = np.maximum(self._band(y - reach), 0)
        high = np.minimum(self._band(y + reach), self.num_bands - 1)
        edge = (self.width - self.span) / 4
        left = np.clip(x - reach - self.margin, -edge, self.span + edge)
        right = np.clip(x + reach + self.margin, -edge, self.span + edge)
        which = np.flatnonzero(low <= high)
        shift = 0
        while len(which):
            base = self._row(gt_image[which], low[which] + shift) * self.width
            first = base + left[which]
            order = np.argsort(first)  # sorted searches walk through the keys instead of jumping
            start = np.searchsorted(self.key, first[order], side='left')
            stop = np.searchsorted(self.key, (base + right[which])[order], side='right')
            yield start, stop, which[order]
            shift += 1
            which = which[low[which] + shift <= high[which]]


def _expand(bands, gt, radii, heads, start, stop):
    """Turn windows [start, stop) of the sorted predictions into tested pairs, a bounded number at a time."""
    keep = np.flatnonzero(stop > start)
    heads, start, count = heads[keep], start[keep], (stop - start)[keep]
    x, y, reach2 = gt[heads, 0], gt[heads, 1], squared_limits(radii[heads])
    ends = np.cumsum(count)
    shift = start - ends + count
    chunks, first = [], 0
    while first < len(heads):
        done = ends[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(ends, done + _CHUNK, side='right')))
        row = np.repeat(np.arange(first, last), count[first:last])
        entry = np.arange(done, ends[last - 1]) + shift[row]
        dist2, dy = bands.x[entry] - x[row], bands.y[entry] - y[row]
        dist2 *= dist2
        dy *= dy
        dist2 += dy
        hit = np.flatnonzero(dist2 <= reach2[row])
        chunks.append((bands.index[entry[hit]], heads[row[hit]].astype(np.int32), dist2[hit]))
        first = last
    return chunks
