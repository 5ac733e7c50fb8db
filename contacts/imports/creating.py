"""Creating many contacts at once: rows go straight into the table, as fast as the database takes them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

from django.db import connection, models
from django.db.backends.utils import CursorWrapper

from contacts.editing import no_value
from contacts.imports.identity import ImportedContact
from contacts.models import Contact

# The columns that an INSERT has to name, since the database has no default for them.
NEEDED_COLUMNS = [
    column.column
    for column in Contact._meta.concrete_fields
    if not (column.null or column.primary_key or column.generated or column.db_default is not models.NOT_PROVIDED)
]
SET_BY_US = ("custom", "newsletter_at", "created_at", "updated_at")
NEVER = Contact.Newsletter.NEVER.value


class Creation:
    """Creates contacts that have values for the same columns."""

    def __init__(self, columns: Iterable[str]) -> None:
        named = dict.fromkeys([*columns, *NEEDED_COLUMNS])
        self._defaults = [(name, stored(name, no_value(name))) for name in named if name not in SET_BY_US]
        filled = ["id", *(name for name, _default in self._defaults), *SET_BY_US]
        if connection.vendor == "postgresql":
            self._statement = f"COPY contacts_contact ({', '.join(filled)}) FROM STDIN"
        else:
            marks = ", ".join(["%s"] * len(filled))
            self._statement = f"INSERT INTO contacts_contact ({', '.join(filled)}) VALUES ({marks})"

    def create(self, cursor: CursorWrapper, people: Iterable[tuple[int, ImportedContact]], *, now: datetime) -> None:
        """Create contacts with these ids. Raises IntegrityError when somebody has one of their keys."""
        rows = self._rows(people, stored("created_at", now))
        if connection.vendor == "postgresql":
            with connection.wrap_database_errors, cursor.copy(self._statement) as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            cursor.executemany(self._statement, cast("list[Any]", rows))

    def _rows(self, people: Iterable[tuple[int, ImportedContact]], at: Any) -> Iterator[Sequence[Any]]:
        defaults, encode = self._defaults, text_of
        for contact_id, said in people:
            columns, custom = said.columns, said.custom
            since = columns.get("newsletter_at")
            if since is None and columns.get("newsletter", NEVER) != NEVER:
                since = at
            if custom:
                custom = {key: value for key, value in custom.items() if value is not None}
            row: list[Any] = [contact_id]
            for name, default in defaults:
                value = columns.get(name)
                row.append(default if value is None else value)
            row += (encode(custom) if custom else "{}", since, at, at)
            yield row


def text_of(custom: dict[str, Any]) -> str:
    """Custom fields as JSON; many contacts have the same, which need not be written anew."""
    try:
        return _text_of(tuple(custom.items()), tuple(map(type, custom.values())))
    except TypeError:  # several choices are a list
        return json.dumps(custom)


@lru_cache(10_000)
def _text_of(items: tuple[tuple[str, Any], ...], types: tuple[type, ...]) -> str:
    return json.dumps(dict(items))


def stored(name: str, value: Any) -> Any:
    """A Python value as the column of a contact keeps it."""
    column = cast("models.Field[Any, Any]", Contact._meta.get_field(name))
    return column.get_db_prep_save(value, connection)


def new_ids(cursor: CursorWrapper, number: int) -> Sequence[int]:
    """Ids for new contacts that nobody else gets.

    On SQLite a transaction is alone from its beginning, and the table goes on counting after the greatest id.
    """
    if not number:
        return []
    if connection.vendor == "postgresql":
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('contacts_contact', 'id')) FROM generate_series(1, %s)", [number]
        )
        return [contact_id for (contact_id,) in cursor.fetchall()]
    cursor.execute("SELECT COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'contacts_contact'), 0)")
    (last,) = cursor.fetchone()
    return range(last + 1, last + 1 + number)
