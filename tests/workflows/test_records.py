"""What workflows leave behind: what goes after how long, and what stays for as long as it is needed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from contacts import rolling_off
from contacts.deletion import delete_contacts
from contacts.models import Contact
from crm.jobs import PERIODIC
from tests.segments.pages import text_of
from tests.workflows.acting import together
from tests.workflows.flows import active, graph, people
from workflows import engine, records, tasks
from workflows.models import Count, Delivery, Incident, Run, Step, Version, WebContent, WebDesign, Workflow
from workflows.records import remove_old

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
POINT = ("add_points", {"points": 1})


@pytest.fixture(autouse=True)
def nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rolling_off, "PAUSE", 0)


@pytest.fixture
def run() -> Run:
    """A run that is still inside."""
    [contact] = people(1, now=NOON)
    workflow = Workflow.objects.create(name="Welcome")
    version = Version.objects.create(workflow=workflow, number=1, graph=workflow.draft, saved_at=ago(1000))
    return begun(version, contact)


def ago(days: float) -> datetime:
    return NOON - timedelta(days=days)


def begun(version: Version, contact: Contact, *, ended: float | None = None, **values: Any) -> Run:
    """A run that began a thousand days ago, and ended so many ago."""
    ending = {} if ended is None else {"state": Run.State.FINISHED, "ended_at": ago(ended)}
    defaults = {"key": str(Run.objects.count()), "node": "n1", "started_at": ago(1000), "arrived_at": ago(1000)}
    return Run.objects.create(
        workflow_id=version.workflow_id, version=version, contact=contact, **(defaults | ending | values)
    )


def stepped(run: Run, **values: Any) -> Step:
    visit = run.steps.count() + 1
    defaults = {"visit": visit, "node": "n1", "arrived_at": ago(1000), "left_at": ago(1000)}
    return Step.objects.create(run=run, **(defaults | values))


def kept(model: Any) -> set[int]:
    return set(model._default_manager.values_list("pk", flat=True))


def test_steps_go_so_long_after_their_run_ended(run, settings):
    ended = {days: begun(run.version, run.contact, ended=days) for days in (399, 401)}
    steps = {days: stepped(one).pk for days, one in ended.items()}
    inside = stepped(run).pk
    lost = stepped(begun(run.version, run.contact, ended=500))
    recent = stepped(begun(run.version, run.contact, ended=500), left_at=ago(399))
    Run.objects.filter(pk__in=[lost.run_id, recent.run_id])._raw_delete("default")
    runs = kept(Run)
    assert remove_old(now=NOON) == 2
    assert kept(Step) == {steps[399], inside, recent.pk}
    assert kept(Run) == runs
    settings.WORKFLOW_HISTORY_DAYS = 30
    assert remove_old(now=NOON) == 2
    assert kept(Step) == {inside}
    assert remove_old(now=NOON) == 0


def test_steps_that_a_limit_counts_stay():
    limited = (POINT[0], POINT[1] | {"limits": {"contact": "once"}})
    paused = (POINT[0], POINT[1] | {"limits": {"pause": 2, "pause_unit": "weeks"}})
    in_all = (POINT[0], POINT[1] | {"limits": {"total": 5}})
    nodes = {"a": POINT, "b": limited, "c": paused, "d": in_all, "e": ("end", {})}
    stored = graph(nodes, "start > a", "a > b", "b > c", "c > d", "d > e", start={"reentry": "always"})
    people(1, now=ago(1000))
    workflow = active("Points", stored, now=ago(1000))
    engine.tick(now=ago(1000))
    assert sorted(Step.objects.filter(acted=True).values_list("node", flat=True)) == ["a", "b", "c", "d"]
    figures = set(Count.objects.values_list("node", "port", "passed", "acted"))
    remove_old(now=NOON)
    assert set(Step.objects.values_list("node", flat=True)) == {"b", "c"}
    assert set(Count.objects.values_list("node", "port", "passed", "acted")) == figures
    Workflow.objects.filter(pk=workflow.pk).update(deleted_at=NOON)
    remove_old(now=NOON)
    assert not Step.objects.exists()


def delivery(run: Run, state: str, days: float) -> Delivery:
    key = str(Delivery.objects.count())
    return Delivery.objects.create(
        run=run, node="n1", kind="webhook", key=key, state=state, created_at=ago(200), due_at=ago(days)
    )


def test_deliveries_go_when_they_were_done_long_ago(run):
    done = {state: delivery(run, state, 91) for state in Delivery.State}
    lately = [delivery(run, state, 89) for state in Delivery.State]
    undecided, decided = delivery(run, "failed", 91), delivery(run, "failed", 91)
    for one, closed in ((undecided, None), (decided, ago(91))):
        Incident.objects.create(
            run=run, node="n1", subject=f"delivery:{one.pk}", text="No", at=ago(91), closed_at=closed
        )
    lost = delivery(begun(run.version, run.contact), "sending", 0)
    Run.objects.filter(pk=lost.run_id)._raw_delete("default")
    assert remove_old(now=NOON) == 4
    stay = {done[Delivery.State.QUEUED].pk, done[Delivery.State.SENDING].pk, undecided.pk}
    assert kept(Delivery) == stay | {one.pk for one in lately}


def test_incidents_go_long_after_they_were_decided(run):
    decided = [
        Incident.objects.create(run=run, node="n1", text="No", at=ago(900), closed_at=closed).pk
        for closed in (ago(401), ago(399), None)
    ]
    assert remove_old(now=NOON) == 1
    assert kept(Incident) == set(decided[1:])


def test_web_contents_go_when_they_expired_long_ago(run):
    design = WebDesign.objects.create(digest="d", name="Popup", created_at=ago(900))
    contents = [
        WebContent.objects.create(
            design=design, contact=run.contact, key=str(number), created_at=ago(120), expires_at=ago(days)
        ).pk
        for number, days in enumerate((119, 91, 89))
    ]
    assert remove_old(now=NOON) == 2
    assert kept(WebContent) == {contents[2]}
    assert WebDesign.objects.get() == design


def trial(workflow: Workflow, number: int, days: float) -> Version:
    """A test with a run that came through and one that failed, each with a record of everything."""
    version = Version.objects.create(
        workflow=workflow, number=number, graph=workflow.draft, saved_at=ago(days), is_test=True
    )
    Count.objects.create(version=version, node="start", port="next", passed=2)
    for contact, state in zip(people(2, now=NOON), ("finished", "failed"), strict=True):
        one = begun(version, contact, ended=days, state=state, is_test=True)
        stepped(one)
        delivery(one, "sent", 0)
        Incident.objects.create(run=one, node="n1", text="No", at=ago(days))
    return version


def test_tests_go_but_the_figures_of_the_newest(run):
    real = stepped(run)
    oldest, older, newest = (trial(run.workflow, number, days) for number, days in ((2, 40), (3, 31), (4, 31)))
    only = trial(Workflow.objects.create(name="Draft"), 1, 29)
    before = [{row.pk for row in model.objects.filter(run__version=only)} for model in (Step, Delivery, Incident)]
    # Two versions with two runs of three records each, and one run of the newest.
    assert remove_old(now=NOON) == 2 * (1 + 2 * 4) + 4
    assert kept(Version) == {run.version_id, newest.pk, only.pk}
    failed = Run.objects.get(version=newest)
    assert failed.state == "failed"
    assert kept(Run) == {run.pk, failed.pk} | {one.pk for one in only.runs.all()}
    of_failed = [{row.pk for row in model.objects.filter(run=failed)} for model in (Step, Delivery, Incident)]
    assert kept(Step) == {real.pk} | before[0] | of_failed[0]
    assert [kept(Delivery), kept(Incident)] == [before[1] | of_failed[1], before[2] | of_failed[2]]
    assert set(Count.objects.values_list("version_id", "passed")) == {(newest.pk, 2), (only.pk, 2)}
    assert oldest.pk < older.pk < newest.pk


def test_runs_go_whose_contact_is_gone(run):
    lost, stays = (begun(run.version, contact) for contact in people(2, now=NOON))
    for one in (lost, stays):
        stepped(one)
        delivery(one, "queued", 0)
        Incident.objects.create(run=one, node="n1", text="No", at=NOON)
    Contact.objects.filter(pk=lost.contact_id)._raw_delete("default")
    assert remove_old(now=NOON) == 4
    assert kept(Run) == {run.pk, stays.pk}
    assert {row.run_id for model in (Step, Delivery, Incident) for row in model.objects.all()} == {stays.pk}


def test_many_rows_go_in_chunks(run, monkeypatch):
    monkeypatch.setattr(records, "CHUNK", 2)
    monkeypatch.setattr(records, "RUNS_AT_ONCE", 2)
    monkeypatch.setattr(records, "RUNS_LOOKED_AT", 3)
    for _number in range(2):
        stepped(run)
        for contact in people(3, now=NOON):
            stepped(begun(run.version, contact, ended=500))
    lost = people(5, now=NOON)
    for contact in lost:
        begun(run.version, contact)
    Contact.objects.filter(pk__in=[contact.pk for contact in lost])._raw_delete("default")
    assert remove_old(now=NOON, seconds=0) == 0  # nothing to remove was found in the first place it looked at
    assert remove_old(now=NOON) == 6 + 5
    assert kept(Step) == {step.pk for step in run.steps.all()}
    assert Step.objects.count() == 2
    assert Run.objects.count() == 1 + 6


def test_the_worker_does_so_every_night(run):
    Run.objects.filter(pk=run.pk).update(state="finished", ended_at=timezone.now() - timedelta(days=500))
    stepped(run, left_at=timezone.now() - timedelta(days=500))
    tasks.clean_up()
    assert not Step.objects.exists()
    assert {one.function: one.cron for one in PERIODIC}["workflows.tasks.clean_up"] == "45 3 * * *"


def test_the_page_of_a_test_says_when_it_is_no_longer_kept(run, marketer_client: Client):
    for number in (2, 3):
        trial(run.workflow, number, 31)
    Run.objects.filter(state="failed", is_test=True).update(state="finished")
    remove_old(now=NOON)
    address = f"/workflows/{run.workflow_id}/test/"
    gone = marketer_client.get(f"{address}2/", follow=True)
    assert gone.redirect_chain == [(address, 303)]
    assert "This test is no longer kept." in text_of(gone)
    assert "longer ago than tests are kept" in text_of(marketer_client.get(f"{address}3/"))
    assert marketer_client.get(f"{address}4/").status_code == 404
    assert marketer_client.get(f"{address}1/").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_contacts_are_deleted_while_two_workers_clean_up(monkeypatch):
    monkeypatch.setattr(records, "CHUNK", 5)
    workflow = Workflow.objects.create(name="Welcome")
    version = Version.objects.create(workflow=workflow, number=1, graph=workflow.draft, saved_at=ago(1000))
    contacts = people(40, now=NOON)
    for contact in contacts:
        one = begun(version, contact, ended=500)
        for _number in range(3):
            stepped(one)
    going = Contact.objects.filter(pk__in=[contact.pk for contact in contacts[20:]])
    together([lambda: remove_old(now=NOON), lambda: delete_contacts(going, now=NOON), lambda: remove_old(now=NOON)])
    remove_old(now=NOON)
    assert not Step.objects.exists()
    assert set(Run.objects.values_list("contact_id", flat=True)) == {contact.pk for contact in contacts[:20]}
