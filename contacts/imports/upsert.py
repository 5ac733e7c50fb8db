"""Writing batches of imported contacts set-wise: new ones are inserted, known ones get what differs."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from django.db import IntegrityError, connection, models
from django.db.backends.utils import CursorWrapper
from django.db.models.expressions import RawSQL

from contacts import changes
from contacts.editing import no_value
from contacts.imports.identity import KEYS, Identities, ImportedContact, Person
from contacts.json_rows import in_values, values_parameter
from contacts.lists import subscribe
from contacts.models import Contact, ContactList, ListMembership

ATTEMPTS = 5

DIFFERS = {"sqlite": "IS NOT", "postgresql": "IS DISTINCT FROM"}
MERGED_CUSTOM = {"sqlite": "json_patch(c.custom, s.custom)", "postgresql": "c.custom || s.custom"}
CUSTOM_DIFFERS = {
    "sqlite": """EXISTS (
        SELECT 1 FROM json_each(s.custom) AS new LEFT JOIN json_each(c.custom) AS old ON old.key = new.key
        WHERE new.type IS NOT old.type OR new.value IS NOT old.value)""",
    "postgresql": "c.custom || s.custom <> c.custom",
}

# The columns that an INSERT has to name, since the database has no default for them.
NEEDED_COLUMNS = [
    column.column
    for column in Contact._meta.concrete_fields
    if not (column.null or column.primary_key or column.generated or column.db_default is not models.NOT_PROVIDED)
]


@dataclass
class Written:
    """What became of rows: how many contacts were created and updated, how many rows were about a contact that another
    row was about too, and the places of the rows that were refused.
    """

    rows: int = 0
    created: int = 0
    updated: int = 0
    joined: int = 0
    refused: list[int] = field(default_factory=list)

    def __add__(self, later: Written) -> Written:
        return Written(
            self.rows + later.rows,
            self.created + later.created,
            self.updated + later.updated,
            self.joined + later.joined,
            self.refused + [self.rows + place for place in later.refused],
        )


class Upsert:
    """Writes batches of rows that have values for the same columns, as if they were written one after the other.

    ``match`` says by which key contacts are found, see `Identities`. What a row does not say stays as it is stored.
    """

    def __init__(self, columns: Iterable[str], *, match: str, contact_list: ContactList | None = None) -> None:
        self._columns = list(columns)
        self._staged = [*KEYS, *(name for name in self._columns if name not in (*KEYS, "custom"))]
        self._match = match
        self._contact_list = contact_list
        self._stage = f"muster_import_{uuid.uuid4().hex}"

    def write(self, batch: Sequence[ImportedContact], *, now: datetime) -> Written:
        """Write a batch: in one transaction, unless a row needs a key that one before it gives up."""
        written = Written()
        while written.rows < len(batch):
            written += self._write_some(batch[written.rows :], now=now)
        return written

    def _write_some(self, batch: Sequence[ImportedContact], *, now: datetime) -> Written:
        """Write the first rows, as many as one transaction can."""
        attempts = ATTEMPTS
        while True:
            attempts -= 1
            try:
                with changes.recorded(now=now), connection.cursor() as cursor:
                    return self._write(cursor, batch, now=now)
            except IntegrityError:
                # Another writer made a contact with one of the keys after we had looked for it: now it is found.
                if not attempts:
                    raise

    def _write(self, cursor: CursorWrapper, batch: Sequence[ImportedContact], *, now: datetime) -> Written:
        identities = Identities(self._stored(cursor, batch), match=self._match)
        refused = []
        rows = 0
        for row in batch:
            if identities.must_wait(row):
                break
            if not identities.add(row):
                refused.append(rows)
            rows += 1
        people = identities.people()
        self._stage_people(cursor, people)
        updated = self._update(cursor, now=now)
        created = self._insert(cursor, now=now)
        if self._contact_list:
            self._subscribe(cursor, self._contact_list, now=now)
        cursor.execute(f"DROP TABLE {self._stage}")
        return Written(rows, created, updated, rows - len(refused) - len(people), refused)

    def _stored(self, cursor: CursorWrapper, batch: Sequence[ImportedContact]) -> list[tuple[Any, ...]]:
        """The contacts that have a key of the batch, locked against other writers; in the order of ids, as all do."""
        lock = "FOR UPDATE" if connection.features.has_select_for_update else ""
        cursor.execute(
            f"SELECT id, {', '.join(KEYS)} FROM contacts_contact"
            f" WHERE {' OR '.join(in_values(key) for key in KEYS)} ORDER BY id {lock}",
            [values_parameter({row.columns[key] for row in batch if key in row.columns}) for key in KEYS],
        )
        return cursor.fetchall()

    def _stage_people(self, cursor: CursorWrapper, people: Sequence[Person]) -> None:
        """Put them into a temporary table of this transaction; between two batches the connection may change."""
        filled = ["place", "contact_id", *self._staged, "custom"]
        types = {"place": "integer", "contact_id": "bigint"}
        types |= {name: str(_column(name).db_type(connection)) for name in filled[2:]}
        declared = ", ".join(f"{name} {kind}" for name, kind in types.items())
        cursor.execute(f"CREATE TEMPORARY TABLE {self._stage} ({declared})")
        rows = [
            (
                *(place, person.contact_id, *map(person.said.columns.get, self._staged)),
                json.dumps(person.said.custom) if person.said.custom else None,
            )
            for place, person in enumerate(people)
        ]
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {self._stage} ({', '.join(filled)}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            marks = ", ".join(["%s"] * len(filled))
            cursor.executemany(f"INSERT INTO {self._stage} ({', '.join(filled)}) VALUES ({marks})", rows)

    def _update(self, cursor: CursorWrapper, *, now: datetime) -> int:
        """Write the values that differ, and no row where none does."""
        vendor = connection.vendor
        at = _stored("updated_at", now)
        values = {name: SQL(f"COALESCE(s.{name}, c.{name})") for name in self._columns}
        differ = [
            f"s.{name} IS NOT NULL AND s.{name} {DIFFERS[vendor]} c.{name}" for name in values if name != "custom"
        ]
        if "custom" in values:
            values["custom"] = SQL(f"COALESCE({MERGED_CUSTOM[vendor]}, c.custom)")
            differ.append(f"s.custom IS NOT NULL AND {CUSTOM_DIFFERS[vendor]}")
        if "newsletter" in values:
            since = "CASE WHEN s.newsletter <> c.newsletter THEN %s ELSE c.newsletter_at END"
            values["newsletter_at"] = SQL(f"COALESCE({self._given('newsletter_at')}, {since})", [at])
        values["updated_at"] = SQL("%s", [at])
        set_list = ", ".join(f"{name} = {value.text}" for name, value in values.items())
        cursor.execute(
            f"UPDATE contacts_contact AS c SET {set_list} FROM {self._stage} AS s"
            f" WHERE c.id = s.contact_id AND ({' OR '.join(differ)})",
            _params(values),
        )
        return cursor.rowcount

    def _insert(self, cursor: CursorWrapper, *, now: datetime) -> int:
        at = _stored("created_at", now)
        values = {name: _or_no_value(name) for name in self._columns}
        if "newsletter" in values:
            since = "CASE WHEN s.newsletter <> %s THEN %s END"
            never = Contact.Newsletter.NEVER.value
            values["newsletter_at"] = SQL(f"COALESCE({self._given('newsletter_at')}, {since})", [never, at])
        values |= {"created_at": SQL("%s", [at]), "updated_at": SQL("%s", [at])}
        for name in NEEDED_COLUMNS:
            values.setdefault(name, SQL("%s", [_stored(name, no_value(name))]))
        cursor.execute(
            f"INSERT INTO contacts_contact ({', '.join(values)})"
            f" SELECT {', '.join(value.text for value in values.values())}"
            f" FROM {self._stage} AS s WHERE contact_id IS NULL ORDER BY place",
            _params(values),
        )
        return cursor.rowcount

    def _given(self, column: str) -> str:
        return f"s.{column}" if column in self._columns else "NULL"

    def _subscribe(self, cursor: CursorWrapper, contact_list: ContactList, *, now: datetime) -> None:
        """Subscribe the people of the batch, but nobody who has unsubscribed from this list before."""
        by_key = ", ".join(
            f"(SELECT id FROM contacts_contact AS c WHERE c.{key} = {self._stage}.{key})" for key in KEYS
        )
        cursor.execute(f"UPDATE {self._stage} SET contact_id = COALESCE({by_key}) WHERE contact_id IS NULL")
        unsubscribed = ListMembership.objects.filter(list=contact_list, unsubscribed_at__isnull=False)
        contacts = Contact.objects.filter(pk__in=RawSQL(f"SELECT contact_id FROM {self._stage}", []))  # noqa: S611
        subscribe(contact_list, contacts.exclude(pk__in=unsubscribed.values("contact_id")), now=now)


@dataclass(frozen=True)
class SQL:
    """A piece of SQL and its parameters."""

    text: str
    params: Sequence[Any] = ()


def _params(values: dict[str, SQL]) -> list[Any]:
    return [param for value in values.values() for param in value.params]


def _column(name: str) -> models.Field[Any, Any]:
    return cast("models.Field[Any, Any]", Contact._meta.get_field(name))


def _stored(name: str, value: Any) -> Any:
    """A Python value as the column keeps it."""
    return _column(name).get_db_prep_save(value, connection)


def _or_no_value(name: str) -> SQL:
    """The staged value of a column, or what stands there for no value."""
    if _column(name).null:
        return SQL(f"s.{name}")
    return SQL(f"COALESCE(s.{name}, %s)", [_stored(name, no_value(name))])
