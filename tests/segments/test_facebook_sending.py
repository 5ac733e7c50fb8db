"""Sending segments to Facebook and keeping audiences in step, against a server of ours: exact sets of hashes."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from contacts import changes
from contacts.deletion import anonymise, delete_contacts
from contacts.models import Contact
from contacts.personal_data import data_of
from crm import jobs
from crm.models import Job, User
from segments import tasks
from segments.editing import delete_segment, purge_deleted
from segments.facebook import connection, in_step, people, sending
from segments.facebook.client import FacebookFailure
from segments.membership import add, remove
from segments.models import Cause, FacebookAudience, FacebookExport, FacebookMember, Segment
from segments.uses import uses_of
from tests.segments.facebook_server import ACCOUNT, TOKEN, Facebook, Fault, error
from tests.segments.pages import people as make_people
from tests.segments.pages import static

pytestmark = pytest.mark.django_db

AUDIENCE = "555"
LATER = timedelta(hours=1)
SEND, STEP = FacebookExport.Kind.SEND, FacebookExport.Kind.STEP


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def emails(*names: str) -> set[str]:
    return {digest(f"{name.lower()}@example.com") for name in names}


def subscribed(*names: str, now: datetime, **values: Any) -> list[Contact]:
    return make_people(*names, now=now, newsletter="subscribed", updated_at=now, **values)


def change(contact: Contact, *, now: datetime, **values: Any) -> None:
    with changes.recorded(now=now):
        Contact.objects.filter(pk=contact.pk).update(**values, updated_at=now)


def only(*contacts: Contact) -> Any:
    return Contact.objects.filter(pk__in=[contact.pk for contact in contacts])


@pytest.fixture
def connected(facebook: Facebook, now: datetime, administrator: User) -> Facebook:
    facebook.audiences[AUDIENCE] = "Customers"
    connection.connect(account_id=ACCOUNT, access_token=TOKEN, now=now, user=administrator)
    return facebook


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses that take no time; returns how long each would have been."""
    slept: list[float] = []
    monkeypatch.setattr(sending.time, "sleep", slept.append)
    monkeypatch.setattr(sending.time, "monotonic", lambda: 1000.0 * len(slept))
    return slept


def fills(segment: Segment, *, now: datetime, keeps: bool = False) -> FacebookAudience:
    audience = sending.use_audience(segment, account_id=ACCOUNT, audience_id=AUDIENCE, name="Customers", now=now)
    in_step.switch(audience, on=keeps)
    audience.refresh_from_db()
    return audience


def send(audience: FacebookAudience, *, now: datetime, kind: FacebookExport.Kind = SEND) -> FacebookExport:
    job = sending.start(audience, kind=kind, now=now)
    jobs.run_job(job.pk)
    return FacebookExport.objects.get(job=job)


def keep_in_step(*, now: datetime) -> int:
    """What the schedule does, with its jobs done."""
    number = in_step.keep_in_step(now=now)
    for job in list(Job.objects.in_progress()):
        jobs.run_job(job.pk)
    return number


