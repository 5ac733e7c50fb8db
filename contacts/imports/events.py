"""Importing events: the rows of a file go in batches to the one write path for events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from contacts.event_types import is_event_type
from contacts.events import NewEvent, Outcome, Result, record
from contacts.imports.cells import CellReader, reader_of_event
from contacts.imports.counts import Counts
from contacts.imports.mapping import PROPERTY as NAMED_PROPERTY
from contacts.imports.mapping import ColumnMapping, MappingError
from contacts.imports.options import PROPERTY, REFERENCES, Column
from contacts.imports.refused import IMPOSSIBLE, INCOMPLETE, INVALID, UNREADABLE, Refusal, Refuse, Unusable
from contacts.imports.sources import Row, Table

EVENTS_IN_ONE_BATCH = 5_000


@dataclass
class EventsImported:
    """How many rows were recorded as events, had a key that is known already, or were refused."""

    recorded: int = 0
    duplicates: int = 0
    refused: int = 0

    @property
    def rows(self) -> int:
        return self.recorded + self.duplicates + self.refused


def import_events(
    table: Table,
    mapping: ColumnMapping,
    *,
    now: datetime,
    refuse: Refuse,
    progress: Callable[[EventsImported], None],
    event_type: str | None = None,
) -> EventsImported:
    """Import each row of a table as an event, of the type ``event_type`` where no column says another.

    Without a key, importing a file twice makes its events twice. Every batch is a transaction of its own, after which
    ``progress`` is called. Raises `MappingError` when something that all events need is missing.
    """
    _check(mapping, event_type)
    columns = [Column(place, table.columns[place], _target(key)) for key, place in mapping.places.items()]
    reader = EventReader([reader_of_event(column) for column in columns], event_type=event_type or "")
    done = EventsImported()
    rows = table.rows()
    while batch := list(islice(rows, EVENTS_IN_ONE_BATCH)):
        reading = reader.read(batch)
        counts, refusals = account(reading, record(reading.events, now=now))
        for refusal in refusals:
            refuse(refusal.row, refusal.reason)
        done.recorded += counts.created
        done.duplicates += counts.unchanged
        done.refused += counts.refused
        progress(done)
    return done


def _check(mapping: ColumnMapping, event_type: str | None) -> None:
    if event_type is not None and not is_event_type(event_type):
        raise MappingError(_("“%s” is no type of event: use a-z, 0-9 and _, starting with a letter.") % event_type)
    if event_type is None and "type" not in mapping.places:
        raise MappingError(_("Nothing says of which type the events are."))
    if "occurred_at" not in mapping.places:
        raise MappingError(_("No column goes to “occurred_at”, the time of the event."))
    if not any(name in mapping.places for name in REFERENCES):
        raise MappingError(_("No column says whose events these are: %s.") % ", ".join(REFERENCES))


def _target(key: str) -> str:
    """The target as imports keep it: ``property:quantity:number`` for ``properties.quantity:number``."""
    named = NAMED_PROPERTY.fullmatch(key)
    return f"{PROPERTY}{named['key']}:{named['kind'] or ''}" if named else key


@dataclass
class Reading:
    """What a batch of rows says: the rows that can be used, their events, and the rows that cannot."""

    rows: list[Row]
    events: list[NewEvent]
    refusals: list[Refusal]


def account(reading: Reading, results: Sequence[Result]) -> tuple[Counts, list[Refusal]]:
    """What became of rows, and those that were refused, in the order of the file.

    An event whose key is known already counts as unchanged.
    """
    counts = Counts(refused=len(reading.refusals))
    refusals = list(reading.refusals)
    for row, result in zip(reading.rows, results, strict=True):
        match result.outcome:
            case Outcome.RECORDED:
                counts.created += 1
            case Outcome.DUPLICATE:
                counts.unchanged += 1
            case Outcome.REFUSED:
                counts.refused += 1
                refusals.append(Refusal(row, result.reason, IMPOSSIBLE))
    refusals.sort(key=lambda refusal: refusal.row.line)
    return counts, refusals


class EventReader:
    """Makes events of rows; they have the type ``event_type`` where no column says another."""

    def __init__(self, readers: Sequence[CellReader], *, event_type: str = "") -> None:
        self._defaults = {"type": event_type} if event_type else {}
        of_properties = [reader for reader in readers if reader.column.target.startswith(PROPERTY)]
        self._properties = [(reader, reader.column.target.split(":")[1]) for reader in of_properties]
        self._attributes = [(reader, reader.column.target) for reader in readers if reader not in of_properties]

    def read(self, rows: Sequence[Row]) -> Reading:
        """What the rows say."""
        reading = Reading([], [], [])
        for row in rows:
            try:
                event = self._event(row)
            except Unusable as reason:
                reading.refusals.append(Refusal(row, str(reason), reason.kind, reason.column))
            else:
                reading.rows.append(row)
                reading.events.append(event)
        return reading

    def _event(self, row: Row) -> NewEvent:
        """Raises `Unusable`."""
        if row.problem:
            raise Unusable(row.problem, UNREADABLE)
        attributes = self._defaults | _values(self._attributes, row.cells)
        properties = _values(self._properties, row.cells)
        if "occurred_at" not in attributes:
            raise Unusable(_("The row has no time."), INCOMPLETE)
        if "type" not in attributes:
            raise Unusable(_("The row has no type of event."), INCOMPLETE)
        return NewEvent(properties=properties, **attributes)


def _values(readers: Sequence[tuple[CellReader, str]], cells: Sequence[str]) -> dict[str, Any]:
    values = {}
    for reader, name in readers:
        if text := cells[reader.column.place].strip():
            try:
                values[name] = reader.read(text)
            except ValidationError as error:
                raise Unusable(f"{reader.label}: {' '.join(error.messages)}", INVALID, reader.column.name) from None
    return values
