"""docs/imports.md and docs/events.md name everything that they are a reference of."""

import re
from argparse import ArgumentParser
from dataclasses import fields
from pathlib import Path

import pytest

from contacts.event_types import EVENT_TYPES
from contacts.events import LONGEST_PROPERTIES, NewEvent
from contacts.imports.contacts import ROWS_IN_ONE_BATCH
from contacts.imports.events import EVENTS_IN_ONE_BATCH
from contacts.imports.mapping import EVENT_TARGETS, PROPERTY
from contacts.management.commands.import_contacts import Command as ImportContacts
from contacts.management.commands.import_events import Command as ImportEvents
from contacts.types import FIELD_TYPES

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
EVENTS = (DOCS / "events.md").read_text("utf-8")
IMPORTS = (DOCS / "imports.md").read_text("utf-8")

pytestmark = pytest.mark.once


def section(document: str, heading: str) -> str:
    found = re.search(rf"^#+ {heading}$(.*?)(?=^## |\Z)", document, re.MULTILINE | re.DOTALL)
    assert found, heading
    return found[1]


def first_cells(text: str) -> list[str]:
    return re.findall(r"^\| (.*?) \|", text, re.MULTILINE)


def test_types_of_events():
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (yes|no) \|", section(EVENTS, "Types"), re.MULTILINE)
    known = [(known.key, str(known.label), "yes" if known.by_contact else "no") for known in EVENT_TYPES]
    assert rows == known


def test_parts_of_an_event():
    named = re.findall(r"`(\w+)`", " ".join(first_cells(section(EVENTS, "What an event has"))))
    assert sorted(named) == sorted(field.name for field in fields(NewEvent))
    assert f"{LONGEST_PROPERTIES:,}" in EVENTS


@pytest.mark.parametrize(("command", "heading"), [(ImportContacts(), "Contacts"), (ImportEvents(), "Events")])
def test_options(command, heading):
    parser = ArgumentParser(add_help=False)
    command.add_arguments(parser)
    options = {option for action in parser._actions for option in action.option_strings}
    usage = re.search(r"```\n(manage\.py .*?)\n```", section(IMPORTS, heading))[1]
    assert set(re.findall(r"--\w+", usage)) == options


def test_fields_of_events():
    cells = [cell for cell in first_cells(section(IMPORTS, "Events")) if "`" in cell]
    named = set(re.findall(r"`([\w.:<>]+)`", " ".join(cells)))
    properties = {"properties.<name>", "properties.<name>:text", ":number", ":boolean"}
    assert named == {*EVENT_TARGETS.names, *properties}
    assert PROPERTY.fullmatch("properties.name:boolean")


def test_types_of_fields():
    rows = first_cells(re.search(r"\*\*How values are written\.\*\*(.*?)^## ", IMPORTS, re.DOTALL | re.MULTILINE)[1])
    named = {label for row in rows[1:] if not row.startswith("-") for label in row.split(", ")}
    assert named == {"URL" if kind.key == "url" else str(kind.label).lower() for kind in FIELD_TYPES}


def test_size_of_batches():
    assert ROWS_IN_ONE_BATCH == EVENTS_IN_ONE_BATCH
    assert f"batches of {ROWS_IN_ONE_BATCH:,} rows" in IMPORTS
