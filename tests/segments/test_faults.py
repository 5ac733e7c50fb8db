"""Workers that are killed, and several at once: nothing is lost, nothing happens twice, and nobody is turned away."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Thread
from typing import Any

import pytest
from django.db import connection, connections

from contacts.editing import update_contact
from contacts.models import Change, Contact
from segments.models import RefreshRun, Segment
from segments.refresh import apply_changes, audit, refresh_due, refresh_segment
from tests.segments.comparing import matched, members, new_segment
from tests.segments.processes import eventually, stopping_at
from tests.segments.records import assert_records_agree

pytestmark = pytest.mark.django_db(transaction=True)

LUGO = {"version": 1, "match": "all", "rules": [{"type": "field", "field": "city", "operator": "is", "value": "Lugo"}]}
FULL = RefreshRun.Kind.FULL


@pytest.fixture(autouse=True)
def _no_changes_of_others():
    """On SQLite, emptying the tables after a test with real transactions leaves changes."""
    Change.objects.all().delete()


def many(count: int = 40, city: str = "Lugo") -> None:
    Contact.objects.bulk_create(Contact(city=city) for _number in range(count))


@contextmanager
def beside(work: Callable[[], Any]) -> Iterator[list[Any]]:
    """Do something in a thread with a connection of its own; gives its result, when it is there, in a list."""
    results: list[Any] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            results.append(work())
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    thread = Thread(target=run)
    thread.start()
    try:
        yield results
    finally:
        thread.join()
    assert errors == []


def everything_is_right(segment: Segment, *, now: datetime) -> None:
    segment.refresh_from_db()
    assert segment.state == Segment.State.READY, segment.error
    assert members(segment) == matched(LUGO, now=now)
    assert not Change.objects.exists()
    assert_records_agree()
    assert [run.differences for run in audit(now=now)] == [0] * Segment.objects.count()


@pytest.mark.parametrize("place", ["evaluation", "write"])
def test_a_worker_is_killed_during_a_full_refresh(place: str, now: datetime):
    many()
    apply_changes(now=now)
    segment = new_segment(LUGO)
    with stopping_at(place) as here:
        here.worker("refresh", segment, now=now).is_killed()
        here.is_gone()
    segment.refresh_from_db()
    assert (segment.state, members(segment)) == (Segment.State.REFRESHING, set())
    assert not RefreshRun.objects.filter(kind=FULL).exists()
    update_contact(Contact.objects.earliest("pk"), {"city": "Madrid"}, now=now)
    assert refresh_due(now=now) == 1, "its process is gone"
    everything_is_right(segment, now=now)
    assert RefreshRun.objects.filter(kind=FULL).count() == 1


@pytest.mark.parametrize("place", ["evaluation", "write"])
def test_a_worker_is_killed_while_it_applies_changes(place: str, now: datetime):
    segment = new_segment(LUGO)
    refresh_segment(segment, now=now)
    many()
    with stopping_at(place) as here:
        here.worker("changes", now=now).is_killed()
        here.is_gone()
    assert Change.objects.count() == 40
    assert members(segment) == set()
    assert apply_changes(now=now) == 40
    everything_is_right(segment, now=now)
    assert apply_changes(now=now) == 0


def test_two_workers_refresh_the_same_segment(now: datetime):
    many()
    apply_changes(now=now)
    segment = new_segment(LUGO)
    with stopping_at("evaluation") as here:
        workers = [here.worker("refresh", segment, now=now) for _number in range(2)]
        here.is_left()
        for worker in workers:
            worker.is_done()
    everything_is_right(segment, now=now)
    assert RefreshRun.objects.filter(kind=FULL).count() == 1, "the older one dropped its work"


def test_two_workers_apply_changes_at_once(now: datetime):
    segment = new_segment(LUGO)
    refresh_segment(segment, now=now)
    many()
    with stopping_at("write") as here:
        first = here.worker("changes", now=now)
        with beside(lambda: apply_changes(now=now)) as taken:
            time.sleep(0.5)
            assert not taken, "it waits for the first"
            here.is_left()
            first.is_done()
    assert taken == [0]
    everything_is_right(segment, now=now)
    assert RefreshRun.objects.filter(kind=RefreshRun.Kind.CHANGES).count() == 1


def test_a_page_edits_contacts_during_a_full_refresh(now: datetime):
    """The page does not wait, and what it changed is applied when the refresh is done."""
    many()
    many(5, "Madrid")
    apply_changes(now=now)
    segment = new_segment(LUGO)
    first, last = Contact.objects.earliest("pk"), Contact.objects.latest("pk")
    with stopping_at("evaluation") as here:
        worker = here.worker("refresh", segment, now=now)
        started = time.monotonic()
        update_contact(first, {"city": "Madrid"}, now=now)
        update_contact(last, {"city": "Lugo"}, now=now)
        assert time.monotonic() - started < 10, "the page waited for the refresh"
        assert set(Change.objects.values_list("contact_id", "key")) == {
            (first.pk, f"evaluate:{segment.pk}"),
            (last.pk, f"evaluate:{segment.pk}"),
        }
        here.is_left()
        worker.is_done()
    everything_is_right(segment, now=now)
    assert first.pk not in members(segment)
    assert last.pk in members(segment)


def test_an_audit_finds_nothing_wrong_in_what_changes_meanwhile(now: datetime):
    many(10)
    segment = new_segment(LUGO)
    refresh_segment(segment, now=now)
    later = now + timedelta(seconds=1)
    first = Contact.objects.earliest("pk")
    with stopping_at("evaluation") as here:
        worker = here.worker("audit", now=now)
        update_contact(first, {"city": "Madrid"}, now=later)
        assert first.pk not in members(segment)
        here.is_left()
        worker.is_done()
    everything_is_right(segment, now=later)
    assert set(RefreshRun.objects.filter(kind=RefreshRun.Kind.AUDIT).values_list("differences", "error")) == {(0, "")}


def test_pages_write_while_segments_over_many_contacts_are_refreshed(now: datetime):
    """On SQLite there is one writer at a time: a refresh must not make the others fail, nor wait for long."""
    many(10_000)
    apply_changes(now=now)
    segments = [new_segment(LUGO) for _number in range(4)]
    edits, longest = 0, 0.0
    ids = list(Contact.objects.order_by("pk").values_list("pk", flat=True)[:200])
    with beside(lambda: refresh_due(now=now)) as refreshed:
        while not (refreshed and edits):
            started = time.monotonic()
            contact = Contact.objects.get(pk=ids[edits % len(ids)])
            update_contact(contact, {"city": "Madrid" if contact.city == "Lugo" else "Lugo"}, now=now)
            longest = max(longest, time.monotonic() - started)
            edits += 1
    assert refreshed == [4]
    assert edits > 1
    assert longest < 15, "a page waited too long"
    apply_changes(now=now)
    refresh_due(now=now)
    for segment in segments:
        everything_is_right(segment, now=now)


def test_a_page_is_not_turned_away_by_a_long_write_of_others(now: datetime):
    """On PostgreSQL it does not even wait: bringing segments up to date is then left to the worker."""
    segment = new_segment(LUGO)
    refresh_segment(segment, now=now)
    many()
    first = Contact.objects.earliest("pk")
    with stopping_at("write") as here:
        worker = here.worker("changes", now=now)
        with beside(lambda: update_contact(first, {"city": "Madrid"}, now=now)) as saved:
            if connection.vendor == "postgresql":
                eventually(lambda: saved, "the page comes back")
                assert Change.objects.filter(contact_id=first.pk, key="field:city").exists()
            here.is_left()
            worker.is_done()
    assert [contact.city for contact in saved] == ["Madrid"]
    apply_changes(now=now)
    everything_is_right(segment, now=now)
