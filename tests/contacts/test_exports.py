"""Exports: what is in the files, from which moment, and what becomes of them."""

from __future__ import annotations

import io
import json
import os
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import tablib
from django.core.files.storage import default_storage
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from contacts.events import NewEvent, record
from contacts.exports import columns, running, snapshot
from contacts.exports.formats import FORMATS
from contacts.exports.formats.spreadsheet import Xlsx
from contacts.exports.models import Export
from contacts.exports.snapshot import Snapshot
from contacts.exports.source import as_data
from contacts.exports.types import EXPORT_TYPES
from contacts.lists import subscribe
from contacts.models import Contact, ContactField, ContactList
from crm import jobs
from crm.models import Job, User
from segments.editing import create_segment, fill
from segments.membership import add, remove
from segments.models import Cause, Segment
from tests.contacts.exporting import content, exported, files, lines, started, write

pytestmark = pytest.mark.django_db(transaction=True)

COLUMNS = ("email", "date_of_birth", "created_at", "points", "custom.vip", "custom.sizes", "custom.budget", "lists")


@pytest.fixture(autouse=True)
def no_files(settings: Any, tmp_path: Path) -> None:
    """Every test has a folder of its own."""
    options = settings.STORAGES["default"]["OPTIONS"] | {"location": tmp_path}
    settings.STORAGES = settings.STORAGES | {"default": settings.STORAGES["default"] | {"OPTIONS": options}}


@pytest.fixture
def people(now: datetime) -> list[Contact]:
    """Two contacts with something of every kind, and one with nothing."""
    sizes = [{"value": value, "label": value.title()} for value in ("s|m", "l")]
    for key, kind in (("vip", "boolean"), ("sizes", "choices"), ("budget", "decimal"), ("note", "text")):
        options = sizes if kind == "choices" else []
        ContactField.objects.create(key=key, label=key.title(), type=kind, options=options)
    born, created = date(1850, 2, 28), datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC)
    custom = {"vip": True, "sizes": ["s|m", "l"], "budget": 12.5, "note": "=1+1"}
    contacts = [
        Contact(email="ana@example.com", date_of_birth=born, created_at=created, points=-3, custom=custom),
        Contact(email="bea@example.com", created_at=now, custom={"vip": False, "note": 'says "hi", ŝi\n'}),
        Contact(external_id="'=C3", created_at=now),
    ]
    Contact.objects.bulk_create(contacts)
    for name in ("News", "Fairs|Shows"):
        subscribe(ContactList.objects.create(name=name), Contact.objects.filter(email="ana@example.com"), now=now)
    return contacts


# Formats


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


@pytest.mark.parametrize("format", ["ods", "html"])
def test_formats_of_tablib(people: list[Contact], marketer: User, now: datetime, format: str) -> None:
    export = exported(user=marketer, now=now, columns=("email", "custom.note", "custom.sizes"), format=format)
    found = tablib.Dataset().load(content(export) if format == "ods" else content(export).decode(), format=format)
    assert found.headers == ["Email", "Note", "Sizes"]
    assert found[0] == ("ana@example.com", "=1+1", "s\\|m|l")
    assert found[1][0] == "bea@example.com"
    assert len(found) == 3


