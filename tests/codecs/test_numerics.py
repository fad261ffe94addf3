import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmcrowd.codecs.numerics import covered_cells, fill_boxes, sound_boxes, squared_distances


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 9999),
    number=st.integers(0, 40),
    shape=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    reach=st.integers(0, 12),
)
def test_squared_distances_of_random_cells(seed: int, number: int, shape: tuple[int, int], reach: int):
    rng = np.random.default_rng(seed)
    cells = np.stack([rng.integers(-reach, side + reach, number) for side in shape[::-1]], axis=1)
    far = reach**2 + 1
    row, col = np.indices(shape)
    each = np.stack([np.full(shape, far), *((col - x) ** 2 + (row - y) ** 2 for x, y in cells)])
    np.testing.assert_array_equal(squared_distances(cells, shape, reach, far), each.min(axis=0))


@pytest.mark.parametrize('reach', [127, 128, 300])
def test_squares_do_not_overflow(reach: int):
    got = squared_distances(np.array([[0, 0]]), (400, 400), reach, 2 * reach**2)
    row, col = np.indices((400, 400))
    within = (row <= reach) & (col <= reach)
    np.testing.assert_array_equal(got, np.where(within, row**2 + col**2, 2 * reach**2))


def test_sound_boxes():
    nan, inf = float('nan'), float('inf')
    boxes = [[0, 0, 1, 1], [0, 0, 0, 1], [2, 0, 1, 1], [nan] * 4, [0, 0, inf, 1], [-inf, 0, inf, 1]]
    expected = [True, False, False, False, False, False]
    assert sound_boxes(np.array(boxes)).tolist() == sound_boxes(torch.tensor(boxes)).tolist() == expected
    assert sound_boxes(np.zeros((0, 4))).shape == (0,)


def test_fill_boxes():
    points, boxes = np.array([[5.0, 6.0], [9.0, 9.0]]), np.array([[np.nan] * 4, [8.0, 8.0, 11.0, 12.0]])
    assert fill_boxes(points, boxes, 4).tolist() == [[3, 4, 7, 8], [8, 8, 11, 12]]


def test_covered_cells():
    """A cell is covered where its centre is: at stride 2, centres at 1, 3, 5; the left and upper edges belong to it."""
    assert covered_cells(np.array([[1.0, 1.1, 5.0, 5.1]]), 2) == [(slice(1, 3), slice(0, 2))]
    assert covered_cells(np.array([[-9.0, -9.0, 0.5, 0.5]]), 1) == [(slice(0, 0), slice(0, 0))]
    assert covered_cells(np.zeros((0, 4)), 2) == []
