"""The columns of an export: what a row can be asked for, and the values in chunks of rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise

Values = Sequence[Any]
Chunk = list[Values]
"""The values of some rows, column by column. Every column has as many."""


@dataclass(frozen=True)
class Property:
    """Something that can be a column. ``key`` is stored and never changes.

    ``kind`` says what the values are where there are some: text, number, boolean, date, datetime, several (a list of
    texts) or json (whatever JSON can say). A number has at least ``places`` decimals.
    """

    key: str
    label: str | Promise
    group: str | Promise
    kind: str = "text"
    places: int = 0


@dataclass(frozen=True)
class Column:
    """A property that was chosen, and the name at the head of its column: its label, unless others have the same."""

    of: Property
    name: str

    @property
    def key(self) -> str:
        return self.of.key

    @property
    def kind(self) -> str:
        return self.of.kind


def columns_of(keys: Iterable[str], properties: Sequence[Property], *, by_key: bool = False) -> list[Column]:
    """The columns of these keys, without those that there no longer are; named by their keys if ``by_key``."""
    known = {one.key: one for one in properties}
    labels = Counter(str(one.label).casefold() for one in properties)
    return [
        Column(known[key], key if by_key or labels[str(known[key].label).casefold()] > 1 else str(known[key].label))
        for key in dict.fromkeys(keys)
        if key in known
    ]


def grouped(properties: Iterable[Property]) -> list[tuple[str, list[Property]]]:
    """The properties under their headings."""
    groups: dict[str, list[Property]] = {}
    for one in properties:
        groups.setdefault(str(one.group), []).append(one)
    return list(groups.items())
