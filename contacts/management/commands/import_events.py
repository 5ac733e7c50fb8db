from argparse import ArgumentParser
from collections.abc import Callable
from datetime import datetime
from typing import Any

from contacts.imports.events import EventsImported, import_events
from contacts.imports.mapping import EVENT_TARGETS, ColumnMapping, Targets
from contacts.imports.refused import Refuse
from contacts.imports.sources import Table
from contacts.management.import_command import ImportCommand


class Command(ImportCommand):
    help = (
        "Import events of known contacts from a file. Map a column to “key” to have no event twice, "
        "however often the file is imported."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--type", help="the type of the events, such as purchase, unless a column says it")

    def targets(self) -> Targets:
        return EVENT_TARGETS

    def import_table(
        self,
        table: Table,
        mapping: ColumnMapping,
        *,
        now: datetime,
        refuse: Refuse,
        progress: Callable[[EventsImported], None],
        options: dict[str, Any],
    ) -> EventsImported:
        return import_events(table, mapping, now=now, refuse=refuse, progress=progress, event_type=options["type"])

    def describe(self, done: EventsImported) -> str:
        return (
            f"Rows: {done.rows:,}. Events recorded: {done.recorded:,}; known already: {done.duplicates:,}. "
            f"Refused: {done.refused:,}."
        )