@contextmanager
def dying_at(place: str) -> Iterator[None]:
    """The worker is killed when it comes to this place."""
    with patch.object(sending._Run, place, side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        yield


def test_members_with_consent_are_sent_hashed(connected: Facebook, now: datetime, marketer: User):
    ana, luca, eva = subscribed("Ana", "Luca", "Eva", now=now, country="ES", city="Madrid")
    change(luca, now=now, phone="+34600123456", external_id="L-1", last_name="D’Angelo", date_of_birth="1980-05-06")
    change(eva, now=now, email_status="complained")
    strangers = make_people("Never", "Pending", now=now)
    change(strangers[1], now=now, newsletter="pending")
    nameless, by_phone, national = Contact.objects.bulk_create(
        Contact(newsletter="subscribed", phone=phone) for phone in ("", "+34611", "611")
    )
    subscribed("Outside", now=now)
    segment = static("S", ana, luca, eva, *strangers, nameless, by_phone, national, now=now)
    audience = fills(segment, now=now)
    job = sending.start(audience, kind=SEND, now=now, user=marketer)
    jobs.run_job(job.pk)
    assert connected.people[AUDIENCE] == [
        dict(
            zip(
                sending.SCHEMA,
                ["", digest("ana@example.com"), "", digest("ana"), "", digest("madrid"), digest("es"), "", "", ""],
                strict=True,
            )
        ),
        {
            "EXTERN_ID": "L-1",
            "EMAIL": digest("luca@example.com"),
            "PHONE": digest("34600123456"),
            "FN": digest("luca"),
            "LN": digest("dangelo"),
            "CT": digest("madrid"),
            "COUNTRY": digest("es"),
            "DOBY": digest("1980"),
            "DOBM": digest("05"),
            "DOBD": digest("06"),
        },
        dict.fromkeys(sending.SCHEMA, "") | {"PHONE": digest("34611")},
    ]
    export = FacebookExport.objects.get()
    assert (export.kind, export.user, export.segment, export.audience) == ("send", marketer, segment, audience)
    assert (export.received, export.invalid, export.taken, export.removed, export.error) == (3, 0, 3, 0, "")
    assert (export.segment_name, export.audience_name, export.started_at) == ("S", "Customers", now)
    assert export.finished_at
    job.refresh_from_db()
    assert (job.state, job.done, job.total, job.message) == ("done", 3, 3, "3 contacts taken")


def test_batches_of_one_session_in_the_order_of_the_ids(
    connected: Facebook, now: datetime, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sending, "BATCH", 2)
    contacts = subscribed("A", "B", "C", "D", "E", now=now)
    connected.invalid = emails("C")
    export = send(fills(static("S", *contacts, now=now), now=now), now=now)
    sessions = [request.session for request in connected.requests]
    assert len({session.pop("session_id") for session in sessions}) == 1
    assert sessions == [
        {"batch_seq": 1, "last_batch_flag": False, "estimated_num_total": 5},
        {"batch_seq": 2, "last_batch_flag": False, "estimated_num_total": 5},
        {"batch_seq": 3, "last_batch_flag": True, "estimated_num_total": 5},
    ]
    assert [len(request.rows) for request in connected.requests] == [2, 2, 1]
    sent = [row["EMAIL"] for request in connected.requests for row in request.rows]
    assert sent == [digest(contact.email) for contact in contacts]
    assert (export.received, export.invalid, export.taken) == (5, 1, 4)
    assert export.job.message == "4 contacts taken, 1 invalid"


def test_as_many_queries_for_many_as_for_one(connected: Facebook, now: datetime):
    segment = static("S", *subscribed("A", now=now), now=now)
    numbers = []
    for names in ([], ["B", "C", "D"]):
        if names:
            add(segment, only(*subscribed(*names, now=now)), now=now, cause=Cause.HAND)
        audience = fills(segment, now=now)
        job = sending.start(audience, kind=SEND, now=now)
        with CaptureQueriesContext(database) as queries:
            jobs.run_job(job.pk)
        numbers.append(len(queries))
        Job.objects.filter(pk=job.pk).update(state="done")
    assert numbers[0] == numbers[1]


def test_sent_again_is_who_is_new_and_gone(connected: Facebook, now: datetime):
    ana, luca, eva = subscribed("Ana", "Luca", "Eva", now=now)
    segment = static("S", ana, luca, now=now)
    audience = fills(segment, now=now)
    send(audience, now=now)
    add(segment, only(eva), now=now, cause=Cause.HAND)
    remove(segment, only(ana), now=now, cause=Cause.HAND)
    export = send(audience, now=now + LATER)
    assert connected.emails(AUDIENCE) == emails("Luca", "Eva")
    assert [len(request.rows) for request in connected.requests] == [2, 1, 1]
    assert (export.received, export.removed) == (1, 1)
    assert send(audience, now=now + LATER).received == 0
    assert len(connected.requests) == 3


def test_kept_in_step(connected: Facebook, now: datetime):
    ana, luca, eva, stays = subscribed("Ana", "Luca", "Eva", "Stays", now=now)
    segment = static("S", ana, luca, eva, stays, now=now)
    audience = fills(segment, now=now, keeps=True)
    assert keep_in_step(now=now) == 1
    assert connected.emails(AUDIENCE) == emails("Ana", "Luca", "Eva", "Stays")
    assert keep_in_step(now=now + LATER) == 0
    audience.refresh_from_db()
    assert audience.compared_at == now + LATER

    newcomer, returned = subscribed("New", "Returned", now=now)
    add(segment, only(newcomer, returned), now=now, cause=Cause.HAND)
    remove(segment, only(ana, returned), now=now, cause=Cause.HAND)
    add(segment, only(returned), now=now, cause=Cause.HAND)
    change(luca, now=now, newsletter="unsubscribed")
    delete_contacts(only(eva), now=now)
    assert keep_in_step(now=now + LATER) == 1
    assert connected.emails(AUDIENCE) == emails("Stays", "New", "Returned")
    export = FacebookExport.objects.first()
    assert (export.kind, export.user, export.received, export.removed) == ("step", None, 2, 3)
    assert set(FacebookMember.objects.values_list("email", flat=True)) == connected.emails(AUDIENCE)


def test_who_comes_back_with_consent_is_sent_again(connected: Facebook, now: datetime):
    (ana,) = subscribed("Ana", now=now)
    fills(static("S", ana, now=now), now=now, keeps=True)
    for newsletter, expected in (("subscribed", {"Ana"}), ("unsubscribed", set()), ("subscribed", {"Ana"})):
        change(ana, now=now, newsletter=newsletter)
        keep_in_step(now=now)
        assert connected.emails(AUDIENCE) == emails(*expected)


def test_another_address_takes_the_old_one_out(connected: Facebook, now: datetime):
    ana, luca, eva = subscribed("Ana", "Luca", "Eva", now=now)
    change(eva, now=now, phone="+3461")
    fills(static("S", ana, luca, eva, now=now), now=now, keeps=True)
    keep_in_step(now=now)
    change(luca, now=now + LATER, email="other@example.com")
    change(ana, now=now + LATER, email="luca@example.com", phone="+3461")
    change(eva, now=now + LATER, points=7)
    keep_in_step(now=now + LATER)
    assert connected.emails(AUDIENCE) == emails("Luca", "Other", "Eva")
    assert connected.requests[1].rows == [
        {"EXTERN_ID": "", "EMAIL": digest(f"{name}@example.com"), "PHONE": ""} for name in ("ana", "luca")
    ]
    assert {row["EMAIL"] for row in connected.requests[2].rows} == emails("Luca", "Other")
    assert FacebookExport.objects.first().removed == 0
    assert keep_in_step(now=now + LATER) == 0
    change(ana, now=now + 2 * LATER, city="Rome")
    keep_in_step(now=now + 2 * LATER)
    assert [(request.deletes, len(request.rows)) for request in connected.requests[3:]] == [(False, 1)]


def test_a_shared_phone_does_not_take_out_who_stays(connected: Facebook, now: datetime):
    ana, luca, eva = subscribed("Ana", "Luca", "Eva", now=now, phone="+34611")
    segment = static("S", ana, luca, eva, now=now)
    audience = fills(segment, now=now)
    send(audience, now=now)
    remove(segment, only(ana), now=now, cause=Cause.HAND)
    send(audience, now=now)
    assert connected.emails(AUDIENCE) == emails("Luca", "Eva")
    remove(segment, only(luca, eva), now=now, cause=Cause.HAND)
    send(audience, now=now)
    assert connected.emails(AUDIENCE) == set()
    assert [[row["PHONE"] != "" for row in request.rows] for request in connected.requests[1:]] == [[False], [True] * 2]


@pytest.mark.parametrize("keeps", [True, False])
def test_without_consent_nobody_stays_whether_kept_in_step_or_not(connected: Facebook, now: datetime, keeps: bool):
    ana, luca, eva, mia, stays = subscribed("Ana", "Luca", "Eva", "Mia", "Stays", now=now)
    segment = static("S", ana, luca, eva, mia, stays, now=now)
    audience = fills(segment, now=now, keeps=keeps)
    send(audience, now=now)
    change(ana, now=now + LATER, email_status="complained")
    delete_contacts(only(luca), now=now + LATER)
    anonymise(eva, now=now + LATER)
    remove(segment, only(mia), now=now + LATER, cause=Cause.HAND)
    add(segment, only(*subscribed("New", now=now)), now=now + LATER, cause=Cause.HAND)
    keep_in_step(now=now + LATER)
    assert connected.emails(AUDIENCE) == (emails("Stays", "New") if keeps else emails("Stays", "Mia"))


def test_a_deleted_segment_adds_nobody_and_still_takes_out_who_unsubscribes(connected: Facebook, now: datetime):
    ana, luca = subscribed("Ana", "Luca", now=now)
    segment = static("S", ana, luca, now=now)
    audience = fills(segment, now=now, keeps=True)
    keep_in_step(now=now)
    add(segment, only(*subscribed("New", now=now)), now=now, cause=Cause.HAND)
    delete_segment(segment, now=now)
    assert keep_in_step(now=now) == 0
    purge_deleted(now=now + timedelta(days=91))
    change(ana, now=now, newsletter="unsubscribed")
    keep_in_step(now=now)
    assert connected.emails(AUDIENCE) == emails("Luca")
    audience.refresh_from_db()
    assert (audience.segment, list(FacebookExport.objects.values_list("segment_name", flat=True))) == (None, ["", "S"])


@pytest.mark.parametrize("place", ["_remember", "_ask", "_count", "_go_on"])
def test_a_killed_worker_does_no_harm(connected: Facebook, now: datetime, monkeypatch: pytest.MonkeyPatch, place: str):
    monkeypatch.setattr(sending, "BATCH", 2)
    contacts = subscribed("A", "B", "C", "D", "E", now=now)
    segment = static("S", *contacts[:3], now=now)
    audience = fills(segment, now=now)
    send(audience, now=now)
    add(segment, only(*contacts[3:]), now=now, cause=Cause.HAND)
    remove(segment, only(contacts[0]), now=now, cause=Cause.HAND)
    job = sending.start(audience, kind=SEND, now=now)
    with dying_at(place):
        jobs.run_job(job.pk)
    if place == "_count":  # Facebook knew already when the worker died, and somebody goes meanwhile
        delete_contacts(only(contacts[4]), now=now)
    Job.objects.filter(pk=job.pk).update(state="queued", claim=None)
    jobs.run_job(job.pk)
    there = "BCD" if place == "_count" else "BCDE"
    assert connected.emails(AUDIENCE) == emails(*there)
    assert set(FacebookMember.objects.values_list("email", flat=True)) == emails(*there)
    assert not FacebookMember.objects.filter(sent_at=None).exists()
    export = FacebookExport.objects.first()
    assert (export.received, export.removed) == (len(there) - 2, 1)


def test_somebody_deleted_between_being_sent_and_confirmed_is_taken_out(connected: Facebook, now: datetime):
    ana, luca = subscribed("Ana", "Luca", now=now)
    audience = fills(static("S", ana, luca, now=now), now=now)
    job = sending.start(audience, kind=SEND, now=now)
    with dying_at("_count"):
        jobs.run_job(job.pk)
    assert connected.emails(AUDIENCE) == emails("Ana", "Luca")
    jobs.finish(Job.objects.get(pk=job.pk), Job.State.FAILED, now=now)
    delete_contacts(only(ana), now=now)
    keep_in_step(now=now)
    assert connected.emails(AUDIENCE) == emails("Luca")


@pytest.mark.parametrize(
    "fault",
    [
        *(error(code) for code in (1, 2, 4, 17, 32, 613, 80003, 80004)),
        error(100, is_transient=True),
        error(100, status=503),
        Fault(429, {"error": {"message": "Slow down", "code": 0}}),
        Fault(502, "<html>success</html>"),
        Fault(500, {"message": "oops"}),
        Fault(200, "[]"),
        Fault(200, None),
        Fault(200, None, after=True),
    ],
    ids=lambda fault: f"{fault.status} {str(fault.body)[:60]} {fault.after}",
)
def test_what_may_pass_is_tried_again(connected: Facebook, now: datetime, no_pauses: list[float], fault: Fault):
    audience = fills(static("S", *subscribed("Ana", "Luca", now=now), now=now), now=now)
    connected.faults = [fault, fault]
    export = send(audience, now=now)
    assert connected.emails(AUDIENCE) == emails("Ana", "Luca")
    assert (export.received, export.error, len(no_pauses)) == (2, "", 2)
    assert export.job.lines.count() == 2


def test_after_the_last_pause_it_stops_and_says_why(connected: Facebook, now: datetime, no_pauses: list[float]):
    audience = fills(static("S", *subscribed("Ana", now=now), now=now), now=now)
    connected.faults = [error(17)] * 6
    with pytest.raises(FacebookFailure):
        send(audience, now=now)
    export = FacebookExport.objects.select_related("job").get()
    assert export.error == "Facebook asks for a pause: too many requests for this ad account or app."
    assert export.finished_at
    assert (export.job.state, export.job.error, len(no_pauses)) == ("failed", export.error, 5)
    jobs.retry(export.job, user=None, now=now)
    jobs.run_job(export.job.pk)
    export.refresh_from_db()
    assert (export.received, export.error, connected.emails(AUDIENCE)) == (1, "", emails("Ana"))


def test_a_pause_ends_when_somebody_cancels(connected: Facebook, now: datetime, monkeypatch: pytest.MonkeyPatch):
    audience = fills(static("S", *subscribed("Ana", now=now), now=now), now=now)
    job = sending.start(audience, kind=SEND, now=now)
    monkeypatch.setattr(sending.time, "sleep", lambda seconds: jobs.cancel(job, user=None, now=now))
    connected.faults = [error(4)]
    jobs.run_job(job.pk)
    export = FacebookExport.objects.select_related("job").get()
    assert (export.job.state, export.error, export.received) == ("cancelled", "Cancelled.", 0)
    assert connected.requests == []


def test_what_will_not_pass_stops_at_once(connected: Facebook, now: datetime, no_pauses: list[float]):
    audience = fills(static("S", *subscribed("Ana", now=now), now=now), now=now)
    connected.faults = [error(200, "(#200) Permissions error", status=403)]
    with pytest.raises(FacebookFailure, match="needs the permission ads_management"):
        send(audience, now=now)
    assert (no_pauses, connected.requests) == ([], [])
    assert "ads_management" in FacebookExport.objects.get().error


def test_of_another_ad_account_nobody_is_sent(connected: Facebook, now: datetime):
    audience = fills(static("S", *subscribed("Ana", now=now), now=now), now=now, keeps=True)
    FacebookAudience.objects.update(account_id="999")
    assert keep_in_step(now=now) == 0
    with pytest.raises(FacebookFailure, match="not connected any more"):
        send(audience, now=now)
    connection.disconnect()
    FacebookAudience.objects.update(account_id=ACCOUNT)
    assert keep_in_step(now=now) == 0
    with pytest.raises(FacebookFailure, match=r"No ad account is connected\."):
        send(audience, now=now)


def test_one_job_at_a_time_and_one_segment_for_an_audience(connected: Facebook, now: datetime):
    segment = static("S", *subscribed("Ana", now=now), now=now)
    audience = fills(segment, now=now, keeps=True)
    sending.start(audience, kind=SEND, now=now)
    with pytest.raises(sending.UnderWay):
        sending.start(audience, kind=SEND, now=now)
    assert in_step.keep_in_step(now=now) == 0
    with pytest.raises(sending.UnderWay):
        in_step.forget(audience)
    with pytest.raises(sending.UnderWay):
        fills(static("Other", now=now), now=now)
    assert fills(segment, now=now) == audience


def test_of_two_jobs_for_an_audience_one_gives_way(connected: Facebook, now: datetime):
    audience = fills(static("S", *subscribed("Ana", now=now), now=now), now=now)
    first = sending.start(audience, kind=SEND, now=now)
    jobs.cancel(first, user=None, now=now)
    second = sending.start(audience, kind=SEND, now=now)
    Job.objects.filter(pk=second.pk).update(state="running", worker="another")
    jobs.retry(first, user=None, now=now)
    with pytest.raises(FacebookFailure, match="is being sent to this audience already"):
        jobs.run_job(first.pk)
    assert connected.requests == []


def test_forgotten_audiences_stay_as_they_are(connected: Facebook, now: datetime):
    (ana,) = subscribed("Ana", now=now)
    audience = fills(static("S", ana, now=now), now=now, keeps=True)
    send(audience, now=now)
    job = sending.start(audience, kind=SEND, now=now)
    FacebookAudience.objects.all().delete()
    with pytest.raises(FacebookFailure, match="does not fill this audience any more"):
        jobs.run_job(job.pk)
    change(ana, now=now, newsletter="unsubscribed")
    assert keep_in_step(now=now) == 0
    assert connected.emails(AUDIENCE) == emails("Ana")
    assert not FacebookMember.objects.exists()
    assert [export.audience_name for export in FacebookExport.objects.all()] == ["Customers"] * 2


def test_uses_name_the_audiences_that_are_kept_in_step(connected: Facebook, now: datetime):
    segment = static("S", now=now)
    audience = fills(segment, now=now)
    assert all(not uses for _source, uses in uses_of([segment])[segment.pk])
    in_step.switch(audience, on=True)
    ((source, uses),) = uses_of([segment])[segment.pk]
    assert (source.key, [(use.name, use.url) for use in uses]) == (
        "facebook",
        [("Customers", f"/segments/{segment.pk}/facebook/")],
    )


def test_a_contact_is_told_where_they_were_sent(connected: Facebook, now: datetime):
    (ana,) = subscribed("Ana", now=now)
    send(fills(static("S", ana, now=now), now=now), now=now)
    assert data_of(ana)["facebook"] == [
        {
            "sent_at": FacebookMember.objects.get().sent_at,
            "email": digest("ana@example.com"),
            "phone": "",
            "external_id": "",
            "audience_name": "Customers",
        }
    ]


def test_the_schedule_does_it(connected: Facebook, now: datetime):
    fills(static("S", *subscribed("Ana", now=now), now=now), now=now, keeps=True)
    tasks.keep_facebook_in_step()
    assert Job.objects.in_progress().get().title == "Facebook: Customers"
    assert sending.url_of(Job.objects.get()) == f"/segments/{Segment.objects.get().pk}/facebook/"


def test_who_may_be_sent_agrees_with_what_is_sent(now: datetime):
    every = [*subscribed("Ana", now=now), *make_people("Never", now=now)]
    segment = static("S", *every, now=now)
    assert list(people.sendable_of(segment)) == every[:1]
