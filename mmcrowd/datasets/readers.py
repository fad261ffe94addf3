"""Readers of annotation files, which name the file, what was found in it and what was expected."""

import codecs
import io
import json
import reprlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from scipy.io import loadmat

from .mat_check import check_mat

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 80
_SHORT.maxlevel = 2


def short(value: object) -> str:
    """A value as a few characters for a message."""
    try:
        return _SHORT.repr(value)
    except ValueError:  # Python prints no integer of more than 4300 digits
        return 'a number of thousands of digits'


def unwrap(value: Any) -> Any:
    """The content of nested 1x1 MATLAB cells."""
    while isinstance(value, np.ndarray) and value.dtype == object and value.size == 1:
        value = value.reshape(-1)[0]
    return value


def read_mat(path: str | Path) -> Mapping[str, Any]:
    """Variables of a MATLAB file, of version 7.3 (an HDF5 file; numeric arrays only) or earlier.

    Raises:
        ValueError: The file cannot be read.
        ImportError: A version 7.3 file, and h5py is not installed.
    """
    data = Path(path).read_bytes()
    if b'\x89HDF\r\n\x1a\n' in (data[:8], data[512:520]):  # where MATLAB writes it after its own header, or at once
        return _read_hdf5(path)
    try:
        check_mat(data)
        return loadmat(io.BytesIO(data))
    except Exception as error:  # scipy raises a dozen types, depending on where the file breaks off
        raise ValueError(f'{path}: expected a MATLAB file, loading it failed with: {error!r}') from error


def _read_hdf5(path: str | Path) -> dict[str, np.ndarray]:
    try:
        import h5py
    except ImportError as error:
        raise ImportError(f'{path}: a MATLAB 7.3 file, reading it takes h5py: pip install h5py') from error
    found = {}
    try:
        with h5py.File(path, 'r') as file:
            for name, item in file.items():
                if not isinstance(item, h5py.Dataset) or item.dtype == object:
                    continue
                # An empty array is stored as its size; others with their axes reversed.
                empty = item.attrs.get('MATLAB_empty', 0)
                found[name] = np.zeros(tuple(int(n) for n in item[()])) if empty else item[()].T
    except Exception as error:  # OSError, KeyError, RuntimeError, ...: what the damage happens to hit
        raise ValueError(f'{path}: expected a MATLAB 7.3 file, loading it failed with: {error!r}') from error
    return found


def mat_value(path: str | Path, content: Mapping[str, Any], *names: str) -> np.ndarray:
    """The numeric array under ``names``: a variable, then fields of structs, through any 1x1 cells between.

    Raises:
        ValueError: A name is missing, or the value is not numeric.
    """
    value: Any = content
    for depth, name in enumerate(names):
        keys = [key for key in value if not key.startswith('__')] if depth == 0 else _fields(value)
        if name not in keys:
            where = '.'.join(names[:depth]) or 'the file'
            raise ValueError(f'{path}: expected {name!r} in {where}, found {sorted(keys)}')
        value = unwrap(value[name])
    value = np.asarray(value)
    if value.dtype.kind not in 'iufb':
        raise ValueError(f'{path}: expected numbers in {".".join(names)}, found an array of {value.dtype}')
    return value


def _fields(value: Any) -> list[str]:
    return list(getattr(getattr(value, 'dtype', None), 'names', None) or ())


def as_rows(path: str | Path, value: np.ndarray, columns: int, what: str = 'points') -> np.ndarray:
    """``value`` as (N, columns) float64; any empty array stands for no rows.

    Integers become float first: some files hold uint8, whose arithmetic overflows.

    Raises:
        ValueError: Another shape.
    """
    value = np.asarray(value, dtype=np.float64)
    if value.size == 0:
        return np.zeros((0, columns))
    if value.ndim != 2 or value.shape[1] != columns:
        raise ValueError(f'{path}: expected {what} as an (N, {columns}) array, found shape {value.shape}')
    return value


