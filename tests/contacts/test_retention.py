"""Removing old events: what goes, what stays, where it goes on, and what the keys that went with them mean."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from threading import Thread

import pytest
from django.db import connections
from django.test import override_settings

from contacts import retention, rolling_off
from contacts.changes import READERS, Reader
from contacts.deletion import delete_contacts
from contacts.events import NewEvent, Outcome, record
from contacts.models import Change, Contact, Event, EventRemoval
from contacts.retention import ALWAYS_KEPT, events_before, removal_job, remove_events
from crm import jobs
from crm.models import Job

DAY = timedelta(days=1)


@pytest.fixture
def ana(db) -> Contact:
    return Contact.objects.create(external_id="A1")


@pytest.fixture
def small_chunks(monkeypatch) -> None:
    monkeypatch.setattr(rolling_off, "CHUNK", 3)
    monkeypatch.setattr(rolling_off, "PAUSE", 0)


@pytest.fixture
def before(now: datetime) -> datetime:
    return now - 365 * DAY


def did(contact: Contact, kind: str, *moments: datetime, now: datetime, value: str | None = None) -> None:
    amount = Decimal(value) if value else None
    record([NewEvent(kind, at, contact_id=contact.pk, value=amount) for at in moments], now=now)


def kept() -> list[tuple[str, datetime]]:
    return list(Event.objects.order_by("type", "occurred_at").values_list("type", "occurred_at"))


def test_events_are_counted_by_type(ana, now, before, django_assert_num_queries):
    assert events_before(before) == {}
    did(ana, "page_visit", before - DAY, before - timedelta(microseconds=1), before, now=now)
    did(ana, "purchase", before - DAY, now=now)
    did(ana, "store_visit", now, now=now)
    with django_assert_num_queries(2):
        assert events_before(before) == {"page_visit": 2, "purchase": 1}


def test_what_is_older_goes_and_the_rest_stays(ana, now, before, small_chunks):
    did(ana, "page_visit", *(before - DAY * days for days in range(8)), now, now=now)
    did(ana, "purchase", *[before - DAY] * 7, before + DAY, now=now)
    reported: list[tuple[int, int, str]] = []
    assert remove_events(before, now=now, report=lambda *told: reported.append(told)) == 14
    assert kept() == [("page_visit", before), ("page_visit", now), ("purchase", before + DAY)]
    assert [(done, total) for done, total, _message in reported] == [(n, 14) for n in (3, 6, 7, 10, 13, 14)]
    assert reported[-1][2] == "14 events removed"
    removal = EventRemoval.objects.get()
    assert (removal.before, removal.begun_at, removal.removed) == (before, now, 14)


def test_exactly_a_chunk(ana, now, before, small_chunks):
    did(ana, "page_visit", *[before - DAY] * 3, now=now)
    assert remove_events(before, now=now) == 3
    assert not Event.objects.exists()


def test_what_contacts_carry_of_their_events_stays(ana, now, before):
    did(ana, "purchase", before - DAY, now - DAY, now=now, value="10")
    ana.refresh_from_db()
    figures = {name: value for name, value in vars(ana).items() if name != "_state"}
    remove_events(before, now=now)
    ana.refresh_from_db()
    assert {name: value for name, value in vars(ana).items() if name != "_state"} == figures
    assert (ana.purchases_count, ana.first_purchase_at, ana.first_seen_at) == (2, before - DAY, before - DAY)


def test_readers_of_the_change_log_catch_up_after_each_chunk(ana, now, before, small_chunks, monkeypatch):
    did(ana, "purchase", *[before - DAY] * 5, now, now=now)
    Change.objects.all().delete()
    heard: list[list[str]] = []

    def take_all(now: datetime) -> None:
        heard.append(list(Change.objects.filter(contact_id=ana.pk).values_list("key", flat=True)))
        Change.objects.all().delete()

    monkeypatch.setattr(READERS, "_members", {"test": Reader("test", lambda now: None, take_all, take_all)})
    remove_events(before, now=now)
    assert heard == [["event:purchase"] * 3, ["event:purchase"] * 2]


def test_nothing_that_old_leaves_no_record(ana, now, before):
    did(ana, "page_visit", now, now=now)
    assert remove_events(before, now=now) == 0
    assert not EventRemoval.objects.exists()


def test_the_last_four_weeks_always_stay(ana, now):
    did(ana, "page_visit", now - ALWAYS_KEPT - DAY, now=now)
    with pytest.raises(ValueError, match="are kept"):
        remove_events(now - ALWAYS_KEPT + timedelta(seconds=1), now=now)
    assert remove_events(now - ALWAYS_KEPT, now=now) == 1


@pytest.mark.django_db(transaction=True)
def test_what_is_interrupted_goes_on_where_it_stopped(now, before, small_chunks):
    ana = Contact.objects.create(external_id="A1")
    did(ana, "page_visit", *(before - DAY * days for days in range(1, 9)), now=now)

    class Stopped(Exception):
        pass

    def stop(done: int, total: int, message: str) -> None:
        if done == 6:
            raise Stopped

    with suppress(Stopped):
        remove_events(before, now=now, report=stop)
    assert kept() == [("page_visit", before - 2 * DAY), ("page_visit", before - DAY)]
    assert remove_events(before, now=now) == 2
    assert kept() == []
    assert list(EventRemoval.objects.order_by("pk").values_list("removed", flat=True)) == [6, 2]


@pytest.mark.django_db(transaction=True)
def test_nobody_is_kept_from_deleting_a_contact_and_nobody_waits_in_a_circle(now, before):
    """One thread removes the old events while another one deletes contacts who did some of them."""
    people = Contact.objects.bulk_create([Contact(external_id=f"c{number}") for number in range(40)])
    moments = [before - DAY * days for days in range(1, 30)]
    record([NewEvent("page_visit", at, contact_id=person.pk) for person in people for at in moments], now=now)
    failures: list[BaseException] = []

    def remove() -> None:
        remove_events(before, now=now)

    def delete() -> None:
        for person in reversed(people[::2]):
            delete_contacts(Contact.objects.filter(pk=person.pk), now=now)

    def work(function: Callable[[], None]) -> None:
        try:
            function()
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [Thread(target=work, args=[function]) for function in (remove, delete)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert Contact.objects.count() == 20
    assert remove_events(before, now=now) == 0
    assert kept() == []


# Keys


def keyed(key: str, at: datetime) -> NewEvent:
    return NewEvent("purchase", at, external_id="A1", value=5, key=key)


def test_a_key_that_went_with_its_event_is_not_taken_again(ana, now, before):
    record([keyed("o-1", before - DAY), keyed("o-2", before)], now=now)
    remove_events(before, now=now)
    gone, young, there, keyless = record(
        [
            keyed("o-1", before - DAY),
            keyed("o-3", before),
            keyed("o-2", before),
            NewEvent("purchase", before - DAY, external_id="A1", value=5),
        ],
        now=now,
    )
    assert (gone.outcome, young.outcome) == (Outcome.REFUSED, Outcome.RECORDED)
    assert (there.outcome, keyless.outcome) == (Outcome.DUPLICATE, Outcome.RECORDED)
    assert gone.reason == (
        "Events from before 10 Mar 2025, 12:00 were removed, so that nobody knows whether this key was used."
    )
    ana.refresh_from_db()
    assert ana.purchases_count == 4


@override_settings(TIME_ZONE="Asia/Kolkata")
def test_the_reason_tells_the_account_s_time(ana, now, before):
    did(ana, "purchase", before - DAY, now=now)
    remove_events(before, now=now)
    [refused] = record([keyed("o-1", before - DAY)], now=now)
    assert "10 Mar 2025, 17:30" in refused.reason


def test_the_furthest_removal_counts(ana, now, before):
    did(ana, "purchase", before - DAY, before - 9 * DAY, now=now)
    remove_events(before, now=now)
    did(ana, "purchase", before - 9 * DAY, now=now)
    remove_events(before - 8 * DAY, now=now)
    [result] = record([keyed("o-1", before - DAY)], now=now)
    assert result.outcome == Outcome.REFUSED


@pytest.mark.parametrize(("age", "refused"), [(ALWAYS_KEPT, False), (ALWAYS_KEPT + DAY, True)])
def test_an_event_as_young_as_what_always_stays_is_taken(ana, now, age, refused):
    did(ana, "purchase", now - ALWAYS_KEPT - 3 * DAY, now=now)
    remove_events(now - ALWAYS_KEPT, now=now)
    [result] = record([keyed("o-1", now - age)], now=now)
    assert (result.outcome == Outcome.REFUSED) is refused


# The job


@pytest.fixture
def start_job(now: datetime, before: datetime) -> Callable[..., Job]:
    def start(*ledgers: str) -> Job:
        params = {"before": before.isoformat(), "ledgers": list(ledgers)}
        return jobs.start(retention.JOB, title="Remove", params=params, now=now)

    return start


def test_the_job_removes_and_says_how_much(ana, now, before, start_job):
    did(ana, "page_visit", before - DAY, now, now=now)
    job = start_job()
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done, job.total, job.message) == (Job.State.DONE, 1, 1, "1 record removed")
    assert kept() == [("page_visit", now)]


def test_a_long_job_is_done_in_stretches(ana, now, before, start_job, small_chunks, monkeypatch):
    did(ana, "page_visit", *[before - DAY] * 5, now=now)
    monkeypatch.setattr(retention, "STRETCH", -1)
    job = start_job()
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done, job.total, job.message) == (Job.State.QUEUED, 3, 5, "3 events removed")
    with pytest.raises(jobs.Unfinished):
        removal_job(job, now=now)
    job.refresh_from_db()
    assert (job.done, job.total) == (5, 5)
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.message) == (Job.State.DONE, "5 records removed")


@pytest.mark.django_db(transaction=True)
def test_an_unfinished_job_goes_back_into_the_queue(now, before, start_job, small_chunks, monkeypatch):
    from django_q.models import OrmQ

    did(Contact.objects.create(external_id="A1"), "page_visit", *[before - DAY] * 5, now=now)
    job = start_job()
    OrmQ.objects.all().delete()
    monkeypatch.setattr(retention, "STRETCH", -1)
    jobs.run_job(job.pk)
    assert [task.name() for task in OrmQ.objects.all()] == [f"job-{job.pk}"]
