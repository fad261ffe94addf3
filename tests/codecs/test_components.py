import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from mmcrowd.codecs.components import Components, find_components, find_runs, label_runs

BACKENDS = ('scipy', 'torch')


def spiral(side: int) -> np.ndarray:
    """One line of a cell's width winding inwards, with background of a cell's width between its turns."""
    mask = np.zeros((side, side), bool)
    row, col, down, right = 0, -1, 0, 1
    legs = [side, *(length for length in range(side - 1, 1, -2) for _ in range(2))]
    for length in legs:
        for _ in range(length):
            row, col = row + down, col + right
            mask[row, col] = True
        down, right = right, -down
    return mask


def comb(height: int, width: int, joined_below: bool) -> np.ndarray:
    """Teeth one cell wide, joined in the last row or the first."""
    mask = np.zeros((height, width), bool)
    mask[:, ::2] = True
    mask[-1 if joined_below else 0] = True
    return mask


def serpentine(height: int, width: int) -> np.ndarray:
    """One line that runs to and fro."""
    mask = np.zeros((height, width), bool)
    mask[::2] = True
    mask[1::4, -1] = mask[3::4, 0] = True
    return mask


SHAPES = {
    'zeros': np.zeros((9, 13), bool),
    'ones': np.ones((9, 13), bool),
    'one cell': np.ones((1, 1), bool),
    'one row': np.array([[1, 1, 0, 1, 0, 0, 1, 1]], bool),
    'one column': np.array([[1, 1, 0, 1, 0, 0, 1, 1]], bool).T,
    'spiral': spiral(41),
    'mirrored spiral': spiral(40)[::-1, ::-1].copy(),
    'comb': comb(30, 41, joined_below=True),
    'comb upwards': comb(30, 40, joined_below=False),
    'serpentine': serpentine(33, 20),
    'serpentine upright': serpentine(33, 20).T.copy(),
    'diagonals do not join': np.indices((8, 9)).sum(0) % 2 == 0,
    'ends of rows do not join': np.array([[0, 0, 1], [1, 0, 0], [0, 0, 1]], bool),
    'no rows': np.zeros((0, 5), bool),
    'no columns': np.zeros((5, 0), bool),
}


def label_map(mask: np.ndarray, backend: str) -> np.ndarray:
    """(B, h, w) number of the component of each cell, from 1, and 0 outside."""
    runs = find_runs(torch.from_numpy(mask))
    labels, _ = label_runs(runs, backend)
    painted = np.zeros(mask.shape, np.int64)
    painted[mask] = labels.repeat_interleave(runs.stop - runs.start).numpy() + 1
    return painted


def reference_labels(mask: np.ndarray) -> np.ndarray:
    """The same by scipy, image by image, numbered by the components' first cells."""
    painted, total = np.zeros(mask.shape, np.int64), 0
    for out, image in zip(painted, mask, strict=True):
        found, number = ndimage.label(image)
        first = [np.flatnonzero(found == k)[0] for k in range(1, number + 1)]
        rank = np.argsort(np.argsort(first, kind='stable'))
        out[image] = rank[found[image] - 1] + 1 + total if number else 0
        total += number
    return painted


def assert_measured(found: Components, mask: np.ndarray, values: np.ndarray) -> None:
    """Assert every number of ``found`` against the cells of each component."""
    labels = reference_labels(mask)
    assert len(found) == labels.max(initial=0)
    for k in range(len(found)):
        image, rows, cols = np.nonzero(labels == k + 1)
        assert (image == found.image[k].item()).all()
        assert found.area[k] == len(rows)
        np.testing.assert_array_equal(found.boxes[k], [cols.min(), rows.min(), cols.max() + 1, rows.max() + 1])
        np.testing.assert_allclose(found.centroids[k], [cols.mean() + 0.5, rows.mean() + 0.5], rtol=1e-12)
        own = values[labels == k + 1]
        assert found.peak[k] == own.max()
        np.testing.assert_allclose(found.mean[k], own.mean(dtype=np.float64), rtol=1e-5, atol=1e-6)


def assert_same(one: Components, other: Components) -> None:
    for name in Components.__dataclass_fields__:
        torch.testing.assert_close(getattr(one, name), getattr(other, name), rtol=0, atol=0)


