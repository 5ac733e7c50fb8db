"""Exports: which rows are in the files, from which moment, and what becomes of them."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from contacts.events import NewEvent, record
from contacts.exports import running, snapshot
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

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_files")]


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
