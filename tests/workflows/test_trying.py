"""Trying a draft: a test on a test segment, and a dry run of which nothing remains."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.test import Client

from campaigns.models import Message
from contacts.models import Contact
from crm.jobs import Cancelled
from crm.models import Job
from segments.editing import create_segment
from segments.membership import add
from segments.models import Cause, Membership, Segment
from tests.segments.pages import text_of
from tests.workflows.flows import graph, people, ways
from workflows import engine
from workflows.activation import CannotActivate
from workflows.dry_run import dry_run
from workflows.gallery import email
from workflows.models import Run, Version, Workflow
from workflows.testing import CannotTest, do_test, start_test

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
WAIT = ("wait", {"until": "span", "count": 1, "unit": "days"})
HELLO = email("Hello", "Hello", "Good to have you here.")


def segment_of(*contacts: Contact, is_test: bool = True, name: str = "Us") -> Segment:
    segment = create_segment(name=name, kind="static", is_test=is_test, now=NOON)
    if contacts:
        add(segment, Contact.objects.filter(pk__in=[one.pk for one in contacts]), now=NOON, cause=Cause.HAND)
    segment.refresh_from_db()
    return segment


def a_draft(**start: Any) -> Workflow:
    target = segment_of(is_test=False, name="Target")
    stored = graph(
        {
            "t": ("page_visit", {}),
            "m": ("send_email", HELLO),
            "w": WAIT,
            "a": ("add_to_segment", {"segment": target.pk}),
        },
        "start > t",
        "t > m",
        "m > w",
        "w > a",
        start=start,
    )
    return Workflow.objects.create(name="Draft", draft=stored)


def taken_up(job: Job) -> Job:
    Job.objects.filter(pk=job.pk).update(state="running", claim="7f5d1f44-52f5-4f0e-9a3c-111111111111")
    return Job.objects.get(pk=job.pk)


def stepped() -> tuple[Callable[[], datetime], Callable[[float], None]]:
    """A clock that goes on when somebody waits."""
    moments = [NOON]

    def pause(seconds: float) -> None:
        moments.append(moments[-1] + timedelta(seconds=seconds))

    return lambda: moments[-1], pause


def test_a_test_leads_the_contacts_of_its_segment_through_and_nobody_else():
    us, _others = people(2, now=NOON, newsletter="subscribed"), people(2, now=NOON, newsletter="subscribed")
    workflow = a_draft()
    version, job = start_test(workflow, segment_of(*us), now=NOON, user=None)
    clock, pause = stepped()
    do_test(taken_up(job), now=NOON, clock=clock, pause=pause)
    way = ["t.next", "m.next", "w.next", "a.next", "finished"]
    assert ways(workflow) == {contact.pk: [way] for contact in us}
    assert clock() - NOON < timedelta(minutes=1)
    assert set(Message.objects.values_list("contact_id", "is_test")) == {(contact.pk, True) for contact in us}
    workflow.refresh_from_db()
    assert (version.is_test, workflow.state, workflow.version) == (True, "draft", None)
    assert set(Run.objects.values_list("is_test", flat=True)) == {True}
    engine.tick(now=NOON + timedelta(days=3))
    assert Run.objects.count() == 2


def test_a_cancelled_test_lets_nobody_go_on():
    workflow = a_draft()
    _version, job = start_test(workflow, segment_of(*people(2, now=NOON)), now=NOON, user=None)
    job = taken_up(job)
    Job.objects.filter(pk=job.pk).update(cancel_requested_at=NOON)
    clock, pause = stepped()
    with pytest.raises(Cancelled):
        do_test(job, now=NOON, clock=clock, pause=pause)
    assert set(Run.objects.values_list("state", "reason")) == {("exited", "The test was cancelled")}


def test_what_cannot_be_tested_is_refused():
    contacts = people(1, now=NOON)
    workflow = a_draft()
    for segment in (segment_of(*contacts, is_test=False, name="Real"), segment_of(name="Empty")):
        with pytest.raises(CannotTest):
            start_test(workflow, segment, now=NOON, user=None)
    workflow.draft = graph({"a": ("add_to_segment", {})}, "start > a")
    workflow.save()
    with pytest.raises(CannotActivate):
        start_test(workflow, segment_of(*contacts, name="Good"), now=NOON, user=None)
    assert not Version.objects.exists()
    assert not Job.objects.exists()


def test_the_pages_of_a_test(marketer_client: Client, viewer_client: Client):
    contacts = people(1, now=NOON)
    workflow, segment = a_draft(), segment_of(*contacts)
    address = f"/workflows/{workflow.pk}/test/"
    assert viewer_client.get(address).status_code == 403
    assert marketer_client.post(address, {"segment": ""}).status_code == 422
    response = marketer_client.post(address, {"segment": segment.pk})
    version = Version.objects.get()
    assert (response.status_code, response["Location"]) == (303, f"{address}{version.number}/")
    assert "Nobody has set out yet" in text_of(marketer_client.get(response["Location"]))
    clock, pause = stepped()
    do_test(taken_up(Job.objects.get()), now=NOON, clock=clock, pause=pause)
    Job.objects.update(state="done")
    shown = text_of(marketer_client.get(response["Location"]))
    assert "Add to segment: Target Added to “Target”" in shown
    assert marketer_client.get(f"{address}99/").status_code == 404
    broken = Workflow.objects.create(name="Broken", draft=graph({"a": ("add_to_segment", {})}, "start > a"))
    refused = marketer_client.post(f"/workflows/{broken.pk}/test/", {"segment": segment.pk})
    assert (refused.status_code, "The draft is not complete" in text_of(refused)) == (422, True)


def everything() -> dict[str, list[Any]]:
    """All rows of all tables of ours."""
    return {
        model._meta.db_table: sorted(map(repr, model._default_manager.values_list()))
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and model._meta.app_label != "sessions"
    }


def test_a_dry_run_tells_the_way_and_leaves_nothing():
    contact = people(1, now=NOON, newsletter="subscribed")[0]
    workflow = a_draft()
    before = everything()
    result = dry_run(workflow, contact, now=NOON)
    assert everything() == before
    assert result.notes == []
    assert result.path
    assert [(one.name, one.step.left_at - NOON) for one in result.path.stages] == [
        ("On page visit: Any page", timedelta()),
        ("Send email: Hello", timedelta()),
        ("Wait: 1 day", timedelta(days=1)),
        ("Add to segment: Target", timedelta(days=1)),
    ]
    assert result.path.run.state == "finished"
    assert not Membership.objects.exists()


def test_two_dry_runs_of_different_drafts_are_not_mixed_up():
    contact = people(1, now=NOON)[0]
    workflow = a_draft()
    dry_run(workflow, contact, now=NOON)
    workflow.draft = graph({"w": WAIT}, "start > w")
    workflow.save()
    result = dry_run(workflow, contact, now=NOON)
    assert result.path
    assert [one.name for one in result.path.stages] == ["Start: All contacts", "Wait: 1 day"]


def test_a_dry_run_stops_where_something_must_happen_and_where_start_lets_nobody_in():
    contact = people(1, now=NOON)[0]
    waiting = Workflow.objects.create(name="W", draft=graph({"a": WAIT, "t": ("page_visit", {})}, "start > a", "a > t"))
    result = dry_run(waiting, contact, now=NOON)
    assert result.notes == ["Here the contact waits until something happens."]
    assert result.path
    assert result.path.here == "On page visit: Any page"
    refused = dry_run(a_draft(limitation="newsletter", which="both", reentry="never"), contact, now=NOON)
    assert (refused.path, len(refused.notes)) == (None, 1)


def test_the_page_of_a_dry_run(viewer_client: Client, client: Client):
    contact = people(1, now=NOON, newsletter="subscribed")[0]
    workflow = a_draft()
    address = f"/workflows/{workflow.pk}/dry-run/"
    assert client.get(address).status_code == 302
    assert "Choose a contact." in text_of(viewer_client.get(address))
    for named in (contact.email, contact.email.upper(), str(contact.pk)):
        assert "Add to segment: Target" in text_of(viewer_client.get(address, {"contact": named}))
    assert viewer_client.get(address, {"contact": "nobody"}).status_code == 422
    assert not Version.objects.exists()
