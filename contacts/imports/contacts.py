"""Importing contacts: the rows of a file become batches of contacts, which are written set-wise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from contacts.fields import Catalogue
from contacts.imports.cells import CellReader, Read, reader_of_contact
from contacts.imports.counts import Counts
from contacts.imports.identity import KEYS, ImportedContact, Policy, Verdict
from contacts.imports.mapping import ColumnMapping, MappingError
from contacts.imports.options import LIST, Column
from contacts.imports.refused import INVALID, NO_KEY, TAKEN, UNKNOWN, UNREADABLE, Refusal, Refuse, Unusable
from contacts.imports.sources import Row, Table
from contacts.imports.staging import Shape
from contacts.imports.upsert import Store, Upsert, write
from contacts.models import ContactList

ROWS_IN_ONE_BATCH = 5_000
NO_VALUES: tuple[Any, ...] = (None, "", [])
KEYS_BY_PREFERENCE = ("external_id", "email")
KEPT_WHEN_EMPTY = frozenset({"newsletter_at"})  # it follows from the newsletter, which every contact has a value for


def import_contacts(
    table: Table,
    mapping: ColumnMapping,
    fields: Catalogue,
    *,
    now: datetime,
    refuse: Refuse,
    progress: Callable[[Counts], None],
    match: str | None = None,
    contact_list: ContactList | None = None,
) -> Counts:
    """Import the rows of a table: those of new contacts create them, those of known ones change what differs.

    ``match`` names the key that tells contacts apart, as `Identities` explains; without it, it is the external id if a
    column goes there, else the email. A blank cell keeps what is stored, and where several rows are about one contact,
    the later one holds. Whoever is imported subscribes to ``contact_list``, unless they have unsubscribed from it.

    Every batch is a transaction of its own, after which ``progress`` is called. Raises `MappingError` when no column
    goes to the key.
    """
    match = _match(mapping, match)
    columns = [Column(place, table.columns[place], key) for key, place in mapping.places.items()]
    reader = ContactReader([reader_of_contact(column, fields) for column in columns], match=match)
    upsert = Upsert(reader.shape, Policy(match), lists=[contact_list] if contact_list else [])
    done = Counts()
    rows = table.rows()
    while batch := list(islice(rows, ROWS_IN_ONE_BATCH)):
        counts, refusals = write_rows(upsert, reader.read(batch), match=match, now=now)
        for refusal in refusals:
            refuse(refusal.row, refusal.reason)
        done += counts
        progress(done)
    return done


@dataclass
class Reading:
    """What a batch of rows says: the rows that can be used, what each of them says, and those that cannot."""

    rows: list[Row]
    contacts: list[ImportedContact]
    refusals: list[Refusal]


def write_rows(store: Store, reading: Reading, *, match: str, now: datetime) -> tuple[Counts, list[Refusal]]:
    """Write what rows say; what became of them, and those that were refused, in the order of the file."""
    written = write(store, reading.contacts, now=now)
    written.counts.refused += len(reading.refusals)
    refusals = reading.refusals
    if written.refused:
        refusals = refusals + [
            _refusal(reading.rows[place], reading.contacts[place], verdict, match=match)
            for place, verdict in written.refused
        ]
        refusals.sort(key=lambda refusal: refusal.row.line)
    return written.counts, refusals


def _refusal(row: Row, contact: ImportedContact, verdict: Verdict, *, match: str) -> Refusal:
    given = {key: contact.columns[key] for key in KEYS if contact.columns.get(key)}
    if verdict is Verdict.UNKNOWN:
        named = ", ".join(f"{key} “{value}”" for key, value in given.items())
        message = _("There is no contact with the %(keys)s, and new ones are not to be created.")
        return Refusal(row, message % {"keys": named}, UNKNOWN)
    assert verdict is Verdict.TAKEN
    [key] = (key for key in KEYS if key != match)
    message = _("The %(field)s “%(value)s” belongs to another contact.")
    return Refusal(row, message % {"field": key, "value": contact.columns[key]}, TAKEN)


def _match(mapping: ColumnMapping, match: str | None) -> str:
    keys = [key for key in KEYS_BY_PREFERENCE if key in mapping.places and match in (key, None)]
    if keys:
        return keys[0]
    if match:
        raise MappingError(_("No column goes to the field “%s”, by which contacts are to be found.") % match)
    raise MappingError(_("No column goes to “email” or “external_id”: nothing tells the contacts apart."))


class ContactReader:
    """Makes contacts of rows. With ``erases``, a blank cell erases what is stored, but never the ``match`` key."""

    def __init__(
        self, readers: Sequence[CellReader], *, match: str, erases: bool = False, consent: bool = False
    ) -> None:
        self._readers = {reader.column.place: reader for reader in readers}
        self._columns: list[tuple[int, str, Read]] = []
        self._custom: list[tuple[int, str, Read]] = []
        self._lists: list[tuple[int, int, Read]] = []
        self._erased: list[tuple[int, str]] = []
        self._erased_custom: list[tuple[int, str]] = []
        for place, reader in self._readers.items():
            field = reader.field
            if field is None:
                self._lists.append((place, int(reader.column.target.removeprefix(LIST)), reader.read))
            elif field.is_custom:
                self._custom.append((place, field.json_key, reader.read))
                if erases:
                    self._erased_custom.append((place, field.json_key))
            else:
                self._columns.append((place, field.column, reader.read))
                if erases and not field.always_set and field.key not in (match, *KEPT_WHEN_EMPTY):
                    self._erased.append((place, field.column))
        columns = [name for _place, name, _read in self._columns]
        columns += [name for name in ("newsletter", "newsletter_at") if consent and name not in columns]
        columns += ["custom"] if self._custom else []
        erased = frozenset(name for _place, name in self._erased)
        self.shape = Shape(columns, erased, has_lists=bool(self._lists))

    def read(self, rows: Sequence[Row]) -> Reading:
        """What the rows say."""
        reading = Reading([], [], [])
        usable, contacts = reading.rows.append, reading.contacts.append
        for row in rows:
            try:
                contact = self._contact(row)
            except Unusable as reason:
                reading.refusals.append(Refusal(row, str(reason), reason.kind, reason.column))
            else:
                usable(row)
                contacts(contact)
        return reading

    def _contact(self, row: Row) -> ImportedContact:
        """Raises `Unusable`."""
        if row.problem:
            raise Unusable(row.problem, UNREADABLE)
        cells = row.cells
        try:
            columns = _values(self._columns, cells)
            custom = _values(self._custom, cells) if self._custom else {}
            lists = tuple(id for place, id, read in self._lists if cells[place].strip() and read(cells[place].strip()))
        except ValidationError:
            raise self._invalid(cells) from None
        if not columns.get("email") and not columns.get("external_id"):
            raise Unusable(_("The row has neither an email nor an external id."), NO_KEY)
        for _place, name in self._erased:
            columns.setdefault(name, None)
        for _place, name in self._erased_custom:
            custom.setdefault(name, None)
        return ImportedContact(columns, custom, lists)

    def _invalid(self, cells: Sequence[str]) -> Unusable:
        """All that is not valid in a row; it counts for the first column at fault."""
        found = list(self._problems(cells))
        text = " ".join(f"{reader.label}: {problem}" for reader, problem in found)
        return Unusable(text, INVALID, found[0][0].column.name)

    def _problems(self, cells: Sequence[str]) -> Iterator[tuple[CellReader, str]]:
        for place, reader in self._readers.items():
            try:
                if text := cells[place].strip():
                    reader.read(text)
            except ValidationError as error:
                yield reader, " ".join(error.messages)


def _values(targets: Sequence[tuple[int, str, Read]], cells: Sequence[str]) -> dict[str, Any]:
    values = {}
    for place, name, read in targets:
        if text := cells[place].strip():
            value = read(text)
            if value not in NO_VALUES:
                values[name] = value
    return values
