"""Whether a MATLAB file (version 5) is whole: a damaged one can end the process inside scipy's reader.

After the manual "MAT-File Format" of The MathWorks: a header of 128 bytes, then elements, each with a tag of type and
length. scipy takes types and lengths on trust.
"""

import math
import struct
import zlib
from collections.abc import Iterator

_SIZES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8, 16: 1, 17: 2, 18: 4}
"""Bytes per value of the types of data."""
_MATRIX, _COMPRESSED = 14, 15
_CELL, _STRUCT, _OBJECT, _CHAR, _SPARSE, _LAST_NUMERIC, _FUNCTION, _OPAQUE = 1, 2, 3, 4, 5, 15, 16, 17
_LIMIT = 1 << 30
"""Unpacked, no annotation file is larger."""


def check_mat(data: bytes) -> None:
    """Refuse damaged files of version 5; others are not looked at.

    Raises:
        ValueError: A tag contradicts the file.
    """
    if len(data) < 128 or 0 in data[:4]:  # version 4, or nothing MATLAB writes
        return
    order = {b'IM': '<', b'MI': '>'}.get(data[126:128])
    if order is None:
        raise ValueError(f'no byte order in the header, found {data[126:128]!r}')
    for kind, content in _elements(data[128:], order, padded=False):
        if kind == _COMPRESSED:
            inner = list(_elements(_unpacked(content), order))
            if len(inner) != 1:
                raise ValueError(f'{len(inner)} elements in a packed part')
            kind, content = inner[0]
        if kind != _MATRIX:
            raise ValueError(f'an element of type {kind} where a matrix should be')
        _check_matrix(content, order)


def _unpacked(content: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        unpacked = unpacker.decompress(content, _LIMIT)
    except zlib.error as error:
        raise ValueError(f'a packed part is damaged: {error}') from error
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise ValueError('a packed part is cut off, or too large')
    return unpacked


def _elements(data: bytes, order: str, padded: bool = True) -> Iterator[tuple[int, bytes]]:
    """Type and content of each element in ``data``."""
    place = 0
    while place < len(data):
        if place + 8 > len(data):
            raise ValueError('a tag is cut off')
        kind, length = struct.unpack_from(f'{order}II', data, place)
        if kind >> 16:  # up to 4 bytes, within the tag
            kind, length, start, step = kind & 0xFFFF, kind >> 16, place + 4, 8
            if length > 4:
                raise ValueError(f'{length} bytes in a tag that holds 4')
        else:
            start, step = place + 8, 8 + length + (-length % 8 if padded else 0)
        if start + length > len(data):
            raise ValueError(f'an element of {length} bytes is cut off')
        yield kind, data[start : start + length]
        place += step


def _check_matrix(data: bytes, order: str, depth: int = 0) -> None:
    parts = list(_elements(data, order))
    if not parts:
        return  # an empty cell
    if depth > 32:
        raise ValueError('matrices nested too deeply')
    kind, flags = parts[0]
    if kind != 6 or len(flags) != 8:
        raise ValueError('a matrix without flags')
    (flags,) = struct.unpack_from(f'{order}I', flags)
    array = flags & 0xFF
    if array == _OPAQUE:
        raise ValueError('an object of a MATLAB class: save numbers, cells and structs')
    if (
        len(parts) < 3
        or parts[1][0] not in (5, 6)
        or len(parts[1][1]) < 8
        or len(parts[1][1]) % 4
        or parts[2][0] not in (1, 2, 16)
    ):
        raise ValueError('a matrix without size or name')
    size = struct.unpack(f'{order}{len(parts[1][1]) // 4}i', parts[1][1])
    if min(size) < 0:
        raise ValueError(f'a matrix of size {size}')
    number, rest = math.prod(size), parts[3:]
    if array in (_CELL, _STRUCT, _OBJECT, _FUNCTION):
        _check_members(array, number, rest, order, depth)
    elif array == _SPARSE:
        if len(rest) != (4 if flags & 0x800 else 3) or any(kind not in _SIZES for kind, _ in rest):
            raise ValueError('a sparse matrix without its parts')
    elif _CHAR <= array <= _LAST_NUMERIC:
        if len(rest) != (2 if flags & 0x800 else 1):
            raise ValueError(f'a matrix of {len(rest)} parts')
        for kind, values in rest:
            if kind not in _SIZES or (array != _CHAR and len(values) != number * _SIZES[kind]):
                raise ValueError(f'{len(values)} bytes of type {kind} for a matrix of size {size}')
    else:
        raise ValueError(f'a matrix of class {array}')


def _check_members(array: int, number: int, rest: list[tuple[int, bytes]], order: str, depth: int) -> None:
    if array == _OBJECT:
        rest = rest[1:]
    if array in (_STRUCT, _OBJECT):
        if len(rest) < 2 or rest[0][0] != 5 or len(rest[0][1]) != 4 or rest[1][0] not in (1, 2):
            raise ValueError('a struct without names of its fields')
        (length,) = struct.unpack(f'{order}i', rest[0][1])
        if length <= 0 or len(rest[1][1]) % length:
            raise ValueError(f'names of fields of {length} bytes')
        number *= len(rest[1][1]) // length
        rest = rest[2:]
    if array == _FUNCTION:
        number = len(rest)
    if len(rest) != number or any(kind != _MATRIX for kind, _ in rest):
        raise ValueError(f'{len(rest)} members where {number} should be')
    for _, content in rest:
        _check_matrix(content, order, depth + 1)
