"""docs/contacts.md names everything that it is a reference of."""

import re
from pathlib import Path

import pytest

from contacts.bulk_actions import BULK_ACTIONS
from contacts.contact_data import KEPT_PROPERTIES
from contacts.fields import SYSTEM_FIELDS
from contacts.list_filters import LIST_FILTERS, ContactFilter
from contacts.models import ContactField

DOCUMENT = (Path(__file__).resolve().parent.parent.parent / "docs" / "contacts.md").read_text()

pytestmark = pytest.mark.once


def section(heading: str) -> str:
    found = re.search(rf"^#+ {heading}$(.*?)(?=^#|\Z)", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert found, heading
    return found[1]


def first_cells(text: str) -> set[str]:
    """The keys in the first column of a table."""
    rows = re.findall(r"^\| (.*?) \|", text, re.MULTILINE)
    return {key for row in rows for key in re.findall(r"`([^`]+)`", row)}


def test_fields() -> None:
    assert first_cells(section("Fields")) == {field.key for field in SYSTEM_FIELDS} | {"custom.<key>"}


def test_types_of_custom_fields() -> None:
    labels = re.findall(r"^\| ([A-Z].*?) \|", section("Custom fields"), re.MULTILINE)[1:]
    assert {label for row in labels for label in row.split(", ")} == set(map(str, ContactField.Type.labels))


def test_filters() -> None:
    cells = re.findall(r"^\| [^|]* \| (.*?) \|", section("The contact list"), re.MULTILINE)
    named = {key for cell in cells for key in re.findall(r"`(\w+)`", cell)}
    assert named == {*ContactFilter.base_filters, *(one.key for one in LIST_FILTERS)}


def test_bulk_actions() -> None:
    rows = re.findall(r"^\| ([A-Z].*?) \|", section("Doing something with many"), re.MULTILINE)[1:]
    assert {label for row in rows for label in row.split(", ")} == {str(action.label) for action in BULK_ACTIONS}


def test_properties_that_stay() -> None:
    named = section("Data protection").partition("The properties that stay are")[2].partition(", and only")[0]
    assert set(re.findall(r"`(\w+)`", named)) == KEPT_PROPERTIES
