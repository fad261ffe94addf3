import math

import numpy as np
import pytest
import torch

from mmcrowd.codecs import HeadHeatmapCodec
from mmcrowd.registry import CODECS, TRANSFORMS
from mmcrowd.structures import HeadBoxes
from tests.codecs.codec_tester import CodecTester, no_boxes, random_crowd


def boxes_around(points: np.ndarray, width: np.ndarray | float, height: np.ndarray | float) -> np.ndarray:
    """(N, 4) boxes centred at ``points``."""
    half = np.stack(np.broadcast_arrays(width, height, points[:, 0])[:2], axis=1) / 2
    return np.concatenate([points - half, points + half], axis=1)


def random_boxes(points: np.ndarray, low: float = 2, high: float = 40) -> np.ndarray:
    """(N, 4) boxes of random sides at ``points``."""
    return boxes_around(points, *np.random.default_rng(len(points)).uniform(low, high, (2, len(points))))


def one_by_one(points: np.ndarray, boxes: np.ndarray, shape: tuple[int, int], codec: HeadHeatmapCodec) -> np.ndarray:
    """Heat map drawn head by head."""
    rows, cols = codec.map_shape(shape)
    heat = np.zeros((rows, cols), np.float32)
    for (x, y), (x1, y1, x2, y2) in zip(points, boxes / codec.stride, strict=True):
        col, row = math.floor(x / codec.stride), math.floor(y / codec.stride)
        left, top, right, bottom = max(math.floor(x1), 0), max(math.floor(y1), 0), math.ceil(x2), math.ceil(y2)
        diameter = (2 if codec.size == 'full' else 1) * min(x2 - x1, y2 - y1) + 1
        factor = -0.5 / (diameter * (1 + codec.eta * np.exp(-diameter)) / codec.eps) ** 2
        window = heat[top : max(bottom, 0), left : max(right, 0)]
        down, across = (start + np.arange(n) for start, n in zip((top - row, left - col), window.shape, strict=True))
        gauss = np.exp(factor * (down * down)).astype(np.float32)[:, None]
        gauss = gauss * np.exp(factor * (across * across)).astype(np.float32)
        window[:] = np.maximum(window, gauss) if codec.combine == 'max' else window + gauss
        if 0 <= row < rows and 0 <= col < cols:
            heat[row, col] = max(heat[row, col], 1)
    return np.minimum(heat, 1)


def heat_of(points: list, boxes: list, shape: tuple[int, int], **params) -> np.ndarray:
    return HeadHeatmapCodec(**params).encode(np.array(points), np.array(boxes), shape)['heat'][0]


class TestHeadHeatmapCodec(CodecTester):
    def make(self, stride: int) -> HeadHeatmapCodec:
        return CODECS.build(dict(type='mmcrowd.HeadHeatmapCodec', stride=stride))

    def boxes(self, points: np.ndarray) -> np.ndarray:
        return random_boxes(points)

    def expected(self, points: np.ndarray, stride: int) -> np.ndarray:
        return points

    @pytest.mark.parametrize('stride', [1, 2, 3, 4])
    def test_round_trip_of_boxes(self, stride: int):
        codec, shape = self.make(stride), (200, 310)
        points = random_crowd(1, 100, shape, 4 * stride)
        (decoded,) = codec.decode(self.encode(codec, points, shape))
        expected = random_boxes(points)
        nearest = np.linalg.norm(decoded.points.numpy()[:, None] - points, axis=-1).argmin(1)
        np.testing.assert_allclose(decoded.boxes, expected[nearest], atol=1e-4)
        np.testing.assert_allclose(decoded.scores, 1)


@pytest.mark.parametrize(
    ('side', 'eta', 'sigma'),
    [(0, 0, 1 / 6), (1, 0, 0.5), (1, 1, 0.5 * (1 + math.exp(-3))), (2, 10, 5 / 6 * (1 + 10 * math.exp(-5)))],
)
def test_sigma_of_equation_10(side: float, eta: float, sigma: float):
    got = HeadHeatmapCodec(eta=eta).sigma(np.array([side, side + 3]), np.array([side + 7, side]))
    np.testing.assert_allclose(got, sigma)


