"""Writing batches of imported contacts set-wise: new ones are inserted, known ones get what differs."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from dataclasses import field as attribute
from datetime import datetime
from typing import Any, Self, cast

from django.db import IntegrityError, connection, models
from django.db.backends.utils import CursorWrapper
from django.db.models.expressions import RawSQL

from contacts import changes
from contacts.editing import no_value
from contacts.json_rows import in_values, values_parameter
from contacts.lists import subscribe
from contacts.models import Contact, ContactList, ListMembership

KEYS = ("email", "external_id")
Keys = tuple[str | None, str | None]
ATTEMPTS = 5

# What the stage has besides the values. A row of nobody known has neither id; one that was refused has by_other alone.
WORKING_COLUMNS = {"place": "integer", "by_match": "bigint", "by_other": "bigint", "contact_id": "bigint"}
NEW = "contact_id IS NULL AND by_other IS NULL"
REFUSED = "contact_id IS NULL AND by_other IS NOT NULL"

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


@dataclass(slots=True)
class ImportedContact:
    """What a file says of a contact, as `contacts.imports.cleaning` reads it: values by column, and custom fields."""

    columns: dict[str, Any] = attribute(default_factory=dict)
    custom: dict[str, Any] = attribute(default_factory=dict)

    @property
    def keys(self) -> Keys:
        return self.columns.get("email"), self.columns.get("external_id")

    def update(self, later: Self) -> None:
        """Take over what a later row says of the contact."""
        self.columns |= later.columns
        self.custom |= later.custom


@dataclass(frozen=True)
class Written:
    """What became of a batch: how many contacts were created and updated, and the places in it of those refused."""

    created: int
    updated: int
    refused: Sequence[int]


class Upsert:
    """Writes batches of contacts that have values for the same columns.

    A contact is found by the key ``match`` ("email" or "external_id"). Where that finds nobody, the other key does,
    unless the imported and the stored contact both have the first. A contact whose other key belongs to somebody
    else is refused. A blank keeps what is stored.
    """

    def __init__(self, columns: Iterable[str], *, match: str, contact_list: ContactList | None = None) -> None:
        self._columns = list(columns)
        self._staged = [*KEYS, *(name for name in self._columns if name not in (*KEYS, "custom"))]
        self._match = match
        self._other = KEYS[1 - KEYS.index(match)]
        self._contact_list = contact_list
        self._stage = f"muster_import_{uuid.uuid4().hex}"

    def write(self, batch: Sequence[ImportedContact], *, now: datetime) -> Written:
        """Write a batch in a transaction of its own. No two contacts in it may share a key."""
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
        self._lock(cursor, batch)
        self._stage_batch(cursor, batch)
        self._find(cursor)
        updated = self._update(cursor, now=now)
        created = self._insert(cursor, now=now)
        if self._contact_list:
            self._subscribe(cursor, self._contact_list, now=now)
        cursor.execute(f"SELECT place FROM {self._stage} WHERE {REFUSED}")
        refused = [place for (place,) in cursor.fetchall()]
        cursor.execute(f"DROP TABLE {self._stage}")
        return Written(created, updated, refused)

    def _lock(self, cursor: CursorWrapper, batch: Sequence[ImportedContact]) -> None:
        """Keep others from changing and deleting the contacts meanwhile; in the order of ids, as every writer does."""
        if connection.features.has_select_for_update:
            cursor.execute(
                f"SELECT id FROM contacts_contact WHERE {' OR '.join(in_values(key) for key in KEYS)}"
                " ORDER BY id FOR UPDATE",
                [values_parameter(filter(None, (contact.columns.get(key) for contact in batch))) for key in KEYS],
            )

    def _stage_batch(self, cursor: CursorWrapper, batch: Sequence[ImportedContact]) -> None:
        """Put the batch into a temporary table of this transaction: between two batches the connection may change."""
        filled = ["place", *self._staged, "custom"]
        types = {name: str(_column(name).db_type(connection)) for name in filled[1:]} | WORKING_COLUMNS
        declared = ", ".join(f"{name} {kind}" for name, kind in types.items())
        cursor.execute(f"CREATE TEMPORARY TABLE {self._stage} ({declared})")
        rows = [
            (place, *map(contact.columns.get, self._staged), json.dumps(contact.custom) if contact.custom else None)
            for place, contact in enumerate(batch)
        ]
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {self._stage} ({', '.join(filled)}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            marks = ", ".join(["%s"] * len(filled))
            cursor.executemany(f"INSERT INTO {self._stage} ({', '.join(filled)}) VALUES ({marks})", rows)

    def _find(self, cursor: CursorWrapper) -> None:
        stage, match, other = self._stage, self._match, self._other
        cursor.execute(f"""
            UPDATE {stage} SET
              by_match = (SELECT id FROM contacts_contact AS c WHERE c.{match} = {stage}.{match}),
              by_other = (SELECT id FROM contacts_contact AS c WHERE c.{other} = {stage}.{other})
        """)
        cursor.execute(f"""
            UPDATE {stage} SET contact_id = CASE
              WHEN by_other IS NULL OR by_other = by_match THEN by_match
              WHEN by_match IS NULL AND ({match} IS NULL
                OR (SELECT c.{match} FROM contacts_contact AS c WHERE c.id = by_other) IS NULL) THEN by_other
              END
        """)

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
            f" FROM {self._stage} AS s WHERE {NEW} ORDER BY place",
            _params(values),
        )
        return cursor.rowcount

    def _given(self, column: str) -> str:
        return f"s.{column}" if column in self._columns else "NULL"

    def _subscribe(self, cursor: CursorWrapper, contact_list: ContactList, *, now: datetime) -> None:
        """Subscribe the contacts of the batch, but nobody who has unsubscribed from this list before."""
        stage, match, other = self._stage, self._match, self._other
        cursor.execute(f"""
            UPDATE {stage} SET contact_id = COALESCE(
              (SELECT id FROM contacts_contact AS c WHERE c.{match} = {stage}.{match}),
              (SELECT id FROM contacts_contact AS c WHERE c.{other} = {stage}.{other}))
            WHERE {NEW}
        """)
        ids = RawSQL(f"SELECT contact_id FROM {stage} WHERE contact_id IS NOT NULL", [])  # noqa: S611
        unsubscribed = ListMembership.objects.filter(list=contact_list, unsubscribed_at__isnull=False)
        contacts = Contact.objects.filter(pk__in=ids).exclude(pk__in=unsubscribed.values("contact_id"))
        subscribe(contact_list, contacts, now=now)


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