def test_the_spiral_is_one_line():
    mask = spiral(41)
    assert mask.sum() > 800
    assert ndimage.label(mask)[1] == 1
    assert ndimage.label(~mask)[1] == 1


@pytest.mark.parametrize('backend', BACKENDS)
@pytest.mark.parametrize('name', SHAPES)
def test_shapes(name: str, backend: str):
    mask = SHAPES[name]
    values = np.random.default_rng(0).random(mask.shape, dtype=np.float32)
    for shown in (mask, ~mask):
        np.testing.assert_array_equal(label_map(shown[None], backend), reference_labels(shown[None]))
        found = find_components(torch.from_numpy(shown)[None], torch.from_numpy(values)[None], backend)
        assert_measured(found, shown[None], values[None])


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    batch=st.integers(0, 3),
    shape=st.tuples(st.integers(1, 25), st.integers(1, 25)),
    density=st.sampled_from([0.05, 0.4, 0.6, 0.95]),
)
def test_random_maps(seed: int, batch: int, shape: tuple[int, int], density: float):
    rng = np.random.default_rng(seed)
    mask = rng.random((batch, *shape)) < density
    values = rng.standard_normal(mask.shape, dtype=np.float32)
    found = [find_components(torch.from_numpy(mask), torch.from_numpy(values), backend) for backend in BACKENDS]
    assert_same(*found)
    assert_measured(found[0], mask, values)


@pytest.mark.parametrize('density', [0.01, 0.5, 0.593, 0.7])
def test_large_maps(density: float):
    """At 0.593 components have all sizes."""
    mask = np.random.default_rng(0).random((2, 300, 400)) < density
    found = [find_components(torch.from_numpy(mask), torch.rand(mask.shape).fill_(1), b) for b in BACKENDS]
    assert_same(*found)
    assert found[0].area.sum() == mask.sum()
    number = [ndimage.label(m)[1] for m in mask]
    np.testing.assert_array_equal(torch.bincount(found[0].image), number)
    areas = [np.bincount(ndimage.label(m)[0].ravel())[1:] for m in mask]
    np.testing.assert_array_equal(np.sort(found[0].area), np.sort(np.concatenate(areas)))


def test_long_lines_take_few_rounds():
    """A line of 1,000 turns, numbered along itself and against."""
    mask = serpentine(2001, 7)
    for shown in (mask, mask[::-1].copy(), mask.T.copy()):
        assert label_map(shown[None], 'torch').max() == 1


def test_images_do_not_touch():
    """The last row of an image and the first of the next."""
    mask = torch.ones(3, 2, 4, dtype=torch.bool)
    assert find_components(mask, mask.float()).area.tolist() == [8, 8, 8]


@pytest.mark.parametrize('backend', BACKENDS)
def test_empty(backend: str):
    mask = torch.zeros(2, 5, 6, dtype=torch.bool)
    found = find_components(mask, mask.float(), backend)
    assert len(found) == 0
    assert found.boxes.shape == (0, 4)
    assert found.centroids.shape == (0, 2)
    assert found.mean.shape == (0,)


def test_values_outside_do_not_count():
    mask = torch.tensor([[[True, False, True]]])
    found = find_components(mask, torch.tensor([[[-3.0, torch.nan, -2.0]]]))
    assert found.peak.tolist() == [-3, -2]
    assert found.total.tolist() == [-3, -2]


def test_views_and_gradients():
    """Masks and values may be views, values part of a graph."""
    whole = torch.rand(2, 3, 20, 30, requires_grad=True)
    part = whole[:, 1, 2:15, 3:]
    found = find_components(part > 0.5, part)
    assert_same(found, find_components((part > 0.5).contiguous(), part.detach().clone()))


def test_unknown_backend():
    with pytest.raises(ValueError, match="'auto', 'scipy' or 'torch', got 'cv2'"):
        find_components(torch.ones(1, 2, 2, dtype=torch.bool), torch.ones(1, 2, 2), 'cv2')


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')
def test_on_a_gpu():
    for shape in SHAPES.values():
        mask = torch.from_numpy(shape)[None]
        values = torch.rand(mask.shape)
        found = find_components(mask.cuda(), values.cuda())
        assert found.area.is_cuda
        moved = Components(**{name: getattr(found, name).cpu() for name in Components.__dataclass_fields__})
        assert_same(moved, find_components(mask, values))
