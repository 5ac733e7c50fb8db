"""Every file of the table in docs/imports-files.md gives exactly what stands there, whichever way it comes in."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import pytest

from contacts.imports.dates import ORDERS
from contacts.imports.sources import FORMATS, Row, UnreadableFile, detect, open_table
from contacts.imports.sources.table import LONGEST_CELL, LONGEST_RECORD, MOST_COLUMNS
from tests.contacts.hostile import CASES, GROUPS, Case

DOCUMENT = Path(__file__).resolve().parent.parent.parent / "docs" / "imports-files.md"

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)


def read(case: Case) -> tuple[list[str], list[Row], str]:
    """The columns, the rows, and why reading ended in the middle."""
    file = BytesIO(case.data)
    table = open_table(file, detect(file, case.name))
    rows: list[Row] = []
    try:
        rows.extend(table.rows())
    except UnreadableFile as reason:
        return table.columns, rows, str(reason)
    return table.columns, rows, ""


@each_case
def test_what_is_read(case):
    if case.refusal:
        with pytest.raises(UnreadableFile) as error:
            read(case)
        assert str(error.value) == case.refusal
        return
    columns, rows, damaged = read(case)
    assert damaged == case.damaged
    assert case.columns in (columns, None)
    assert {row.line: row.problem for row in rows if row.problem} == case.problems
    good = [row.cells for row in rows if not row.problem]
    assert good == case.rows if isinstance(case.rows, list) else len(good) == case.rows
    assert all(len(cells) == len(columns) for cells in good)


def test_there_are_many_and_no_two_are_called_alike():
    assert len(CASES) >= 60
    assert len({case.title for case in CASES}) == len(CASES)


def test_the_documentation_names_every_format():
    shown = DOCUMENT.read_text("utf-8")
    for kind in FORMATS:
        extensions = " ".join(f"`.{extension}`" for extension in kind.extensions)
        assert f"| {kind.label} | {extensions}" in shown
    for order, example in ORDERS.items():
        assert re.search(rf"^\| `{order}` \|.*`{example}`", shown, re.MULTILINE)
    for limit in (MOST_COLUMNS, LONGEST_CELL, LONGEST_RECORD):
        assert f"| {limit:,}" in shown


def test_the_documentation_shows_them_all():
    shown = DOCUMENT.read_text("utf-8")
    for heading, cases in GROUPS.items():
        assert table_of(heading, cases) in shown, f"The table “{heading}” must be:\n\n{table_of(heading, cases)}"


def table_of(heading: str, cases: list[Case]) -> str:
    lines = [f"| {cell(case.title)} | {cell(case.gives)} |" for case in cases]
    return "\n".join([f"### {heading}", "", "| File | What it gives |", "|---|---|", *lines, ""])


def cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
