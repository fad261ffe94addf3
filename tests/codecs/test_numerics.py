import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmcrowd.codecs.numerics import squared_distances


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
