"""Importing contacts: the rows of a file become batches of contacts, which are written set-wise."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from contacts.fields import Catalogue
from contacts.imports.cleaning import Cleaner, cleaner
from contacts.imports.identity import ImportedContact
from contacts.imports.mapping import ColumnMapping, MappingError
from contacts.imports.parse import Row, Table
from contacts.imports.refused import Refuse, Unusable
from contacts.imports.upsert import Upsert
from contacts.models import ContactList

ROWS_IN_ONE_BATCH = 5_000
NO_VALUES: tuple[Any, ...] = (None, "", [])
KEYS_BY_PREFERENCE = ("external_id", "email")


@dataclass
class ContactsImported:
    """How many rows created a contact, updated one, found one as it was, or were refused.

    Rows near each other that are about one contact are written as one: all but one of them count as ``joined``.
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

    ``match`` names the key that tells contacts apart, as `Identities` explains; without it, it is the external id if a
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

    reader = _Reader(mapping, fields)
    upsert = Upsert(reader.columns, match=match, contact_list=contact_list)
    contacts = _contacts(table, reader, refuse_and_count)
    while batch := list(islice(contacts, ROWS_IN_ONE_BATCH)):
        written = upsert.write([contact for _row, contact in batch], now=now)
        done.created += written.created
        done.updated += written.updated
        done.joined += written.joined
        done.unchanged += len(batch) - written.created - written.updated - written.joined - len(written.refused)
        for place in written.refused:
            row, contact = batch[place]
            refuse_and_count(row, _belongs_to_another(contact, match))
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


def _contacts(table: Table, reader: "_Reader", refuse: Refuse) -> Iterator[tuple[Row, ImportedContact]]:
    for row in table.rows():
        try:
            yield row, reader.contact(row)
        except Unusable as reason:
            refuse(row, str(reason))


class _Reader:
    """Makes contacts of rows."""

    def __init__(self, mapping: ColumnMapping, fields: Catalogue) -> None:
        targets = [(place, fields[key]) for key, place in mapping.places.items()]
        self._columns = [(place, field.column, cleaner(field)) for place, field in targets if not field.is_custom]
        self._custom = [(place, field.json_key, cleaner(field)) for place, field in targets if field.is_custom]
        self.columns = list(dict.fromkeys(field.column or "custom" for _place, field in targets))
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
