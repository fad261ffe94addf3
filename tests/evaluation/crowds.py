"""Small random crowds for the evaluation tests."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp


def integer_points(max_points: int = 8, low: int = -6, high: int = 6):
    """(N, 2) integer points, 0 to ``max_points``, close together: ties and duplicates are common."""
    shape = st.tuples(st.integers(0, max_points), st.just(2))
    return hnp.arrays(np.int64, shape, elements=st.integers(low, high))


def crowd(rng: np.random.Generator, num: int = 60, size: float = 120.0) -> tuple[np.ndarray, np.ndarray]:
    """Integer predictions and heads of one image: most heads found a few pixels off, some missed, some invented."""
    gt = rng.uniform(0, size, (num, 2))
    found = gt[rng.random(num) < 0.8]
    pred = np.concatenate([found + rng.normal(0, 4, found.shape), rng.uniform(0, size, (num // 4, 2))])
    return np.floor(rng.permutation(pred)), np.floor(gt)
