from argparse import ArgumentParser
from collections.abc import Callable
from datetime import datetime
from typing import Any

from contacts.fields import catalogue
from contacts.folding import Fold, fold
from contacts.imports.contacts import import_contacts
from contacts.imports.counts import Counts
from contacts.imports.identity import KEYS
from contacts.imports.mapping import ColumnMapping, Targets, contact_targets
from contacts.imports.refused import Refuse
from contacts.imports.sources import Table
from contacts.management.import_command import ImportCommand, WrongUse
from contacts.models import ContactList


class Command(ImportCommand):
    help = "Import contacts from a file: create the new ones, and change what differs in those that are known."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--match", choices=KEYS, help="the field by which contacts are found (external_id if it is mapped)"
        )
        parser.add_argument("--list", metavar="NAME", help="subscribe the contacts to this list")

    def targets(self) -> Targets:
        return contact_targets(catalogue())

    def import_table(
        self,
        table: Table,
        mapping: ColumnMapping,
        *,
        now: datetime,
        refuse: Refuse,
        progress: Callable[[Counts], None],
        options: dict[str, Any],
    ) -> Counts:
        return import_contacts(
            table,
            mapping,
            catalogue(),
            now=now,
            refuse=refuse,
            progress=progress,
            match=options["match"],
            contact_list=_list_named(options["list"]) if options["list"] else None,
        )

    def describe(self, done: Counts) -> str:
        return (
            f"Rows: {done.rows:,}. Contacts created: {done.created:,}; updated: {done.updated:,}; "
            f"unchanged: {done.unchanged:,}. Further rows of the same contacts: {done.joined:,}. "
            f"Refused: {done.refused:,}."
        )


def _list_named(name: str) -> ContactList:
    found = ContactList.objects.alias(folded=Fold("name")).filter(folded=fold(name)).first()
    if found is None:
        raise WrongUse(f"There is no list “{name}”.")
    return found