def test_small_object_factor():
    """The ratio to eta = 0, as the equation gives it for D = 3, 5, 7 and 17."""
    sides = np.array([1.0, 2.0, 3.0, 8.0])
    ratio = HeadHeatmapCodec(eta=10).sigma(sides, sides) / HeadHeatmapCodec(eta=0).sigma(sides, sides)
    np.testing.assert_allclose(ratio, [1.498, 1.067, 1.009, 1.000], atol=5e-4)


@pytest.mark.parametrize(('side', 'edge', 'corner'), [(1, 0.61, 0.37), (2, 0.49, 0.24), (8, 0.37, 0.14)])
def test_heat_at_the_side_and_corner_of_a_box(side: float, edge: float, corner: float):
    sigma = HeadHeatmapCodec(eta=0).sigma(np.array([side]), np.array([side])).item()
    assert math.exp(-((side / 2) ** 2) / (2 * sigma**2)) == pytest.approx(edge, abs=5e-3)
    assert math.exp(-((side / 2) ** 2) / sigma**2) == pytest.approx(corner, abs=5e-3)


def test_values_of_one_head():
    heat = heat_of([[22.0, 14.0]], [[12, 8, 32, 20]], (32, 48), eta=0.0)
    assert heat.shape == (8, 12)
    sigma = (2 * 3 + 1) / 6
    col, row = np.meshgrid(np.arange(12), np.arange(8))
    expected = np.exp(-((col - 5) ** 2 + (row - 3) ** 2) / (2 * sigma**2))
    expected[(col < 3) | (col > 7) | (row < 2) | (row > 4)] = 0
    np.testing.assert_allclose(heat, expected, rtol=1e-6)
    assert heat[3, 5] == 1


def test_half_size():
    full, half = (
        HeadHeatmapCodec(size=size, eta=0).sigma(np.array([4.0]), np.array([6.0])) for size in ('full', 'half')
    )
    np.testing.assert_allclose([full[0], half[0]], [9 / 6, 5 / 6])


@pytest.mark.parametrize('stride', [1, 2, 3, 4, 8])
@pytest.mark.parametrize('params', [{}, dict(size='half'), dict(eta=0, eps=4.0), dict(combine='sum')])
def test_equals_drawing_one_by_one(stride: int, params: dict):
    rng = np.random.default_rng(stride)
    shape, codec = (90, 75), HeadHeatmapCodec(stride, **params)
    points = rng.uniform(-20, 100, (80, 2))
    boxes = random_boxes(points, 0.5, 60)
    expected = one_by_one(points, boxes, shape, codec)
    heat = codec.encode(points, boxes, shape)['heat'][0]
    if codec.combine == 'max':
        np.testing.assert_array_equal(heat, expected)
    else:
        np.testing.assert_allclose(heat, expected, rtol=1e-5)
    assert heat.max() == 1


def test_a_crowd_equals_drawing_one_by_one():
    rng = np.random.default_rng(0)
    points = rng.uniform(0, (1088, 608), (5000, 2)).astype(np.float32)
    boxes = boxes_around(points, *rng.uniform(8, 40, (2, 5000)))
    codec = HeadHeatmapCodec()
    heat = codec.encode(points, boxes, (608, 1088))['heat'][0]
    np.testing.assert_array_equal(heat, one_by_one(points, boxes, (608, 1088), codec))


def test_overlaps():
    points, boxes = [[10.5, 10.5], [14.5, 10.5]], [[4, 4, 17, 17], [8, 4, 21, 17]]
    one, other = (heat_of([p], [b], (24, 30), stride=1) for p, b in zip(points, boxes, strict=True))
    np.testing.assert_array_equal(heat_of(points, boxes, (24, 30), stride=1), np.maximum(one, other))
    both = heat_of(points, boxes, (24, 30), stride=1, combine='sum')
    np.testing.assert_allclose(both, np.minimum(one + other, 1), rtol=1e-6)
    assert (one + other).max() > 1


