"""Exports: what the files of each format hold, to the letter."""

from __future__ import annotations

import io
import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import tablib
from openpyxl import load_workbook

from contacts.events import NewEvent, record
from contacts.exports import columns
from contacts.exports.formats import FORMATS
from contacts.exports.formats.spreadsheet import Xlsx
from contacts.exports.models import Export
from contacts.exports.types import EXPORT_TYPES
from contacts.models import Contact, ContactField
from crm.models import User
from segments.editing import create_segment
from segments.membership import add
from segments.models import Cause, Segment
from tests.contacts.exporting import content, exported, files, lines

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_files")]

COLUMNS = ("email", "date_of_birth", "created_at", "points", "custom.vip", "custom.sizes", "custom.budget", "lists")


def test_csv(people: list[Contact], marketer: User, now: datetime, settings: Any) -> None:
    export = exported(user=marketer, now=now, columns=COLUMNS)
    assert (
        content(export)
        == (
            "\ufeffEmail,Date of birth,Created,Points,Vip,Sizes,Budget,Lists\r\n"
            "ana@example.com,1850-02-28,2026-03-29T01:30:00.123456+00:00,-3,true,s\\|m|l,12.5,Fairs\\|Shows|News\r\n"
            "bea@example.com,,2026-03-10T12:00:00+00:00,0,false,,,\r\n"
            ",,2026-03-10T12:00:00+00:00,0,,,,\r\n"
        ).encode()
    )
    assert (export.rows, export.size, export.note, export.moment) == (3, len(content(export)), "", now)
    assert export.expires_at == now + timedelta(days=7)
    assert (export.title, export.state) == ("Contacts", Export.State.READY)


@pytest.mark.parametrize(
    ("dates", "day", "moment"),
    [
        ("iso", "1850-02-28", "2026-03-29T03:30:00.123456+02:00"),
        ("dmy", "28/02/1850", "29/03/2026 03:30:00"),
        ("mdy", "02/28/1850", "03/29/2026 03:30:00"),
        ("dots", "28.02.1850", "29.03.2026 03:30:00"),
    ],
)
def test_dates_of_csv(
    people: list[Contact], marketer: User, now: datetime, settings: Any, dates: str, day: str, moment: str
) -> None:
    settings.TIME_ZONE = "Europe/Madrid"
    export = exported(user=marketer, now=now, columns=("date_of_birth", "created_at"), dates=dates)
    assert lines(export)[1] == [day, moment]


def test_delimiters_and_encodings_of_csv(people: list[Contact], marketer: User, now: datetime) -> None:
    chosen = {"user": marketer, "now": now, "columns": ("custom.note", "custom.sizes")}
    expected = [["Note", "Sizes"], ["'=1+1", "s\\|m|l"], ['says "hi", ŝi\n', ""], ["", ""]]
    assert lines(exported(**chosen, delimiter="semicolon"), delimiter=";") == expected
    assert lines(exported(**chosen, delimiter="bar", encoding="utf-8"), "utf-8", "|") == expected
    utf16 = exported(**chosen, delimiter="tab", encoding="utf-16")
    assert content(utf16)[:2] == b"\xff\xfe"
    assert lines(utf16, "utf-16", "\t") == expected


def test_letters_that_an_encoding_lacks_are_told(people: list[Contact], marketer: User, now: datetime) -> None:
    export = exported(user=marketer, now=now, columns=("custom.note",), encoding="cp1252")
    assert lines(export, "cp1252")[2] == ['says "hi", ?i\n']
    assert export.note == "1 character that the encoding does not have became a question mark."


def test_formulas_stay_if_somebody_wants_that(people: list[Contact], marketer: User, now: datetime) -> None:
    columns = ("custom.note", "external_id")
    guarded = lines(exported(user=marketer, now=now, columns=columns))
    assert [guarded[1][0], guarded[3][1]] == ["'=1+1", "''=C3"]
    plain = lines(exported(user=marketer, now=now, columns=columns, harmless=""))
    assert [plain[1][0], plain[3][1]] == ["=1+1", "'=C3"]


def test_json_lines(people: list[Contact], marketer: User, now: datetime) -> None:
    export = exported(user=marketer, now=now, columns=COLUMNS, format="jsonl")
    rows = [json.loads(line) for line in content(export).decode().splitlines()]
    assert rows == [
        {
            "email": "ana@example.com",
            "date_of_birth": "1850-02-28",
            "created_at": "2026-03-29T01:30:00.123456+00:00",
            "points": -3,
            "custom.vip": True,
            "custom.sizes": ["s|m", "l"],
            "custom.budget": 12.5,
            "lists": ["Fairs|Shows", "News"],
        },
        dict.fromkeys(COLUMNS)
        | {"email": "bea@example.com", "created_at": "2026-03-10T12:00:00+00:00", "points": 0, "custom.vip": False},
        dict.fromkeys(COLUMNS) | {"created_at": "2026-03-10T12:00:00+00:00", "points": 0},
    ]


