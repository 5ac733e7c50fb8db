"""What is done with the rows of an import, in the check and in the run alike: they are read, and then written.

A check writes to a rehearsal that keeps what would be there, and a run to the database.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from django.db import connection

from contacts.events import NewEvent, Result, record
from contacts.fields import Catalogue
from contacts.imports import contacts, events
from contacts.imports.cells import readers_of
from contacts.imports.contacts import ContactReader
from contacts.imports.counts import Counts
from contacts.imports.creating import stored
from contacts.imports.events import EventReader
from contacts.imports.identity import Policy
from contacts.imports.models import Import
from contacts.imports.options import Options
from contacts.imports.refused import Refusal
from contacts.imports.rehearsal import EventRehearsal, Rehearsal
from contacts.imports.sources import Row
from contacts.imports.upsert import Store, Upsert
from contacts.json_rows import in_values, moment_writer, values_parameter
from contacts.models import ContactList
from contacts.retention import start_of

Outcome = tuple[Counts, list[Refusal]]


class Work(ABC):
    """Reading takes no transaction; writing happens in that of the caller, unless it is a rehearsal."""

    @abstractmethod
    def read(self, rows: Sequence[Row]) -> Any:
        """What the rows say, to be written."""

    @abstractmethod
    def write(self, reading: Any, *, now: datetime) -> Outcome:
        """Write what was read; what became of the rows, and those that were refused."""


class ContactsWork(Work):
    def __init__(self, reader: ContactReader, store: Store, *, match: str) -> None:
        self._reader = reader
        self._store = store
        self._match = match

    def read(self, rows: Sequence[Row]) -> contacts.Reading:
        return self._reader.read(rows)

    def write(self, reading: contacts.Reading, *, now: datetime) -> Outcome:
        return contacts.write_rows(self._store, reading, match=self._match, now=now)


class EventsWork(Work):
    def __init__(self, reader: EventReader, recorder: Recorder) -> None:
        self._reader = reader
        self._recorder = recorder

    def read(self, rows: Sequence[Row]) -> events.Reading:
        return self._reader.read(rows)

    def write(self, reading: events.Reading, *, now: datetime) -> Outcome:
        return events.account(reading, self._recorder.record(reading.events, now=now))


class Recorder(Protocol):
    """Where events are written."""

    def record(self, events: Sequence[NewEvent], *, now: datetime) -> list[Result]:
        """Write events; the result of each in the order they came."""


class RecorderOf:
    """Writes the events of an import, and keeps whose they are: these contacts came with it."""

    def __init__(self, import_run: Import) -> None:
        self._import_run = import_run

    def record(self, events: Sequence[NewEvent], *, now: datetime) -> list[Result]:
        results = record(events, now=now)
        moment = "%s::timestamptz" if connection.vendor == "postgresql" else "%s"
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO contacts_contactimport (import_run_id, contact_id, created, changed, written_at)"
                f" SELECT %s, id, false, true, {moment} FROM contacts_contact WHERE {in_values('id')}"
                " ON CONFLICT DO NOTHING",
                [
                    self._import_run.pk,
                    stored("updated_at", now),
                    values_parameter({one.contact_id for one in results if one.contact_id}),
                ],
            )
        return results


def work_of(import_run: Import, fields: Catalogue, *, rehearsing: bool) -> Work:
    """What an import does with its rows; or, ``rehearsing``, what it would do."""
    options = Options.from_json(import_run.options)
    readers = readers_of(import_run, fields)
    if import_run.kind == Import.Kind.EVENTS:
        recorder = EventRehearsal() if rehearsing else RecorderOf(import_run)
        return EventsWork(EventReader(readers, event_type=options.event_type), recorder)
    consent = options.consent
    reader = ContactReader(readers, match=options.match, erases=options.erases, consent=consent is not None)
    policy = Policy(
        options.match,
        options.create,
        options.overwrite,
        (consent.newsletter, moment_writer()(start_of(consent.on))) if consent else None,
        bool(options.resubscribe),
    )
    if rehearsing:
        return ContactsWork(reader, Rehearsal(reader.shape, policy), match=options.match)
    lists = list(ContactList.objects.filter(pk__in=options.lists))
    upsert = Upsert(reader.shape, policy, lists=lists, import_run=import_run, destinations=options.destinations)
    return ContactsWork(reader, upsert, match=options.match)
