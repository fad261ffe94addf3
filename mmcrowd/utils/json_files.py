"""JSON that any reader accepts: numpy numbers as numbers, undefined ones as null."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .atomic_files import write_atomic
from .files import printable


def write_json(path: str | Path, value: Any) -> None:
    """Write a value, whole or not at all, creating the folder; NaN and infinities, unknown to JSON, become null."""
    write_atomic(path, (json.dumps(plain(value), indent=1, allow_nan=False) + '\n').encode())


def plain(value: Any) -> Any:
    """Numpy arrays, numpy numbers and tuples as lists and numbers; NaN and infinities as None.

    Text with what no UTF-8 holds, as names of files may have, becomes printable.
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(item) for item in value]
    if isinstance(value, str) and any('\ud800' <= c <= '\udfff' for c in value):
        return printable(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