def test_xlsx(people: list[Contact], marketer: User, now: datetime) -> None:
    Contact.objects.filter(email="bea@example.com").update(
        date_of_birth=date(1990, 1, 2), first_name="<&>\r_x0041_", last_name="=1+1"
    )
    columns = (*COLUMNS, "first_name", "last_name")
    sheet = load_workbook(io.BytesIO(content(exported(user=marketer, now=now, columns=columns, format="xlsx"))))
    head, ana, bea, nobody = sheet["Export"].iter_rows(values_only=True)
    names = "Email,Date of birth,Created,Points,Vip,Sizes,Budget,Lists,First name,Last name"
    assert head == tuple(names.split(","))
    assert ana[:6] == ("ana@example.com", "1850-02-28", "2026-03-29T01:30:00.123456+00:00", -3, True, "s\\|m|l")
    assert ana[6:] == (12.5, "Fairs\\|Shows|News", None, None)
    assert bea[1] == datetime(1990, 1, 2)  # noqa: DTZ001 (spreadsheets know no time zones)
    assert bea[4:] == (False, None, None, None, "<&>\r_x005F_x0041_", "=1+1")
    assert {cell.data_type for row in sheet["Export"].iter_rows() for cell in row} == {"s", "n", "b", "d"}
    assert nobody[0] is None


def test_moments_of_the_spreadsheet(people: list[Contact], marketer: User, now: datetime, settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Madrid"
    chosen = {"columns": ("created_at",), "format": "xlsx", "moments": "spreadsheet"}
    book = load_workbook(io.BytesIO(content(exported(user=marketer, now=now, **chosen))))
    assert book["Export"]["A2"].value == datetime(2026, 3, 29, 3, 30)  # noqa: DTZ001 (as above)


def test_more_rows_than_a_sheet_holds(
    people: list[Contact], marketer: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contacts.exports.formats.spreadsheet.ROWS_OF_A_SHEET", 2)
    book = load_workbook(io.BytesIO(content(exported(user=marketer, now=now, columns=("id",), format="xlsx"))))
    ids = [contact.pk for contact in people]
    assert [list(sheet.iter_rows(values_only=True)) for sheet in book] == [
        [("Contact id",), (ids[0],), (ids[1],)],
        [("Contact id",), (ids[2],)],
    ]


def test_a_text_longer_than_a_cell_is_cut_and_told(marketer: User, now: datetime) -> None:
    column = columns.Column(columns.Property("note", "Note", ""), "Note")
    file = io.BytesIO()
    note = Xlsx().write(file, [column], iter([[["x" * 40_000, "y"]]]), {"moments": "exact"})
    assert note == "1 text was cut after 32,767 characters, which is what a cell holds."
    sheet = load_workbook(file)["Export"]
    assert [len(sheet["A2"].value), sheet["A3"].value] == [32_767, "y"]


def test_html(people: list[Contact], marketer: User, now: datetime) -> None:
    export = exported(user=marketer, now=now, columns=("email", "custom.note", "custom.sizes"), format="html")
    found = tablib.Dataset().load(content(export).decode(), format="html")
    assert found.headers == ["Email", "Note", "Sizes"]
    assert found[0] == ("ana@example.com", "=1+1", "s\\|m|l")
    assert found[1][0] == "bea@example.com"
    assert len(found) == 3


def test_html_refuses_many_rows(
    people: list[Contact], marketer: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contacts.exports.formats.html.MOST_ROWS", 2)
    with pytest.raises(ValueError, match="HTML"):
        exported(user=marketer, now=now, columns=("email",), format="html")
    assert files() == set()


def test_columns_of_the_same_name_are_told_apart_by_their_keys(
    people: list[Contact], marketer: User, now: datetime
) -> None:
    ContactField.objects.create(key="mail", label="EMAIL", type="email")
    head = lines(exported(user=marketer, now=now, columns=("email", "custom.mail", "points")))[0]
    assert head == ["email", "custom.mail", "Points"]


def test_every_property_in_every_format(people: list[Contact], marketer: User, now: datetime) -> None:
    """Nothing has a kind that a format cannot write."""
    record([NewEvent("purchase", now, contact_id=people[0].pk, value=Decimal(3), properties={"items": [1]})], now=now)
    segment = create_segment(name="All", kind=Segment.Kind.STATIC, now=now)
    add(segment, Contact.objects.all(), now=now, cause=Cause.HAND)
    rows: dict[str, dict[str, list[str]]] = {"segments": {}, "transitions": {"segment": [str(segment.pk)]}}
    for kind in EXPORT_TYPES:
        keys = [one.key for one in kind.properties()]
        for format in FORMATS:
            export = exported(
                kind.key, user=marketer, now=now, columns=keys, rows=rows.get(kind.key), format=format.key
            )
            assert export.rows == {"contacts": 3, "events": 1, "segments": 1, "transitions": 3}[kind.key]
            assert export.columns == keys
