"""Pages of a long table, forwards and backwards, that cost the same anywhere in it: no count and no OFFSET.

A page begins after (or ends before) a row, and its address carries that row's place in the order: the cursor. Rows
without a value come last in both directions. The database walks an index on the columns of the order, because places
are compared as tuples and rows without a value are read apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.core.signing import BadSignature, Signer
from django.db.models import BooleanField, CharField, F, Func, Model, Q, QuerySet, TextField, Value
from django.db.models.functions import Coalesce
from django.http import Http404
from django.utils.translation import gettext as _

Row = TypeVar("Row", bound=Model)
Place = list[Any]

SIGNER = Signer(salt="crm.paging")


@dataclass(frozen=True)
class Order:
    """How rows are ordered: by ``columns``, and by id where these are equal.

    ``key`` names the order in addresses. A row whose first column is null (or empty, for text) has no value and comes
    last. The columns after the first are never null.
    """

    key: str
    columns: tuple[str, ...]
    descending: bool = False


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows, and the cursors of the pages beside them: None where there is none."""

    rows: list[Row]
    previous: str | None
    next: str | None
    is_first: bool


def page(queryset: QuerySet[Row], order: Order, *, size: int, query: Mapping[str, str], few: bool = False) -> Page[Row]:
    """The page of ``size`` rows that an address asks for by its parameters ``after`` and ``before``.

    Without either it is the first page. ``few`` says that the queryset finds few rows by itself, which are then sorted:
    walking the index of the order might pass the whole table to meet them. Raises Http404 for a cursor that was not
    made here for this order.
    """
    walk = _Walk(queryset, order, few=few)
    if "before" in query:
        rows = walk.rows(size + 1, place=walk.place_in(query["before"]), backwards=True)
        # Where rows before it are gone, a page that reaches the beginning would be short: it is the first page then.
        if len(rows) > size:
            return Page(rows[1:], walk.cursor(rows[1]), walk.cursor(rows[-1]), is_first=False)
    elif "after" in query:
        place = walk.place_in(query["after"])
        rows = walk.rows(size + 1, place=place)
        if rows:
            return _forwards(walk, rows, size, previous=walk.cursor(rows[0]))
        rows = walk.rows(size + 1, backwards=True)
        if len(rows) > size:
            return Page(rows[1:], walk.cursor(rows[1]), None, is_first=False)
    return _forwards(walk, walk.rows(size + 1), size, previous=None)


def _forwards(walk: _Walk[Row], rows: list[Row], size: int, *, previous: str | None) -> Page[Row]:
    following = walk.cursor(rows[size - 1]) if len(rows) > size else None
    return Page(rows[:size], previous, following, is_first=previous is None)


class Beyond(Func):
    """Compares columns with values as a tuple. Django's own does so on PostgreSQL only; and the same condition written
    with OR makes SQLite read the index from its end.
    """

    def __init__(self, columns: Sequence[F | Func], values: Sequence[Value], comparison: str) -> None:
        super().__init__(*columns, *values, output_field=BooleanField())
        self.comparison = comparison

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> Any:  # type: ignore[override]
        compiled = [compiler.compile(source) for source in self.source_expressions]
        half = len(compiled) // 2
        columns, values = (", ".join(sql for sql, _ in side) for side in (compiled[:half], compiled[half:]))
        return f"({columns}) {self.comparison} ({values})", [param for _, params in compiled for param in params]


class _Walk(Generic[Row]):
    """Reads rows in an order, from a place on or from an end, in either direction."""

    def __init__(self, queryset: QuerySet[Row], order: Order, *, few: bool) -> None:
        self.queryset = queryset
        self.order = order
        self.few = few
        self.fields: list[Any] = [queryset.model._meta.get_field(name) for name in (*order.columns, "id")]
        self.first = order.columns[0]
        text = isinstance(self.fields[0], CharField | TextField)
        self.all_have_one = not text and not self.fields[0].null
        self.no_value = None if self.fields[0].null else ""

    def rows(self, limit: int, *, place: Place | None = None, backwards: bool = False) -> list[Row]:
        """At most ``limit`` rows in the order, those next to ``place`` (or to the end that the walk starts from)."""
        parts = [True] if self.all_have_one else [True, False]
        if backwards:
            parts.reverse()
        if place is not None:
            parts = parts[parts.index(self.all_have_one or place[0] != self.no_value) :]
        rows: list[Row] = []
        for has_value in parts:
            rows += self._part(has_value, place, backwards)[: limit - len(rows)]
            if len(rows) >= limit:
                break
            place = None
        return rows[::-1] if backwards else rows

    def _part(self, has_value: bool, place: Place | None, backwards: bool) -> QuerySet[Row]:
        part = self.queryset if self.all_have_one else self.queryset.filter(self._value_is(present=has_value))
        names = [*self.order.columns, "id"] if has_value else [*self.order.columns[1:], "id"]
        columns = [self._column(name) for name in names]
        descending = self.order.descending != backwards
        if place is not None:
            values = [Value(value, field) for value, field in zip(place, self.fields, strict=True)]
            part = part.filter(Beyond(columns, values[-len(names) :], "<" if descending else ">"))
        return part.order_by(*(column.desc() if descending else column.asc() for column in columns))

    def _column(self, name: str) -> F | Coalesce:
        # The same values, but nothing that an index is known to be in the order of.
        return Coalesce(name, name) if self.few else F(name)

    def _value_is(self, *, present: bool) -> Q:
        if self.no_value is None:
            return Q(**{f"{self.first}__isnull": not present})
        return Q(**{f"{self.first}__gt" if present else self.first: ""})

    def cursor(self, row: Row) -> str:
        texts = [None if getattr(row, field.attname) is None else field.value_to_string(row) for field in self.fields]
        return SIGNER.sign_object([self.order.key, self.order.descending, texts])

    def place_in(self, cursor: str) -> Place:
        try:
            key, descending, texts = SIGNER.unsign_object(cursor)
        except (BadSignature, ValueError):
            raise Http404(_("There is no such page.")) from None
        if (key, descending) != (self.order.key, self.order.descending):
            raise Http404(_("There is no such page in this order."))
        return [field.to_python(text) for field, text in zip(self.fields, texts, strict=True)]