def test_mask_is_the_cells_of_the_boxes():
    """Cells floor(x1 / stride) to ceil(x2 / stride) - 1."""
    heat = heat_of([[10.0, 10.0]], [[7.9, 8, 12, 12.1]], (32, 32))
    rows, cols = heat.nonzero()
    assert set(zip(rows, cols, strict=True)) == {(2, 1), (2, 2), (3, 1), (3, 2)}


def test_box_smaller_than_a_cell():
    heat = heat_of([[10.2, 10.4]], [[10, 10, 10.5, 11]], (32, 32))
    assert heat[2, 2] == 1
    assert np.count_nonzero(heat) == 1


def test_point_outside_its_box():
    """Its cell joins the mask, the way in between does not."""
    heat = heat_of([[18.0, 2.0]], [[0, 0, 8, 8]], (32, 32))
    assert heat[0, 4] == 1
    assert heat[0, 2:4].max() == 0
    assert np.count_nonzero(heat) == 5


def test_outside_heads_reach_in():
    """A head outside draws what of its box lies inside; it has no size, and a box clipped away draws nothing."""
    points, boxes = np.array([[-6.0, 10.0], [50.0, 10.0]]), np.array([[-30, 2, 18, 20], [32.0, 5, 32, 15]])
    maps = HeadHeatmapCodec().encode(points, boxes, (24, 32))
    assert 0 < maps['heat'].max() < 1
    assert maps['heat'][0, 2].nonzero()[0].tolist() == [0, 1, 2, 3, 4]
    assert maps['width'].max() == maps['dx'].max() == 0


def test_heads_in_one_cell():
    points = np.array([[10.0, 10.0], [11.0, 9.0]])
    maps = HeadHeatmapCodec().encode(points, boxes_around(points, np.array([8, 12]), np.array([8, 16])), (32, 32))
    assert (maps['width'][0, 2, 2], maps['height'][0, 2, 2]) == (3, 4)
    assert (maps['dx'][0, 2, 2], maps['dy'][0, 2, 2]) == (0.75, 0.25)
    assert maps['heat'].max() == 1


