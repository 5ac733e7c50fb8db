"""Tables that people open in a spreadsheet."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.utils.translation import gettext_lazy

from crm.csv_files import as_cell, as_text, csv_response


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+34612", "'+34612"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("'=1", "''=1"),
        ("''-1", "'''-1"),
        ("'tis", "'tis"),
        ("'", "'"),
        ("a=1", "a=1"),
        ("", ""),
        (None, ""),
        (-3, -3),
        (-1.5, -1.5),
        (Decimal("-2.50"), Decimal("-2.50")),
        (date(2026, 3, 10), date(2026, 3, 10)),
        (gettext_lazy("=Contacts"), "'=Contacts"),
    ],
)
def test_no_cell_is_a_formula(value: Any, cell: Any):
    assert as_cell(value) == cell


@pytest.mark.parametrize("text", ["=1", "'=1", "''=1", "+34612", "-", "@a", "'tis", "''", "a'=1", "", "'a=1"])
def test_a_cell_gives_its_text_back(text: str):
    assert as_text(as_cell(text)) == text


@pytest.mark.parametrize(("cell", "text"), [("'+34612", "+34612"), ("+34612", "+34612"), ("'tis", "'tis")])
def test_cells_of_other_programs(cell: str, text: str):
    assert as_text(cell) == text


def test_a_table_as_a_file():
    response = csv_response("spain-size", ["Day", "=Size"], [[date(2026, 3, 10), 5], ["Peña, Ana", None]])
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"] == 'attachment; filename="spain-size.csv"'
    assert response.content.decode() == '\ufeffDay,\'=Size\r\n2026-03-10,5\r\n"Peña, Ana",\r\n'
