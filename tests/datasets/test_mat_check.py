"""Damaged MATLAB files are refused before scipy opens them; whole ones are not."""

import io

import numpy as np
import pytest
from scipy.io import savemat
from scipy.sparse import eye

from mmcrowd.datasets.mat_check import check_mat

CELL = np.empty((2, 1), dtype=object)
CELL[0, 0], CELL[1, 0] = dict(location=np.ones((4, 2)), number=4.0), np.zeros((0, 0))
CONTENTS = dict(
    struct=dict(image_info=CELL),
    numbers=dict(a=np.ones((3, 2)), b=np.arange(4, dtype=np.uint8), c=np.array([True]), d=1j * np.ones(3)),
    others=dict(text='head', texts=np.array(['a', 'bc']), sparse=eye(3).tocsc(), empty=[]),
)


def packed(content: dict, compress: bool) -> bytes:
    file = io.BytesIO()
    savemat(file, content, do_compression=compress)
    return file.getvalue()


@pytest.mark.parametrize('compress', [False, True])
@pytest.mark.parametrize('name', CONTENTS)
def test_whole_files_pass(name, compress):
    check_mat(packed(CONTENTS[name], compress))


@pytest.mark.parametrize('compress', [False, True])
@pytest.mark.parametrize('name', CONTENTS)
def test_files_that_end_early_are_refused(name, compress):
    data = packed(CONTENTS[name], compress)
    for end in range(130, len(data) - 8, 8):
        try:
            check_mat(data[:end])
        except ValueError:
            continue
        # What is left is a whole file of fewer variables.
        assert data[end : end + 4] in (b'\x0e\0\0\0', b'\x0f\0\0\0')


@pytest.mark.parametrize(
    ('place', 'value', 'message'),
    [
        (126, b'??', 'no byte order in the header'),
        (128, b'\x63', 'an element of type 99 where a matrix should be'),
        (135, b'\x7f', 'is cut off'),
        (144, b'\x63', 'a matrix of class 99'),
        (160, b'\x63', r'bytes of type 9 for a matrix of size \(99, 2\)'),
        (176, b'\x63', r'48 bytes of type 99 for a matrix of size \(3, 2\)'),
    ],
)
def test_what_ends_the_process_in_scipy_is_named(place, value, message):
    """Types and lengths that scipy takes on trust."""
    data = bytearray(packed(dict(a=np.ones((3, 2))), False))
    data[place : place + len(value)] = value
    with pytest.raises(ValueError, match=message):
        check_mat(bytes(data))
