import numpy as np
import pytest
import torch

from mmcrowd.codecs import CrossCodec
from mmcrowd.registry import CODECS
from tests.codecs.codec_tester import CodecTester, no_boxes


class TestCrossCodec(CodecTester):
    def make(self, stride: int) -> CrossCodec:
        return CODECS.build(dict(type='mmcrowd.CrossCodec', stride=stride, threshold=0.05))


def drawn(points, shape: tuple[int, int] = (12, 14), stride: int = 1) -> torch.Tensor:
    points = np.asarray(points, np.float64).reshape(-1, 2)
    return torch.from_numpy(CrossCodec(stride).encode(points, no_boxes(points), shape)['cross'])[None]


def found(codec: CrossCodec, maps: torch.Tensor, shapes=None) -> list[tuple[float, float]]:
    return sorted(map(tuple, codec.decode(maps, shapes)[0].points.tolist()))


def test_five_cells():
    maps = drawn([[3.9, 2.0], [4.2, 2.0], [-0.5, 6.0], [13.5, 11.9], [50.0, 2.0]])[0, 0]
    expected = torch.zeros(12, 14)
    for col, row in [(3, 2), (4, 2)]:
        expected[row, col - 1 : col + 2] = 1
        expected[row - 1 : row + 2, col] = 1
    expected[6, 0] = 1  # the arm of a head outside
    expected[11, 12:] = expected[10, 13] = 1
    torch.testing.assert_close(maps, expected)


@pytest.mark.parametrize('row', [0, 1, 2, 10, 11])
@pytest.mark.parametrize('col', [0, 1, 6, 13])
def test_borders(row: int, col: int):
    """At the border and beside it, at that of the image as at that of the map, heads stay where they are, and count."""
    maps = torch.zeros(1, 1, 20, 30)
    maps[..., :12, :14] = drawn([[col, row]])
    (decoded,) = CrossCodec().decode(maps, [(12, 14)])
    assert decoded.points.tolist() == [[col + 0.5, row + 0.5]]
    ends = (row in (0, 11)) + (col in (0, 13))
    assert decoded.scores.item() == pytest.approx((5 / 9, 4 / 6, 3 / 4)[ends])


@pytest.mark.parametrize(('second', 'heads'), [((6, 5), 1), ((7, 5), 1), ((8, 5), 2), ((8, 8), 2)])
def test_near_heads(second: tuple[int, int], heads: int):
    """The pool merges what is two cells apart."""
    assert len(found(CrossCodec(), drawn([[5, 5], second]))) == heads


def test_threshold_is_inclusive_and_on_the_pooled_value():
    maps = torch.zeros(1, 1, 9, 9)
    maps[..., 3:6, 3:6] = 0.5
    assert found(CrossCodec(threshold=0.5), maps) == [(4.5, 4.5)]
    assert found(CrossCodec(threshold=0.51), maps) == []
    maps[..., 4, 4] = 1
    assert found(CrossCodec(threshold=0.51), maps) == [(4.5, 4.5)]


def test_plateaus_give_no_heads_that_touch():
    points = torch.tensor(found(CrossCodec(threshold=0.05), torch.full((1, 1, 20, 20), 0.6)))
    assert len(points) > 0
    apart = (points[:, None] - points).abs().amax(-1) + 99 * torch.eye(len(points))
    assert apart.min() >= 2


def test_stride_two():
    maps = drawn([[5.0, 5.0]], (12, 14), stride=2)
    assert found(CrossCodec(2), maps) == [(5, 5)]


@pytest.mark.parametrize('threshold', [0, 1.5])
def test_bad_threshold(threshold: float):
    with pytest.raises(ValueError, match='threshold must lie in'):
        CrossCodec(threshold=threshold)
