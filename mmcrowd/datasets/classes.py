"""Which classes of an annotation file a data set takes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np


def class_names(value: Sequence[str] | None, what: str = 'classes') -> tuple[str, ...] | None:
    """Names of classes as a tuple; None stays None.

    Raises:
        ValueError: Not a list of different names: a lone string would become its letters.
    """
    if value is None:
        return None
    names = () if isinstance(value, str) else tuple(value)
    if not names or len(set(names)) < len(names) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{what} must be a list of different names, as ('head', 'bike'), got {value!r}")
    return names


def choose_classes(
    found: Sequence[str], chosen: Sequence[str] | None, merged: str | None, source: str | Path
) -> tuple[tuple[str, ...], np.ndarray]:
    """Classes of a data set from those of its annotations.

    Args:
        found: Classes of the annotations.
        chosen: Those to take, in the order of their labels; None takes all. Some may be missing: most formats tell
            only the classes of which there is something.
        merged: Name of the one class that all of these become; None keeps them apart.
        source: Named in errors.

    Returns:
        The classes, and (number of ``found``,) int64, the new label of each old one, -1 for those left out.

    Raises:
        ValueError: None of the chosen classes is in the annotations, and others are.
    """
    chosen = tuple(found) if chosen is None else tuple(chosen)
    if found and not set(chosen) & set(found):
        raise ValueError(f'{source}: expected the classes {list(chosen)}, found {list(found)}')
    labels = [-1 if name not in chosen else 0 if merged else chosen.index(name) for name in found]
    return (merged,) if merged else chosen, np.array(labels, dtype=np.int64)