def test_small_formats_refuse_many_rows(
    people: list[Contact], marketer: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contacts.exports.formats.small.MOST_ROWS", 2)
    with pytest.raises(ValueError, match="ODS"):
        exported(user=marketer, now=now, columns=("email",), format="ods")
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


# Types


def test_whose_contacts(people: list[Contact], marketer: User, now: datetime) -> None:
    segment = create_segment(name="Some", kind=Segment.Kind.STATIC, now=now)
    add(segment, Contact.objects.filter(email="bea@example.com"), now=now, cause=Cause.HAND)
    news = ContactList.objects.get(name="News")
    for rows, emails, title in (
        ({"whose": ["segment"], "segment": [str(segment.pk)]}, ["bea@example.com"], "Contacts: Segment: Some"),
        ({"whose": ["list"], "list": [str(news.pk)]}, ["ana@example.com"], "Contacts: List: News"),
        ({"whose": ["filter"], "filter": ["q=BEA&sort=email"]}, ["bea@example.com"], "Contacts: “BEA”"),
    ):
        export = exported(user=marketer, now=now, rows=rows, columns=("email", "segments"))
        assert [row[0] for row in lines(export)[1:]] == emails
        assert export.title == title
    assert lines(exported(user=marketer, now=now, columns=("email", "segments")))[1:] == [
        ["ana@example.com", ""],
        ["bea@example.com", "Some"],
        ["", ""],
    ]


def test_events(people: list[Contact], marketer: User, now: datetime) -> None:
    ana, bea, _nobody = people
    day = timedelta(days=1)
    record(
        [
            NewEvent(
                "purchase", now - 9 * day, contact_id=ana.pk, value=Decimal("9.50"), key="A1", properties={"n": 2}
            ),
            NewEvent("purchase", now, contact_id=bea.pk, value=Decimal("1"), properties={"n": "=1", "gift": True}),
            NewEvent("page_visit", now, contact_id=ana.pk),
        ],
        now=now,
    )
    keys = ("email", "type", "occurred_at", "value", "key", "properties.n", "properties.gift", "properties")
    assert lines(exported("events", user=marketer, now=now, columns=keys)) == [
        list(keys),
        ["ana@example.com", "purchase", "2026-03-01T12:00:00+00:00", "9.5", "A1", "2", "", '{"n": 2}'],
        [
            "bea@example.com",
            "purchase",
            "2026-03-10T12:00:00+00:00",
            "1",
            "",
            "'=1",
            "true",
            '{"n": "=1", "gift": true}',
        ],
        ["ana@example.com", "page_visit", "2026-03-10T12:00:00+00:00", "", "", "", "", "{}"],
    ]
    rows = {"whose": ["filter"], "filter": ["q=ana"], "types": ["purchase"], "last": ["2026-03-01"]}
    export = exported("events", user=marketer, now=now, columns=("key",), rows=rows)
    assert lines(export) == [["key"], ["A1"]]
    assert export.title == "Events: “ana”, Purchased, to 1 Mar 2026"


def test_segments(people: list[Contact], marketer: User, now: datetime) -> None:
    rule = {"type": "field", "field": "email", "operator": "contains", "value": "ana"}
    definition = {"version": 1, "match": "all", "rules": [rule]}
    create_segment(name="Anas", kind=Segment.Kind.DYNAMIC, definition=definition, now=now, user=marketer)
    gone = {"version": 1, "match": "all", "rules": [{"type": "field", "field": "custom.gone", "operator": "is_set"}]}
    Segment.objects.create(name="Broken", kind=Segment.Kind.DYNAMIC, definition=gone)
    create_segment(name="Static", kind=Segment.Kind.STATIC, now=now)
    keys = ("name", "kind", "sentence", "definition", "created_by")
    rows = lines(exported("segments", user=marketer, now=now, rows={}, columns=keys))[1:]
    assert [row[0] for row in rows] == ["Anas", "Broken", "Static"]
    assert rows[0][:3] == ["Anas", "dynamic", "Contacts for whom Email contains ana."]
    assert (json.loads(rows[0][3]), rows[0][4]) == (definition, "marketer")
    assert rows[2] == ["Static", "static", "", "", ""]
    static = exported("segments", user=marketer, now=now, rows={"kind": ["static"]}, columns=("name",))
    assert lines(static) == [["Name"], ["Static"]]


def test_transitions(people: list[Contact], marketer: User, now: datetime) -> None:
    segment = create_segment(name="Some", kind=Segment.Kind.STATIC, now=now)
    ana = Contact.objects.filter(email="ana@example.com")
    add(segment, ana, now=now, cause=Cause.HAND, detail="Mara")
    remove(segment, ana, now=now + timedelta(days=2), cause=Cause.HAND, detail="Mara")
    rows = {"segment": [str(segment.pk)]}
    keys = ("at", "kind", "email", "reason")
    entered = ["2026-03-10T12:00:00+00:00", "entered", "ana@example.com", "Mara did it by hand"]
    left = ["2026-03-12T12:00:00+00:00", "left", "ana@example.com", "Mara did it by hand"]
    export = exported("transitions", user=marketer, now=now, rows=rows, columns=keys)
    assert lines(export)[1:] == [entered, left]
    assert export.title == "Transitions of a segment: Segment: Some"
    first = exported("transitions", user=marketer, now=now, rows=rows | {"last": ["2026-03-11"]}, columns=keys)
    assert lines(first)[1:] == [entered]


@pytest.mark.parametrize("contacts", [1, 3])
def test_lists_and_segments_cost_a_query_for_each_chunk(
    marketer: User, now: datetime, contacts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    Contact.objects.bulk_create(Contact(email=f"{number}@example.com") for number in range(contacts))
    segment = create_segment(name="All", kind=Segment.Kind.STATIC, now=now)
    add(segment, Contact.objects.all(), now=now, cause=Cause.HAND)
    asked: list[str] = []
    every = Snapshot.all
    monkeypatch.setattr(Snapshot, "all", lambda self, rows: asked.append(str(rows.query)) or every(self, rows))
    export = started(user=marketer, now=now, columns=("email", "lists", "segments"))
    with CaptureQueriesContext(connection) as queries:
        write(export, now=now)
    assert len(asked) == 2
    assert len([query for query in queries if query["sql"].startswith(("SELECT", "UPDATE"))]) == 16


# One moment


def test_what_is_written_meanwhile_is_not_seen(
    people: list[Contact], marketer: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another connection changes, adds and removes between two chunks."""
    monkeypatch.setattr(snapshot, "CHUNK", 1)
    monkeypatch.setattr(Snapshot.chunks, "__defaults__", (1,))
    news = ContactList.objects.get(name="News")
    real = Snapshot.chunks
    rows_read = 0

    def change_all() -> None:
        Contact.objects.update(first_name="Changed")
        Contact.objects.filter(external_id__isnull=False).delete()
        Contact.objects.create(email="late@example.com")
        subscribe(news, Contact.objects.all(), now=now)
        connection.close()

    def chunks(self: Snapshot, rows: Any, size: int = 1) -> Iterator[Any]:
        nonlocal rows_read
        for chunk in real(self, rows, 1):
            rows_read += 1
            if rows_read == 1:
                writer = threading.Thread(target=change_all)
                writer.start()
                writer.join()
            yield chunk

    monkeypatch.setattr(Snapshot, "chunks", chunks)
    export = exported(user=marketer, now=now, columns=("email", "external_id", "first_name", "lists"))
    assert lines(export)[1:] == [
        ["ana@example.com", "", "", "Fairs\\|Shows|News"],
        ["bea@example.com", "", "", ""],
        ["", "''=C3", "", ""],
    ]
    assert Contact.objects.filter(first_name="Changed").count() == 2


def test_nobody_can_write_through_a_snapshot(people: list[Contact]) -> None:
    with snapshot.snapshot() as taken, taken._connection.cursor() as cursor, pytest.raises(DatabaseError):
        cursor.execute("DELETE FROM contacts_contact")
    assert Contact.objects.count() == 3


# What becomes of a file


def test_a_cancelled_export_leaves_nothing(people: list[Contact], marketer: User, now: datetime) -> None:
    export = started(user=marketer, now=now)
    job = Job.objects.get()
    Job.objects.update(cancel_requested_at=now, state=Job.State.RUNNING)
    with pytest.raises(jobs.Cancelled):
        running.export_job(job, now=now)
    jobs.finish(job, Job.State.CANCELLED, now=now)
    export.refresh_from_db()
    assert (export.state, files()) == (Export.State.CANCELLED, set())


def test_a_worker_that_seemed_dead_does_not_overwrite(people: list[Contact], marketer: User, now: datetime) -> None:
    export = started(user=marketer, now=now)
    job = Job.objects.get()
    whole = write(export, now=now)
    Export.objects.update(finished_at=None)
    Job.objects.update(claim="6f1c2a52-0000-4000-8000-000000000000")
    before = content(whole)
    Contact.objects.update(first_name="Changed")
    with pytest.raises(jobs.Lost):
        running.export_job(job, now=now)
    assert content(whole) == before
    assert files() == {whole.key.hex}


def test_an_export_is_done_once(people: list[Contact], marketer: User, now: datetime) -> None:
    export = exported(user=marketer, now=now)
    Contact.objects.all().delete()
    running.export_job(Job.objects.get(), now=now + timedelta(days=1))
    assert len(lines(export)) == 4


@pytest.mark.parametrize("what", ["segment", "columns", "permission", "user"])
def test_what_is_gone_when_it_is_written(
    people: list[Contact], marketer: User, now: datetime, what: str, administrator: User
) -> None:
    segment = create_segment(name="Some", kind=Segment.Kind.STATIC, now=now)
    rows = {"whose": ["segment"], "segment": [str(segment.pk)]}
    export = started(user=marketer, now=now, rows=rows, columns=("custom.vip",))
    match what:
        case "segment":
            Segment.objects.update(deleted_at=now)
        case "columns":
            ContactField.objects.all().delete()
        case "permission":
            marketer.groups.clear()
        case "user":
            marketer.delete()
    with pytest.raises(running.NotExportable):
        write(export, now=now)
    assert files() == set()


def test_old_files_are_removed_and_their_records_stay(people: list[Contact], marketer: User, now: datetime) -> None:
    old, young = exported(user=marketer, now=now), exported(user=marketer, now=now + timedelta(days=1))
    later = now + timedelta(days=7)
    draft = Export.objects.create(type="contacts", user=marketer, created_at=later - timedelta(days=3))
    left = Path(default_storage.path("exports")) / f"{young.key.hex}.part-1"
    fresh = left.with_name(f"{young.key.hex}.part-2")
    for path, age in ((left, timedelta(days=2)), (fresh, timedelta(hours=1))):
        path.write_text("half")
        written = (later - age).timestamp()
        os.utime(path, (written, written))
    assert running.remove_old(now=later) == 1
    assert files() == {young.key.hex, fresh.name}
    old.refresh_from_db()
    assert (old.state, old.removed_at, old.rows) == (Export.State.REMOVED, later, 3)
    assert not Export.objects.filter(pk=draft.pk).exists()
    assert running.remove_old(now=later) == 0


def test_the_file_is_nobody_elses(people: list[Contact], marketer: User, now: datetime) -> None:
    export = exported(user=marketer, now=now)
    path = Path(default_storage.path(export.file))
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_filter_that_cannot_be_read_exports_nobody(marketer: User, viewer: User, now: datetime) -> None:
    for query in ("country=XX", "segment=99", "colour=red", "created_from=yesterday"):
        form = EXPORT_TYPES["contacts"].rows_form(as_data({"whose": ["filter"], "filter": [query]}), user=marketer)
        assert not form.is_valid(), query


def test_a_dynamic_segment_is_exported_as_its_members_are(people: list[Contact], marketer: User, now: datetime) -> None:
    rule = {"type": "field", "field": "custom.vip", "operator": "is_true"}
    definition = {"version": 1, "match": "all", "rules": [rule]}
    segment = create_segment(name="VIP", kind=Segment.Kind.DYNAMIC, definition=definition, now=now)
    fill(segment, now=now)
    rows = {"whose": ["segment"], "segment": [str(segment.pk)]}
    assert lines(exported(user=marketer, now=now, rows=rows, columns=("email",)))[1:] == [["ana@example.com"]]
