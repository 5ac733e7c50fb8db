"""Importing contacts: the rows of a file become batches of contacts, which are written set-wise."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from contacts.fields import Catalogue
from contacts.imports.cleaning import Cleaner, cleaner
from contacts.imports.mapping import ColumnMapping, MappingError
from contacts.imports.parse import Row, Table
from contacts.imports.refused import Refuse, Unusable
from contacts.imports.upsert import ImportedContact, Keys, Upsert, Written
from contacts.models import ContactList

ROWS_IN_ONE_BATCH = 5_000
NO_VALUES: tuple[Any, ...] = (None, "", [])
KEYS_BY_PREFERENCE = ("external_id", "email")


@dataclass
class ContactsImported:
    """How many rows created a contact, updated one, found one as it was, or were refused.

    A row counts as ``joined`` when another row of the same contact soon followed and they were written as one.
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    joined: int = 0
    refused: int = 0

    @property
    def rows(self) -> int:
        return self.created + self.updated + self.unchanged + self.joined + self.refused


def import_contacts(
    table: Table,
    mapping: ColumnMapping,
    fields: Catalogue,
    *,
    now: datetime,
    refuse: Refuse,
    progress: Callable[[ContactsImported], None],
    match: str | None = None,
    contact_list: ContactList | None = None,
) -> ContactsImported:
    """Import the rows of a table: those of new contacts create them, those of known ones change what differs.

    ``match`` names the key that tells contacts apart, as `Upsert` explains; without it, it is the external id if a
    column goes there, else the email. A blank cell keeps what is stored, and where several rows are about one contact,
    the later one holds. Whoever is imported subscribes to ``contact_list``, unless they have unsubscribed from it.

    Every batch is a transaction of its own, after which ``progress`` is called. Raises `MappingError` when no column
    goes to the key.
    """
    match = _match(mapping, match)
    done = ContactsImported()

    def refuse_and_count(row: Row, reason: str) -> None:
        done.refused += 1
        refuse(row, reason)

    targets = [fields[key] for key in mapping.places]
    columns = dict.fromkeys(field.column or "custom" for field in targets)
    upsert = Upsert(columns, match=match, contact_list=contact_list)
    for batch in _batches(table, _Reader(mapping, fields), refuse_and_count):
        written = upsert.write(batch.contacts, now=now)
        _count(done, batch, written)
        for place in written.refused:
            reason = _belongs_to_another(batch.contacts[place], match)
            for row in batch.rows[place]:
                refuse_and_count(row, reason)
        progress(done)
    return done


def _match(mapping: ColumnMapping, match: str | None) -> str:
    keys = [key for key in KEYS_BY_PREFERENCE if key in mapping.places and match in (key, None)]
    if keys:
        return keys[0]
    if match:
        raise MappingError(_("No column goes to the field “%s”, by which contacts are to be found.") % match)
    raise MappingError(_("No column goes to “email” or “external_id”: nothing tells the contacts apart."))


def _belongs_to_another(contact: ImportedContact, match: str) -> str:
    [key] = (key for key in KEYS_BY_PREFERENCE if key != match)
    message = _("The %(field)s “%(value)s” belongs to another contact.")
    return message % {"field": key, "value": contact.columns[key]}


def _count(done: ContactsImported, batch: "_Batch", written: Written) -> None:
    refused = set(written.refused)
    done.created += written.created
    done.updated += written.updated
    done.unchanged += len(batch.contacts) - written.created - written.updated - len(refused)
    done.joined += sum(len(rows) - 1 for place, rows in enumerate(batch.rows) if place not in refused)


class _Reader:
    """Makes contacts of rows."""

    def __init__(self, mapping: ColumnMapping, fields: Catalogue) -> None:
        targets = [(place, fields[key]) for key, place in mapping.places.items()]
        self._columns = [(place, field.column, cleaner(field)) for place, field in targets if not field.is_custom]
        self._custom = [(place, field.json_key, cleaner(field)) for place, field in targets if field.is_custom]
        self._labels = {place: field.label for place, field in targets}

    def contact(self, row: Row) -> ImportedContact:
        """Raises `Unusable`."""
        if row.problem:
            raise Unusable(row.problem)
        problems: list[str] = []
        contact = ImportedContact(
            self._values(self._columns, row.cells, problems), self._values(self._custom, row.cells, problems)
        )
        if problems:
            raise Unusable(" ".join(problems))
        if not any(contact.keys):
            raise Unusable(_("The row has neither an email nor an external id."))
        return contact

    def _values(self, targets: list[tuple[int, str, Cleaner]], cells: list[str], problems: list[str]) -> dict[str, Any]:
        values = {}
        for place, name, clean in targets:
            if text := cells[place].strip():
                try:
                    value = clean(text)
                except ValidationError as error:
                    problems.append(f"{self._labels[place]}: {' '.join(error.messages)}")
                else:
                    if value not in NO_VALUES:
                        values[name] = value
        return values


class _Batch:
    """Contacts, no two of which share a key, and the rows that each was made of."""

    def __init__(self) -> None:
        self.contacts: list[ImportedContact] = []
        self.rows: list[list[Row]] = []
        self.size = 0
        self._places: dict[Keys, int] = {}
        self._emails: set[str] = set()
        self._external_ids: set[str] = set()

    def add(self, row: Row, contact: ImportedContact) -> bool:
        """Take the contact, joined with an earlier one of the same keys. One that shares but one key does not fit."""
        keys = contact.keys
        place = self._places.get(keys)
        if place is not None:
            self.contacts[place].update(contact)
            self.rows[place].append(row)
        else:
            email, external_id = keys
            if email in self._emails or external_id in self._external_ids:
                return False
            if email:
                self._emails.add(email)
            if external_id:
                self._external_ids.add(external_id)
            self._places[keys] = len(self.contacts)
            self.contacts.append(contact)
            self.rows.append([row])
        self.size += 1
        return True


def _batches(table: Table, reader: _Reader, refuse: Refuse) -> Iterator[_Batch]:
    batch = _Batch()
    for row in table.rows():
        try:
            contact = reader.contact(row)
        except Unusable as reason:
            refuse(row, str(reason))
            continue
        if not batch.add(row, contact):
            yield batch
            batch = _Batch()
            batch.add(row, contact)
        if batch.size == ROWS_IN_ONE_BATCH:
            yield batch
            batch = _Batch()
    if batch.size:
        yield batch
