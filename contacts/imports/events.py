"""Importing events: the rows of a file go in batches to the one write path for events."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from contacts.event_types import is_event_type
from contacts.events import NewEvent, Outcome, record
from contacts.imports.cleaning import moment_reader, read_number, read_property, read_whole_number
from contacts.imports.mapping import PROPERTY, ColumnMapping, MappingError
from contacts.imports.parse import Row, Table
from contacts.imports.refused import Refuse, Unusable

EVENTS_IN_ONE_BATCH = 5_000
REFERENCES = ("contact_id", "external_id", "email", "visitor_key")


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
    reader = _Reader(mapping, event_type)
    done = EventsImported()

    def refuse_and_count(row: Row, reason: str) -> None:
        done.refused += 1
        refuse(row, reason)

    drafts = _drafts(table, reader, refuse_and_count)
    while batch := list(islice(drafts, EVENTS_IN_ONE_BATCH)):
        results = record([event for _row, event in batch], now=now)
        for (row, _event), result in zip(batch, results, strict=True):
            match result.outcome:
                case Outcome.RECORDED:
                    done.recorded += 1
                case Outcome.DUPLICATE:
                    done.duplicates += 1
                case Outcome.REFUSED:
                    refuse_and_count(row, result.reason)
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


def _drafts(table: Table, reader: "_Reader", refuse: Refuse) -> Iterator[tuple[Row, NewEvent]]:
    for row in table.rows():
        try:
            yield row, reader.event(row)
        except Unusable as reason:
            refuse(row, str(reason))


class _Reader:
    """Makes events of rows."""

    def __init__(self, mapping: ColumnMapping, event_type: str | None) -> None:
        readers: dict[str, Callable[[str], Any]] = {
            "occurred_at": moment_reader(),
            "value": read_number,
            "contact_id": read_whole_number,
        }
        self._defaults = {"type": event_type} if event_type else {}
        self._attributes: list[tuple[int, str, Callable[[str], Any]]] = []
        self._properties: list[tuple[int, str, str | None]] = []
        for target, place in mapping.places.items():
            if of_property := PROPERTY.fullmatch(target):
                self._properties.append((place, of_property["key"], of_property["kind"]))
            else:
                self._attributes.append((place, target, readers.get(target, str)))

    def event(self, row: Row) -> NewEvent:
        """Raises `Unusable`."""
        if row.problem:
            raise Unusable(row.problem)
        attributes: dict[str, Any] = dict(self._defaults)
        properties: dict[str, Any] = {}
        try:
            for place, name, read in self._attributes:
                if text := row.cells[place].strip():
                    attributes[name] = read(text)
            for place, name, kind in self._properties:
                if text := row.cells[place].strip():
                    properties[name] = read_property(text, kind)
        except ValidationError as error:
            raise Unusable(f"{name}: {' '.join(error.messages)}") from error
        if "occurred_at" not in attributes:
            raise Unusable(_("The row has no time."))
        if "type" not in attributes:
            raise Unusable(_("The row has no type of event."))
        return NewEvent(properties=properties, **attributes)
