"""docs/exports.md names every type and every format."""

import re
from pathlib import Path

import pytest

from contacts.exports.formats import FORMATS
from contacts.exports.types import EXPORT_TYPES

DOCUMENT = (Path(__file__).resolve().parent.parent.parent / "docs" / "exports.md").read_text()

pytestmark = pytest.mark.once


def test_types_and_formats() -> None:
    cells = re.findall(r"^\| (`.*?) \|", DOCUMENT, re.MULTILINE)
    named = {key for cell in cells for key in re.findall(r"`(\w+)`", cell)}
    assert named == {*EXPORT_TYPES.keys(), *FORMATS.keys()}