@pytest.mark.parametrize('stride', [1, 2, 4])
def test_map_of_a_crop_is_the_crop_of_the_map(stride: int):
    rng = np.random.default_rng(1)
    codec = HeadHeatmapCodec(stride)
    points = rng.integers(0, 8 * 2000, (3000, 2)) / 8
    boxes = boxes_around(points, *rng.integers(8, 8 * 100, (2, 3000)) / 8)
    whole = codec.encode(points, boxes, (2000, 2000))
    top, left, height, width = 800, 760, 96, 128
    near = (points > (left - codec.margin, top - codec.margin)).all(1)
    near &= (points < (left + width + codec.margin, top + height + codec.margin)).all(1)
    assert 0 < near.sum() < len(points)
    crop = codec.encode(points[near] - (left, top), boxes[near] - (left, top, left, top), (height, width))
    rows, cols = slice(top // stride, (top + height) // stride), slice(left // stride, (left + width) // stride)
    for name in codec.names:
        np.testing.assert_array_equal(crop[name][0], whole[name][0, rows, cols])


class TestDecode:
    def maps(self, *peaks: tuple[int, int, float], size: tuple[float, float] = (3, 4)) -> torch.Tensor:
        maps = torch.zeros(1, 5, 20, 20)
        for col, row, value in peaks:
            maps[0, :, row, col] = torch.tensor([value, *size, 0.25, 0.5])
        return maps

    def test_points_boxes_and_scores(self):
        (decoded,) = HeadHeatmapCodec().decode(self.maps((3, 5, 0.9)))
        np.testing.assert_allclose(decoded.points, [[13, 22]])
        np.testing.assert_allclose(decoded.boxes, [[7, 14, 19, 30]])
        np.testing.assert_allclose(decoded.scores, [0.9])

    def test_threshold_is_absolute_and_inclusive(self):
        maps = self.maps((3, 3, 0.3), (10, 10, 0.299), (15, 15, 0.95))
        assert len(HeadHeatmapCodec().decode(maps)[0]) == 2
        assert len(HeadHeatmapCodec(score_thr=0.5).decode(maps)[0]) == 1
        assert len(HeadHeatmapCodec(score_thr=0.0).decode(maps)[0]) == 3

    def test_one_head_of_a_plateau(self):
        (decoded,) = HeadHeatmapCodec().decode(self.maps((3, 3, 1.0), (4, 3, 1.0), (4, 4, 1.0), (5, 5, 1.0)))
        np.testing.assert_allclose(decoded.points, [[13, 14]])

    def test_kernel(self):
        maps = self.maps((3, 3, 0.9), (5, 3, 0.8))
        assert len(HeadHeatmapCodec(kernel=3).decode(maps)[0]) == 2
        assert len(HeadHeatmapCodec(kernel=5).decode(maps)[0]) == 1

    def test_impossible_sizes_and_offsets(self):
        maps = self.maps((3, 3, 0.9), size=(-2, 5))
        maps[0, 3:, 3, 3] = torch.tensor([-0.5, 7])
        (decoded,) = HeadHeatmapCodec().decode(maps)
        np.testing.assert_allclose(decoded.points, [[12, 16]])
        np.testing.assert_allclose(decoded.boxes, [[12, 6, 12, 26]])

    def test_no_cap(self):
        """All cells of a grid, far more than the usual 100 or 1000 detections."""
        maps = torch.zeros(1, 5, 400, 400)
        maps[:, 0, ::2, ::2] = 0.5
        assert len(HeadHeatmapCodec().decode(maps)[0]) == 40000


class TestBadInput:
    points = np.array([[10.0, 10.0], [20.0, 20.0], [100.0, 20.0]])

    def test_unknown_boxes(self):
        boxes = random_boxes(self.points)
        boxes[1] = np.nan
        with pytest.raises(ValueError, match=r'1 of 3 heads have no box.*pseudo boxes'):
            HeadHeatmapCodec().encode(self.points, boxes, (32, 32))
        for boxes in (no_boxes(self.points), None):
            with pytest.raises(ValueError, match=r'3 of 3 heads have no box'):
                HeadHeatmapCodec().encode(self.points, boxes, (32, 32))

    @pytest.mark.parametrize('size', [(0, 5), (5, 0), (-3, 5), (0, 0)])
    def test_boxes_without_area(self, size: tuple[float, float]):
        boxes = random_boxes(self.points)
        boxes[1, 2:] = boxes[1, :2] + size
        with pytest.raises(ValueError, match=r'1 of 3 heads have a box without area, the first at \[20.0, 20.0\]'):
            HeadHeatmapCodec().encode(self.points, boxes, (32, 32))

    def test_the_image_is_named_and_pseudo_boxes_help(self):
        heads = np.concatenate([self.points, no_boxes(self.points)], axis=1).astype(np.float32)
        heads[0, 2:] = 6, 6, 14, 14
        codec = dict(type='mmcrowd.HeadHeatmapCodec')

        def encode(**kwargs) -> np.ndarray:
            step = TRANSFORMS.build(dict(type='mmcrowd.EncodeTargets', codec=codec, **kwargs))
            results = dict(img_path='here.jpg', gt_bboxes=HeadBoxes(heads), img_shape=(32, 32))
            return step.transform(results)['gt_maps']['gt_map']

        with pytest.raises(ValueError, match=r'here\.jpg: .*2 of 3 heads have no box.*EncodeTargets\(pseudo_size'):
            encode()
        maps = encode(pseudo_size=12.0)
        assert maps['width'][0, 2, 2] == 2
        assert maps['width'][0, 5, 5] == maps['height'][0, 5, 5] == 3
        with pytest.raises(ValueError, match='pseudo_size must be positive'):
            encode(pseudo_size=0)

    @pytest.mark.parametrize(
        ('params', 'message'),
        [
            (dict(eps=0), 'eps'),
            (dict(eta=-1), 'eta'),
            (dict(size='double'), 'size'),
            (dict(combine='mean'), 'combine'),
            (dict(kernel=4), 'odd'),
        ],
    )
    def test_parameters(self, params: dict, message: str):
        with pytest.raises(ValueError, match=message):
            HeadHeatmapCodec(**params)
