"""Values of other people's files: taken by name and type, refused with the place they stand at."""

from collections.abc import Mapping
from contextlib import suppress
from itertools import chain
from typing import Any

import numpy as np

from ..readers import short

FARTHEST = 1e9
"""Numbers beyond this are no pixels, percents or degrees; their sums and squares would leave the range of floats."""


class Record:
    """A value with the place it stands at: what JSON holds, or a mapping or list of texts made from another format.

    Args:
        value: The value.
        place: Says where it is, as ``'coco.json'``; or the record it is in.
        name: Of the value in that record, as ``'bbox'`` or ``'annotation 3'``.
    """

    __slots__ = ('name', 'place', 'value')

    def __init__(self, value: Any, place: 'str | Record', name: str = '') -> None:
        self.value, self.place, self.name = value, place, name

    @property
    def source(self) -> str:
        """Where the value stands, for messages."""
        place = self.place.source if isinstance(self.place, Record) else self.place
        return f'{place}, {self.name}' if self.name else place

    def error(self, expected: str, found: str | None = None) -> ValueError:
        """What to raise: names the place, what was expected and what was found."""
        return ValueError(f'{self.source}: expected {expected}, found {short(self.value) if found is None else found}')

    def mapping(self) -> Mapping:
        """The value, names and values.

        Raises:
            ValueError: It is something else.
        """
        if not isinstance(self.value, Mapping):
            raise self.error('names with values')
        return self.value

    def get(self, key: str) -> 'Record | None':
        """What ``key`` has; None if the key is missing or null.

        Raises:
            ValueError: There are no keys here.
        """
        value = self.mapping().get(key)
        return None if value is None else Record(value, self, key)

    def __getitem__(self, key: str) -> 'Record':
        found = self.get(key)
        if found is None:
            raise self.error(f'{key!r}', f'the keys {short(sorted(map(str, self.value)))}' if self.value else 'nothing')
        return found

    def each(self, name: str = 'item') -> list['Record']:
        """The items of a list, called ``name`` and their number in messages.

        Raises:
            ValueError: It is something else.
        """
        if not isinstance(self.value, list | tuple):
            raise self.error('a list')
        return [Record(item, self, f'{name} {number}') for number, item in enumerate(self.value)]

    def items(self, key: str, name: str) -> list['Record']:
        """As :meth:`each` of what ``key`` has, which messages do not name beside the items."""
        return [Record(item.value, self, item.name) for item in self[key].each(name)]

    def get_items(self, key: str, name: str) -> list['Record']:
        """As :meth:`items`; empty if the key is missing or null."""
        return self.items(key, name) if self.get(key) is not None else []

    def text(self) -> str:
        """A text that is not blank, without white space around it.

        Raises:
            ValueError: It is something else.
        """
        text = self.value.strip() if isinstance(self.value, str) else ''
        if not text:
            raise self.error('a text')
        return text

    def identity(self) -> int | str:
        """A whole number or a text, as things are known by.

        Raises:
            ValueError: It is something else.
        """
        if isinstance(self.value, bool) or not isinstance(self.value, int | str):
            raise self.error('a whole number or a text')
        return self.value

    def number(self) -> float:
        """A finite number, also one written as text.

        Raises:
            ValueError: It is something else, or too large to be a coordinate.
        """
        value = self.value
        try:
            if isinstance(value, bool) or (isinstance(value, str) and '_' in value):
                raise TypeError
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            raise self.error('a number') from None
        if not abs(number) <= FARTHEST:  # also NaN
            raise self.error('a finite number')
        return number

    def numbers(self, count: int | None = None) -> list[float]:
        """``count`` finite numbers; any number of them for None.

        Raises:
            ValueError: It is something else.
        """
        wanted = 'numbers' if count is None else f'{count} numbers'
        if not isinstance(self.value, list | tuple) or (count is not None and len(self.value) != count):
            raise self.error(wanted)
        try:
            return [Record(item, self).number() for item in self.value]
        except ValueError:
            raise self.error(f'{wanted}, all finite') from None

    def table(self, columns: int, null: bool = False) -> np.ndarray:
        """(N, columns) float64 of a list of rows of finite numbers; with ``null``, rows may be null, which makes NaN.

        Raises:
            ValueError: It is something else; names the row.
        """
        value = self.value
        if isinstance(value, list):  # millions of rows: all at once, and one by one only to say what is wrong
            known = [row for row in value if row is not None] if null else value
            plain = all(type(row) is list and len(row) == columns for row in known)
            if plain and set(map(type, chain.from_iterable(known))) <= {int, float}:
                made = np.full((len(value), columns), np.nan)
                with suppress(OverflowError):
                    rows = np.array(known, np.float64).reshape(-1, columns)
                    if (np.abs(rows) <= FARTHEST).all():
                        made[[row is not None for row in value] if null else slice(None)] = rows
                        return made
        rows = [[np.nan] * columns if null and row.value is None else row.numbers(columns) for row in self.each('row')]
        return np.array(rows, np.float64).reshape(-1, columns)

    def get_number(self, key: str, default: float = 0.0) -> float:
        """The number ``key`` has, or ``default`` if there is none."""
        found = self.get(key)
        return default if found is None else found.number()

    def size(self, width: str = 'width', height: str = 'height') -> tuple[int, int] | None:
        """(width, height) of an image; None if either is missing, null, blank or 0.

        Raises:
            ValueError: One is no positive whole number.
        """
        sides = []
        for key in (width, height):
            side = self.get(key)
            if side is None or side.value in ('', 0, '0'):
                return None
            number = side.number()
            if number < 1 or number != int(number):
                raise side.error('a positive whole number of pixels')
            sides.append(int(number))
        return sides[0], sides[1]
