import numpy as np
import pytest
import torch

from mmcrowd.codecs import CountedPointsCodec
from mmcrowd.codecs.in_graph import decode_in_graph
from mmcrowd.registry import CODECS
from tests.codecs.codec_tester import CodecTester, CountingCodecTester, random_crowd


def make(stride: int, **options) -> CountedPointsCodec:
    points = dict(type='mmcrowd.FIDTCodec', stride=stride, relative=False, threshold=0.1)
    density = dict(type='mmcrowd.DensityCodec', stride=stride)
    return CODECS.build(dict(dict(type='mmcrowd.CountedPointsCodec', points=points, density=density), **options))


class TestPoints(CodecTester):
    def make(self, stride: int) -> CountedPointsCodec:
        return make(stride)


class TestPointsOfBoth(CodecTester):
    def make(self, stride: int) -> CountedPointsCodec:
        return make(stride, threshold=0.5)


class TestCount(CountingCodecTester):
    def make(self, stride: int) -> CountedPointsCodec:
        return make(stride)

    def density(self, maps: torch.Tensor) -> torch.Tensor:
        return maps[:, 1:]


def maps_of(peaks: dict[tuple[int, int], float], count: float) -> torch.Tensor:
    """(1, 2, 20, 30): peaks (row, column) -> value, and a density that sums to ``count``."""
    maps = torch.zeros(1, 2, 20, 30)
    for cell, value in peaks.items():
        maps[0, 0, cell[0], cell[1]] = value
    maps[0, 1] = count / maps[0, 1].numel()
    return maps


PEAKS = {(3, 3): 0.9, (3, 9): 0.15, (9, 3): 0.4, (9, 9): 0.7, (15, 20): 0.05}


@pytest.mark.parametrize(
    ('count', 'values'),
    [(-2, []), (0.4, []), (1.2, [0.9]), (1.6, [0.9, 0.7]), (3, [0.9, 0.4, 0.7]), (9, [0.9, 0.15, 0.4, 0.7])],
)
def test_as_many_of_the_surest_as_are_counted(count: float, values: list[float]):
    """In the order of the map; what the points' codec calls no candidate stays none, and the count is the density's."""
    (decoded,) = make(2).decode(maps_of(PEAKS, count))
    torch.testing.assert_close(decoded.scores, torch.tensor(values))
    assert decoded.count.item() == pytest.approx(count, abs=1e-5)
    assert decoded.boxes.shape == (len(values), 4)


def test_boxes_are_those_of_the_heads_that_are_kept():
    """They are a share of the distance to the nearest heads, and what is no head has no part in it."""
    few = make(2).decode(maps_of(PEAKS, 2))[0]
    alone = make(2).decode(maps_of({cell: PEAKS[cell] for cell in ((3, 3), (9, 9))}, 2))[0]
    torch.testing.assert_close(few.boxes, alone.boxes)


@pytest.mark.parametrize(
    ('density', 'threshold', 'values'),
    [
        (4, 0.4, [0.9, 0.4, 0.7]),  # sqrt(4 * 3) = 3.5
        (1, 0.1, [0.9, 0.7]),  # sqrt(1 * 4)
        (16, 0.9, [0.9, 0.15, 0.4, 0.7]),  # sqrt(16 * 1)
        (100, 0.95, []),  # no peak: nobody
        (0, 0.1, []),
        (-3, 0.1, []),
    ],
)
def test_density_and_peaks_have_to_agree(density: float, threshold: float, values: list[float]):
    (decoded,) = make(2, threshold=threshold).decode(maps_of(PEAKS, density))
    peaks = sum(value >= threshold - 1e-6 for value in PEAKS.values() if value > 0.1)
    torch.testing.assert_close(decoded.scores.sort()[0], torch.tensor(sorted(values)))
    assert decoded.counts['peaks'].item() == peaks
    assert decoded.counts['density'].item() == pytest.approx(density, abs=1e-4)
    assert decoded.count.item() == pytest.approx((max(density, 0) * peaks) ** 0.5, abs=1e-4)


def test_counts_that_are_no_numbers_keep_nothing():
    (decoded,) = make(2).decode(maps_of(PEAKS, float('nan')))
    assert len(decoded) == 0


@pytest.mark.parametrize('threshold', [None, 0.3])
@pytest.mark.parametrize('count', [-1, 0, 2.3, 40])
def test_in_a_graph(threshold: float | None, count: float):
    codec = make(2, threshold=threshold)
    maps = maps_of(PEAKS, count)
    (decoded,) = codec.decode(maps, [(39, 59)])
    points, scores, counted = decode_in_graph(codec, maps, (39, 59))
    torch.testing.assert_close(points, decoded.points)
    torch.testing.assert_close(scores, decoded.scores)
    torch.testing.assert_close(counted, decoded.count)


@pytest.mark.parametrize(
    ('options', 'match'),
    [
        (dict(density=dict(type='mmcrowd.DensityCodec', stride=4)), 'one stride, got 2 of the points and 4'),
        (dict(density=dict(type='mmcrowd.DensityCodec', stride=2, locates=True)), 'a density that does not'),
        (dict(points=dict(type='mmcrowd.DensityCodec', stride=2)), 'points that locate'),
    ],
)
def test_refused(options: dict, match: str):
    with pytest.raises(ValueError, match=match):
        make(2, **options)


def test_each_codec_gets_the_context_that_it_asks_for():
    density = dict(type='mmcrowd.DensityCodec', stride=2, beta=0.3, border='image')
    codec, points = make(2, density=density), random_crowd(0, 20, (64, 96), 8)
    assert set(codec.context) == {'frame', 'spacing'}
    maps = codec.encode(points, None, (64, 96), frame=(0, 0, 96, 64), spacing=np.full(20, 9.0))
    alone = CODECS.build(density).encode(points, None, (64, 96), frame=(0, 0, 96, 64), spacing=np.full(20, 9.0))
    np.testing.assert_array_equal(maps['density'], alone['density'])
