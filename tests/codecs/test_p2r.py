import numpy as np
import pytest
import torch

from mmcrowd.codecs import P2RCodec
from mmcrowd.registry import CODECS
from tests.codecs.codec_tester import CodecTester


class TestP2RCodec(CodecTester):
    """The codec draws no map; here a head's cell has the logit 1, as the best of networks would have it."""

    def make(self, stride: int) -> P2RCodec:
        return CODECS.build(dict(type='mmcrowd.P2RCodec', stride=stride))

    def channels(self, codec: P2RCodec) -> int:
        return 1

    def encode(self, codec: P2RCodec, points: np.ndarray, shape: tuple[int, int]) -> torch.Tensor:
        assert codec.encode(points, self.boxes(points), shape) == {}
        maps = torch.zeros(1, 1, *codec.map_shape(shape))
        col, row = (points // codec.stride).astype(int).T
        maps[0, 0, row, col] = 1
        return maps


def test_heads_are_cells_of_positive_logits():
    maps = torch.tensor([[[[-3.0, 0.0, 0.5], [2.0, 1.0, -1.0]]]])
    (decoded,) = P2RCodec(4).decode(maps)
    assert decoded.points.tolist() == [[10, 2], [2, 6], [6, 6]]
    torch.testing.assert_close(decoded.scores, torch.tensor([0.5, 2, 1]).sigmoid())


def test_threshold_is_a_probability():
    maps = torch.tensor([[[[0.8, 0.9]]]])
    (decoded,) = P2RCodec(1, threshold=0.7).decode(maps)  # a logit of 0.847
    assert decoded.points.tolist() == [[1.5, 0.5]]


@pytest.mark.parametrize('threshold', [0, 1])
def test_bad_threshold(threshold: float):
    with pytest.raises(ValueError, match='threshold must lie in'):
        P2RCodec(threshold=threshold)