def mat_points(path: str | Path, *names: str) -> np.ndarray:
    """(N, 2) xy float64 under ``names`` in a MATLAB file, as stored.

    Raises:
        ValueError: The file cannot be read, or holds something else.
    """
    return as_rows(path, mat_value(path, read_mat(path), *names), 2)


def read_text(path: str | Path) -> str:
    """Content of a text file in UTF-8, or in UTF-16 if it begins with a byte order mark, which is dropped.

    Raises:
        ValueError: It is in another encoding, or holds NUL bytes; says in which line.
    """
    data = Path(path).read_bytes()
    encoding = 'utf-16' if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else 'utf-8-sig'
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b'\n', 0, error.start) + 1
        raise ValueError(
            f'{path}, line {line}: expected text in UTF-8, found the byte 0x{data[error.start]:02x}, which belongs to '
            'another encoding: save the file as UTF-8'
        ) from error
    if '\0' in text:
        line = text.count('\n', 0, text.index('\0')) + 1
        raise ValueError(f'{path}, line {line}: expected text, found a NUL byte: save the file as UTF-8')
    return text


def read_json(path: str | Path) -> Any:
    """Content of a JSON file.

    Raises:
        ValueError: It is not JSON, is nested too deeply, or an object in it has a key twice; says where.
    """
    try:
        return json.loads(Path(path).read_bytes(), object_pairs_hook=_unique_keys)
    except RecursionError as error:
        raise ValueError(f'{path}: expected a JSON file, found brackets nested too deeply to be read') from error
    except ValueError as error:  # no JSON, another encoding, a number of thousands of digits, a key twice
        raise ValueError(f'{path}: expected a JSON file, reading it failed with: {error}') from error


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f'the key {twice!r} is there twice in one object')
    return found


def read_yaml(path: str | Path) -> Any:
    """Content of a YAML file.

    Raises:
        ValueError: It is not YAML, or nested too deeply.
    """
    try:
        return yaml.safe_load(read_text(path))
    except (yaml.YAMLError, RecursionError, TypeError, ValueError) as error:
        raise ValueError(f'{path}: expected a YAML file, reading it failed with: {error}') from error


def read_lines(path: str | Path) -> list[str]:
    """Lines of a text file without their ends and without empty lines, as :func:`read_text` reads it."""
    return [line for _, line in numbered_lines(path)]


def numbered_lines(path: str | Path) -> list[tuple[int, str]]:
    """As :func:`read_lines`, each with its number in the file, from 1."""
    lines = enumerate(read_text(path).splitlines(), start=1)
    return [(number, line.strip()) for number, line in lines if line.strip()]


def read_numbers(path: str | Path, columns: int, separator: str | None = None) -> np.ndarray:
    """Rows of numbers in a text file.

    Args:
        path: The file; an empty one has no rows.
        columns: Numbers per line. Further ones are an error.
        separator: None is any white space.

    Returns:
        (N, columns) float64, also for N = 0 and N = 1.

    Raises:
        ValueError: A line has another number of columns or something that is not a number; says which.
    """
    rows = []
    for number, line in numbered_lines(path):
        parts = line.split(separator)
        try:
            row = [float(part) for part in parts]
        except ValueError:
            row = []
        if len(row) != columns:
            raise ValueError(f'{path}, line {number}: expected {columns} numbers, found {short(line)}')
        rows.append(row)
    return np.array(rows, dtype=np.float64).reshape(-1, columns)


def read_xml(path: str | Path) -> Any:
    """Root element of an XML file; files with entities or external references are refused.

    Raises:
        ValueError: It is not such a file.
        ImportError: defusedxml is not installed.
    """
    try:
        from defusedxml import DefusedXmlException, ElementTree
    except ImportError as error:
        raise ImportError(f'{path}: reading XML safely takes defusedxml: pip install defusedxml') from error
    try:
        return ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, DefusedXmlException, LookupError, ValueError) as error:  # also unknown encodings
        raise ValueError(f'{path}: expected an XML file, reading it failed with: {error!r}') from error
