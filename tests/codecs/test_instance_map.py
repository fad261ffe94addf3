import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

from mmcrowd.codecs import InstanceMapCodec
from mmcrowd.registry import CODECS, TRANSFORMS
from mmcrowd.structures import HeadBoxes
from tests.codecs.codec_tester import CodecTester, assert_same_points, random_crowd


def boxes_around(points: np.ndarray, width: np.ndarray | float, height: np.ndarray | float) -> np.ndarray:
    """(N, 4) boxes centred at ``points``."""
    half = np.stack(np.broadcast_arrays(width, height, points[:, 0])[:2], axis=1) / 2
    return np.concatenate([points - half, points + half], axis=1)


def region_centres(points: np.ndarray, stride: int, shape: tuple[int, int]) -> np.ndarray:
    """(N, 2) centres, pixels, of what lies inside a map of ``shape`` cells of squares around points."""
    cells, number = np.floor(points / stride), len(points)
    nearest = np.full((2, number), np.inf)
    for out, places, p in ((nearest[0], points.astype(float), 2), (nearest[1], cells, np.inf)):
        if number > 1:
            out[:] = cKDTree(places).query(places, k=2, p=p)[0][:, 1]
    half = [
        max(min(int(min(15, d / 4) / stride + 0.5), (c - 2) // 2 if c < 1e9 else 15), 0) for d, c in nearest.T.tolist()
    ]
    low, high = cells - np.array(half).reshape(-1, 1), cells + np.array(half).reshape(-1, 1)
    return (np.maximum(low, 0) + np.minimum(high, np.array(shape[::-1]) - 1) + 1) / 2 * stride


class TestInstanceMapCodec(CodecTester):
    """Regions from points. Heads three cells apart get a cell each, so all areas count."""

    def make(self, stride: int) -> InstanceMapCodec:
        return CODECS.build(dict(type='mmcrowd.InstanceMapCodec', stride=stride, min_area=1))

    def encode(self, codec: InstanceMapCodec, points: np.ndarray, shape: tuple[int, int]) -> torch.Tensor:
        self.map_shape = codec.map_shape(shape)
        return super().encode(codec, points, shape)

    def expected(self, points: np.ndarray, stride: int) -> np.ndarray:
        return region_centres(points, stride, self.map_shape)

    @pytest.mark.parametrize('stride', [1, 2])
    def test_tiles_give_the_points_of_the_whole(self, stride: int):
        """With a context as large as a region."""
        codec, shape, halo = self.make(stride), (128, 192), 32
        maps = self.encode(codec, random_crowd(3, 30, shape, 4 * stride), shape)
        maps = torch.cat([maps * torch.rand(maps.shape, generator=torch.Generator().manual_seed(0)), 0.1 + 0 * maps], 1)
        whole = codec.decode(maps, [shape])[0]
        parts = []
        for top in (0, 64):
            for left in (0, 64, 128):
                y0, y1, x0, x1 = max(top - halo, 0), min(top + 64 + halo, 128), max(left - halo, 0), min(left + 96, 192)
                tile = maps[..., y0 // stride : y1 // stride, x0 // stride : x1 // stride]
                core = (top - y0, left - x0, top - y0 + 64, left - x0 + 64)
                parts.append(codec.candidates(tile, [(y1 - y0, x1 - x0)], core)[0].translate(x0, y0))
        tiled = codec.select(type(whole).cat(parts), shape)
        assert_same_points(tiled.points.numpy(), whole.points.numpy())
        torch.testing.assert_close(tiled.boxes.sort(0)[0], whole.boxes.sort(0)[0])


class TestBoxes(CodecTester):
    """Regions from boxes, single pixels allowed."""

    def make(self, stride: int) -> InstanceMapCodec:
        return CODECS.build(
            dict(type='mmcrowd.InstanceMapCodec', stride=stride, source='box', rule='parallel', min_half=0, min_area=1)
        )

    def boxes(self, points: np.ndarray) -> np.ndarray:
        return boxes_around(points, 6.0, 6.0)

    def encode(self, codec: InstanceMapCodec, points: np.ndarray, shape: tuple[int, int]) -> torch.Tensor:
        self.map_shape = codec.map_shape(shape)
        return super().encode(codec, points, shape)

    def expected(self, points: np.ndarray, stride: int) -> np.ndarray:
        regions = self.make(stride).regions(points, self.boxes(points))
        return regions.clip(0, self.map_shape[::-1] * 2).reshape(-1, 2, 2).mean(axis=1) * stride


@pytest.mark.parametrize('rule', ['sequential', 'parallel'])
@pytest.mark.parametrize('stride', [1, 2, 4])
def test_isolated_boxes_come_back(rule: str, stride: int):
    rng = np.random.default_rng(0)
    points = 16 * rng.integers(2, 5, (20, 2)) + 160 * np.stack([np.arange(20) % 5, np.arange(20) // 5], axis=1)
    sides = 8 * rng.integers(2, 6, (2, 20))
    boxes = boxes_around(points, *sides)
    codec = InstanceMapCodec(stride, rule=rule)
    maps = torch.from_numpy(codec.encode(points, boxes, (700, 900))['instance'])[None]
    (decoded,) = codec.decode(maps)
    order = np.lexsort(decoded.points.numpy().T), np.lexsort(points.T)
    np.testing.assert_allclose(decoded.points[order[0]], points[order[1]])
    np.testing.assert_allclose(decoded.boxes[order[0]], boxes[order[1]])


class TestSource:
    points = np.array([[20.0, 20.0], [80.0, 60.0]])
    boxes = boxes_around(points, 10.0, 20.0)

    def area(self, boxes: np.ndarray | None, **params) -> float:
        return InstanceMapCodec(**params).encode(self.points, boxes, (100, 120))['instance'].sum()

    def test_auto(self):
        """One head without a box makes an image one of points."""
        some = self.boxes.copy()
        some[1, 2] = np.nan
        assert self.area(self.boxes) == 2 * 200
        assert self.area(some) == self.area(None) == 2 * 31**2
        assert self.area(self.boxes, source='point') == 2 * 31**2
        assert self.area(self.boxes, source='box') == 2 * 200

    def test_missing_boxes(self):
        some = self.boxes.copy()
        some[1, 2] = np.nan
        with pytest.raises(ValueError, match=r'1 of 2 heads have no box.*pseudo_size'):
            self.area(some, source='box')
        with pytest.raises(ValueError, match=r'2 of 2 heads have no box'):
            self.area(None, source='box')
        heads = np.concatenate([self.points, some], axis=1).astype(np.float32)
        step = TRANSFORMS.build(
            dict(type='mmcrowd.EncodeTargets', codec=dict(type='mmcrowd.InstanceMapCodec', source='box'))
        )
        with pytest.raises(ValueError, match=r'here\.jpg: .*1 of 2 heads'):
            step.transform(dict(img_path='here.jpg', gt_bboxes=HeadBoxes(heads), img_shape=(100, 120)))

    @pytest.mark.parametrize('source', ['auto', 'box', 'point'])
    def test_no_heads(self, source: str):
        for boxes in (None, np.zeros((0, 4))):
            maps = InstanceMapCodec(source=source).encode(np.zeros((0, 2)), boxes, (9, 7))
            assert maps['instance'].shape == (1, 9, 7)
            assert maps['instance'].sum() == 0

    @pytest.mark.parametrize('params', [dict(source='point'), dict(rule='sequential'), dict(rule='parallel')])
    def test_heads_outside_draw_what_reaches_in(self, params: dict):
        points = np.array([[-4.0, 10.0], [500.0, 10.0]])
        maps = InstanceMapCodec(**params).encode(points, boxes_around(points, 30.0, 10.0), (20, 20))['instance'][0]
        assert maps.any(axis=0).nonzero()[0].tolist() == list(range(11 if 'rule' in params else 12))


@pytest.mark.parametrize('stride', [1, 2, 4])
@pytest.mark.parametrize(
    'params',
    [
        dict(source='point'),
        dict(source='point', no_touch=False, point_cap=8),
        dict(source='point', point_cap=1),
        dict(source='box', rule='parallel'),
        dict(source='box', rule='parallel', cap=15, min_half=1, overlap_correction=False),
    ],
)
def test_map_of_a_crop_is_the_crop_of_the_map(stride: int, params: dict):
    rng = np.random.default_rng(1)
    for count, span in ((60, 800), (3000, 800)):
        codec = InstanceMapCodec(stride, **params)
        points = rng.integers(0, 8 * span, (count, 2)) / 8
        boxes = boxes_around(points, *rng.integers(8, 8 * 80, (2, count)) / 8)
        whole = codec.encode(points, boxes, (span, span))['instance'][0]
        top, left, height, width = 300, 320, 96, 128
        near = (points > (left - codec.margin, top - codec.margin)).all(1)
        near &= (points < (left + width + codec.margin, top + height + codec.margin)).all(1)
        assert 0 < near.sum() < len(points)
        moved = boxes[near] - (left, top, left, top)
        crop = codec.encode(points[near] - (left, top), moved, (height, width))['instance'][0]
        rows, cols = slice(top // stride, (top + height) // stride), slice(left // stride, (left + width) // stride)
        np.testing.assert_array_equal(crop, whole[rows, cols])


@pytest.mark.parametrize('backend', ['scipy', 'torch'])
class TestDecode:
    def maps(self, *regions: tuple[int, int, int, int], shape: tuple[int, int] = (20, 30)) -> torch.Tensor:
        """Confidence 0.9 in rectangles x1, y1, x2, y2 (half open), 0.1 elsewhere; threshold 0.5."""
        maps = torch.full((1, 2, *shape), 0.1)
        maps[:, 1] = 0.5
        for x1, y1, x2, y2 in regions:
            maps[0, 0, y1:y2, x1:x2] = 0.9
        return maps

    def test_points_boxes_and_scores(self, backend: str):
        maps = self.maps((3, 5, 7, 8), (20, 1, 21, 6))
        maps[0, 0, 6, 4] = 0.97
        (decoded,) = InstanceMapCodec(4, backend=backend).decode(maps)
        np.testing.assert_allclose(decoded.points, [[82, 14], [20, 26]])
        np.testing.assert_allclose(decoded.boxes, [[80, 4, 84, 24], [12, 20, 28, 32]])
        np.testing.assert_allclose(decoded.scores, [0.9, 0.97])
        (decoded,) = InstanceMapCodec(4, score='mean', backend=backend).decode(maps)
        np.testing.assert_allclose(decoded.scores, [0.9, (11 * 0.9 + 0.97) / 12], rtol=1e-6)
        assert decoded.points.dtype == decoded.boxes.dtype == decoded.scores.dtype == torch.float32

    def test_threshold_is_per_cell_and_inclusive(self, backend: str):
        codec = InstanceMapCodec(backend=backend)
        maps = self.maps((2, 2, 6, 6), (12, 2, 16, 6))
        maps[0, 1, :, 10:] = 0.9
        assert len(codec.decode(maps)[0]) == 2
        maps[0, 1, :, 10:] = 0.91
        np.testing.assert_allclose(codec.decode(maps)[0].points, [[4, 4]])

    def test_fixed_threshold(self, backend: str):
        maps = self.maps((2, 2, 6, 6))[:, :1]
        assert len(InstanceMapCodec(backend=backend).decode(maps)[0]) == 1
        assert len(InstanceMapCodec(threshold=0.95, backend=backend).decode(maps)[0]) == 0

    def test_diagonal_neighbours_are_two_heads(self, backend: str):
        assert len(InstanceMapCodec(backend=backend).decode(self.maps((2, 2, 6, 6), (6, 6, 9, 9)))[0]) == 2
        assert len(InstanceMapCodec(backend=backend).decode(self.maps((2, 2, 6, 6), (6, 5, 9, 9)))[0]) == 1

    def test_least_area(self, backend: str):
        maps = self.maps((2, 2, 4, 3), (10, 2, 13, 3))
        assert len(InstanceMapCodec(backend=backend).decode(maps)[0]) == 1
        assert len(InstanceMapCodec(min_area=2, backend=backend).decode(maps)[0]) == 2
        assert len(InstanceMapCodec(min_area=4, backend=backend).decode(maps)[0]) == 0
        assert len(InstanceMapCodec(2, backend=backend).decode(maps)[0]) == 2

    def test_zeros_and_ones(self, backend: str):
        codec = InstanceMapCodec(backend=backend)
        for value, number in ((0.0, 0), (1.0, 1)):
            assert len(codec.decode(torch.full((1, 1, 12, 18), value))[0]) == number
            for threshold in (0.0, 0.5, 1.0):
                maps = torch.stack([torch.full((12, 18), value), torch.full((12, 18), threshold)])[None]
                (decoded,) = codec.decode(maps)
                assert len(decoded) == number
        np.testing.assert_allclose(decoded.points, [[9, 6]])
        np.testing.assert_allclose(decoded.boxes, [[0, 0, 18, 12]])

    @pytest.mark.parametrize(
        ('threshold', 'number'), [(-1.0, 1), (0.0, 1), (1.5, 0), (np.inf, 0), (-np.inf, 1), (np.nan, 0)]
    )
    def test_any_threshold(self, threshold: float, number: int, backend: str):
        maps = self.maps((2, 2, 6, 6))
        maps[:, 1] = threshold
        assert len(InstanceMapCodec(backend=backend).decode(maps)[0]) == number
        maps[:, 0] = 0
        assert len(InstanceMapCodec(backend=backend).decode(maps)[0]) == 0

    def test_nan_is_no_head(self, backend: str):
        maps = self.maps((2, 2, 8, 6))
        maps[0, 0, :, 4] = torch.nan
        (decoded,) = InstanceMapCodec(backend=backend).decode(maps)
        np.testing.assert_allclose(decoded.points, [[6.5, 4], [3, 4]][::-1])
        (decoded,) = InstanceMapCodec(backend=backend).decode(torch.full((1, 2, 9, 9), torch.nan))
        assert len(decoded) == 0

    def test_components_end_where_padding_begins(self, backend: str):
        maps = self.maps((2, 2, 8, 6), (20, 10, 26, 18))
        maps[0, 0, 15, 28] = 0.99
        (decoded,) = InstanceMapCodec(2, backend=backend).decode(maps, [(25, 45)])
        np.testing.assert_allclose(decoded.boxes, [[4, 4, 16, 12], [40, 20, 45, 25]])
        (decoded,) = InstanceMapCodec(2, backend=backend).decode(maps, [(20, 40)])
        np.testing.assert_allclose(decoded.boxes, [[4, 4, 16, 12]])

    def test_core(self, backend: str):
        """A centroid on the border of two cores belongs to the second."""
        codec = InstanceMapCodec(2, backend=backend)
        maps = self.maps((8, 2, 12, 6), (2, 2, 6, 6), (25, 15, 29, 19))
        found = [codec.candidates(maps, core=core)[0] for core in ((0, 0, 40, 20), (0, 20, 40, 60), (30, 20, 36, 60))]
        np.testing.assert_allclose(found[0].points, [[8, 8]])
        np.testing.assert_allclose(found[1].points, [[20, 8], [54, 34]])
        np.testing.assert_allclose(found[2].points, [[54, 34]])

    def test_many_components(self, backend: str):
        maps = torch.zeros(1, 1, 600, 600)
        maps[..., ::2, ::2] = 0.7
        assert len(InstanceMapCodec(min_area=1, backend=backend).decode(maps)[0]) == 90000


class TestBadInput:
    @pytest.mark.parametrize(
        ('params', 'message'),
        [
            (dict(source='mask'), "source must be one of box, point, auto, got 'mask'"),
            (dict(rule='greedy'), 'rule'),
            (dict(score='sum'), 'score'),
            (dict(backend='cv2'), 'backend'),
            (dict(cap=0, min_half=0), 'cap >= 1'),
            (dict(min_half=-1), 'min_half'),
            (dict(min_half=4), 'min_half'),
            (dict(cap=1), 'min_half'),
            (dict(point_cap=-1), 'point_cap'),
        ],
    )
    def test_parameters(self, params: dict, message: str):
        with pytest.raises(ValueError, match=message):
            InstanceMapCodec(**params)

    def test_channels(self):
        with pytest.raises(ValueError, match='got 3 channels'):
            InstanceMapCodec().decode(torch.zeros(1, 3, 4, 4))


def test_names():
    assert InstanceMapCodec().names == ('instance',)
    assert InstanceMapCodec().predicted == ('confidence', 'threshold')
    assert CODECS.build(dict(type='mmcrowd.FIDTCodec')).predicted == ('fidt',)
