"""What becomes of runs when their contact is deleted, made anonymous, or turns out to be another."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from contacts.deletion import anonymise, delete_contacts
from contacts.events import NewEvent, record
from contacts.merging import merge
from contacts.models import Contact
from contacts.personal_data import data_of
from tests.workflows.flows import active, graph, ways
from workflows.engine import tick
from workflows.models import Delivery, Incident, Run, Step, Workflow

pytestmark = pytest.mark.django_db

WAIT = ("wait", {"until": "span", "count": 1, "unit": "days"})


@pytest.fixture
def visitor(now: datetime) -> Contact:
    return Contact.objects.create(visitor_key="v-1", created_at=now)


@pytest.fixture
def ana(now: datetime) -> Contact:
    return Contact.objects.create(email="ana@example.org", created_at=now)


def visited(contact: Contact, at: datetime) -> None:
    record([NewEvent("page_visit", at, contact_id=contact.pk)], now=at)
    tick(now=at)


@pytest.fixture
def workflow(now: datetime) -> Workflow:
    """Whoever visits a page waits for a day, and may do so again and again."""
    stored = graph(
        {"visit": ("page_visit", {}), "wait": WAIT, "end": ("end", {})},
        "start > visit",
        "visit > wait",
        "wait > end",
        start={"reentry": "always"},
    )
    return active("Visits", stored, now=now - timedelta(hours=1))


def details(contact: Contact) -> None:
    """Something of everything that a run can have."""
    run = Run.objects.filter(contact=contact)[0]
    Delivery.objects.create(
        run=run,
        node="n",
        kind="webhook",
        key=f"a{run.pk}",
        payload={"a": 1},
        due_at=run.started_at,
        created_at=run.started_at,
    )
    Incident.objects.create(run=run, node="n", text="no", at=run.started_at)


def counts() -> dict[str, int]:
    return {model.__name__: model.objects.count() for model in (Run, Step, Delivery, Incident)}


def test_everything_goes_with_the_contact(visitor, ana, workflow, now):
    for contact in (visitor, ana):
        visited(contact, now)
        details(contact)
    delete_contacts(Contact.objects.filter(pk=visitor.pk), now=now)
    assert set(Run.objects.values_list("contact_id", flat=True)) == {ana.pk}
    assert counts() == {"Run": 1, "Step": 1, "Delivery": 1, "Incident": 1}
    assert Step.objects.get().run.contact_id == ana.pk


def test_what_is_told_and_what_stays_of_an_anonymous_contact(ana, workflow, now):
    visited(ana, now)
    details(ana)
    Run.objects.update(values={"coupon": "ANA"})
    [told] = data_of(ana)["workflows"]
    assert (told["name"], told["state"], told["node"], told["values"]) == (
        "Visits",
        "waiting",
        "wait",
        {"coupon": "ANA"},
    )
    assert [step["node"] for step in told["steps"]] == ["visit"]
    anonymise(ana, now=now)
    assert Run.objects.get().values == {}
    assert not Delivery.objects.exists()


def test_the_way_of_a_visitor_becomes_that_of_the_known_contact(visitor, ana, workflow, now):
    visited(visitor, now)
    merge(visitor, ana, now=now)
    assert ways(workflow) == {ana.pk: [["visit.next", "at wait"]]}
    tick(now=now + timedelta(days=1))
    assert ways(workflow)[ana.pk][0][:2] == ["visit.next", "wait.next"]


def test_who_is_in_a_workflow_twice_goes_on_once(visitor, ana, workflow, now):
    visited(visitor, now)
    visited(ana, now)
    Run.objects.update(key="once")
    merge(visitor, ana, now=now)
    mine = Run.objects.filter(contact=ana)
    assert set(mine.values_list("key", "state")) == {("once", "waiting"), (f"once:{visitor.pk}", "exited")}
    assert Run.objects.count() == 2


def test_an_arrival_that_waits_starts_the_known_contact(visitor, ana, workflow, now: Any):
    record([NewEvent("page_visit", now, contact_id=visitor.pk)], now=now)
    merge(visitor, ana, now=now)
    tick(now=now)
    assert ways(workflow) == {ana.pk: [["visit.next", "at wait"]]}
