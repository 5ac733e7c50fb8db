"""A temporary table of what a batch says of contacts, and the SQL that compares it with what is stored."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.db import connection, models
from django.db.backends.utils import CursorWrapper

from contacts.editing import no_value
from contacts.imports.creating import stored, text_of
from contacts.imports.identity import KEYS, ImportedContact
from contacts.models import Contact

DIFFERS = {"sqlite": "IS NOT", "postgresql": "IS DISTINCT FROM"}
MERGED_CUSTOM = {
    "sqlite": "json_patch(c.custom, s.custom)",
    "postgresql": "(c.custom - ARRAY(SELECT key FROM jsonb_each(s.custom) WHERE value = 'null'))"
    " || jsonb_strip_nulls(s.custom)",
}
CUSTOM_DIFFERS = {
    "sqlite": """EXISTS (
        SELECT 1 FROM json_each(s.custom) AS new LEFT JOIN json_each(c.custom) AS old ON old.key = new.key
        WHERE CASE WHEN new.type = 'null' THEN old.key IS NOT NULL
              ELSE new.type IS NOT old.type OR new.value IS NOT old.value END)""",
    "postgresql": f"{MERGED_CUSTOM['postgresql']} <> c.custom",
}


@dataclass(frozen=True)
class Shape:
    """Which columns of contacts rows have values for, ``custom`` among them if they have custom fields.

    In those of ``erased`` no value erases what is stored; in the others it is kept. Custom fields are erased one by
    one, by a value of None. ``has_lists`` says that rows may subscribe their contacts to lists.
    """

    columns: Sequence[str]
    erased: frozenset[str] = frozenset()
    has_lists: bool = False


@dataclass(frozen=True)
class SQL:
    """A piece of SQL and its parameters."""

    text: str
    params: Sequence[Any] = ()


class Stage:
    """The temporary table ``s``; ``c`` is the table of contacts."""

    def __init__(self, shape: Shape) -> None:
        self.name = f"muster_import_{uuid.uuid4().hex}"
        self._vendor = connection.vendor
        self._columns = list(shape.columns)
        self._erased = shape.erased
        self._staged = [*KEYS, *(name for name in self._columns if name not in (*KEYS, "custom"))]
        self._has_custom = "custom" in self._columns
        self._filled = ["contact_id", *self._staged, *(["custom"] if self._has_custom else [])]
        types = {"contact_id": "bigint"}
        types |= {name: str(_column(name).db_type(connection)) for name in self._filled[1:]}
        self._declared = ", ".join(f"{name} {kind}" for name, kind in types.items())
        self._differs = self._difference()

    @contextmanager
    def filled(self, cursor: CursorWrapper, people: Iterable[tuple[int, ImportedContact]]) -> Iterator[None]:
        """The table while the context lasts, with what is said of contacts of these ids.

        It is made anew for every batch, because the connection may change between two of them.
        """
        cursor.execute(f"CREATE TEMPORARY TABLE {self.name} ({self._declared})")
        self._fill(cursor, self._rows(people))
        yield
        cursor.execute(f"DROP TABLE {self.name}")

    def _rows(self, people: Iterable[tuple[int, ImportedContact]]) -> Iterator[Sequence[Any]]:
        staged, encode = self._staged, text_of
        for contact_id, said in people:
            row = [contact_id, *map(said.columns.get, staged)]
            if self._has_custom:
                row.append(encode(said.custom) if said.custom else None)
            yield row

    def _fill(self, cursor: CursorWrapper, rows: Iterable[Sequence[Any]]) -> None:
        if self._vendor == "postgresql":
            with cursor.copy(f"COPY {self.name} ({', '.join(self._filled)}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            marks = ", ".join(["%s"] * len(self._filled))
            statement = f"INSERT INTO {self.name} ({', '.join(self._filled)}) VALUES ({marks})"
            cursor.executemany(statement, cast("list[Any]", rows))

    def differing(self, cursor: CursorWrapper) -> set[int]:
        """The ids of the contacts that are stored otherwise than the table says."""
        difference = self._differs
        cursor.execute(
            f"SELECT c.id FROM {self.name} AS s JOIN contacts_contact AS c ON c.id = s.contact_id"
            f" WHERE {difference.text}",
            difference.params,
        )
        return {contact_id for (contact_id,) in cursor.fetchall()}

    def update(self, cursor: CursorWrapper, *, now: datetime) -> set[int]:
        """Write the values that differ, and no row where none does; returns the ids of the contacts that changed."""
        at = stored("updated_at", now)
        values = {name: self._new_value(name) for name in self._columns}
        if "newsletter" in values:
            since = "CASE WHEN s.newsletter <> c.newsletter THEN %s ELSE c.newsletter_at END"
            values["newsletter_at"] = SQL(f"COALESCE({self._given('newsletter_at')}, {since})", [at])
        values["updated_at"] = SQL("%s", [at])
        set_list = ", ".join(f"{name} = {value.text}" for name, value in values.items())
        difference = self._differs
        cursor.execute(
            f"UPDATE contacts_contact AS c SET {set_list} FROM {self.name} AS s"
            f" WHERE c.id = s.contact_id AND ({difference.text}) RETURNING id",
            [*_params(values), *difference.params],
        )
        return {contact_id for (contact_id,) in cursor.fetchall()}

    def _difference(self) -> SQL:
        """The condition that what is stored differs from what is said."""
        parts = []
        for name in self._columns:
            if name == "custom":
                parts.append(SQL(f"s.custom IS NOT NULL AND {CUSTOM_DIFFERS[self._vendor]}"))
            elif name in self._erased:
                said = self._value_or_none(name)
                parts.append(SQL(f"{said.text} {DIFFERS[self._vendor]} c.{name}", said.params))
            else:
                parts.append(SQL(f"s.{name} IS NOT NULL AND s.{name} {DIFFERS[self._vendor]} c.{name}"))
        return SQL(" OR ".join(part.text for part in parts), [param for part in parts for param in part.params])

    def _new_value(self, name: str) -> SQL:
        if name == "custom":
            return SQL(f"COALESCE({MERGED_CUSTOM[self._vendor]}, c.custom)")
        return self._value_or_none(name) if name in self._erased else SQL(f"COALESCE(s.{name}, c.{name})")

    def _value_or_none(self, name: str) -> SQL:
        """The staged value of a column, or what stands there for no value."""
        if _column(name).null:
            return SQL(f"s.{name}")
        return SQL(f"COALESCE(s.{name}, %s)", [stored(name, no_value(name))])

    def _given(self, column: str) -> str:
        return f"s.{column}" if column in self._columns else "NULL"


def _params(values: dict[str, SQL]) -> list[Any]:
    return [param for value in values.values() for param in value.params]


def _column(name: str) -> models.Field[Any, Any]:
    return cast("models.Field[Any, Any]", Contact._meta.get_field(name))
