"""Contacts are deleted, merged and made anonymous while a worker is at work with their runs."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import Event
from time import sleep
from typing import Any

import pytest

from campaigns.models import Message
from contacts.deletion import anonymise, delete_contacts
from contacts.merging import merge
from contacts.models import Contact
from crm.encryption import encrypt
from tests.workflows.acting import together
from tests.workflows.flows import active, graph, people
from workflows import engine
from workflows.models import Delivery, Run, Step, Workflow
from workflows.nodes import NODES
from workflows.nodes.base import Batch, Outcome

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE = 20
WHILE = 0.4  # seconds in which the other one comes to wait for the worker

NEWS = {"name": "News", "kind": "transactional", "subject": "News", "body": "Hello"}


@contextmanager
def working(monkeypatch: pytest.MonkeyPatch) -> Iterator[Event]:
    """The worker stays for a while on the first node that adds points, with the runs in its hands."""
    there, act = Event(), NODES["add_points"].act  # type: ignore[attr-defined]

    def slowly(batch: Batch) -> Iterable[Outcome]:
        there.set()
        sleep(WHILE)
        return act(batch)

    monkeypatch.setattr(NODES["add_points"], "act", slowly)
    yield there


def flow(*, now: datetime, url: str = "https://shop.example.com/") -> Workflow:
    nodes = {
        "p": ("add_points", {"points": 5}),
        "m": ("send_email", NEWS),
        "h": ("webhook", {"url": url, "secret": encrypt("a secret of sixteen"), "fields_sent": ["email"]}),
        "e": ("wait", {"until": "span", "count": 1, "unit": "days"}),
    }
    return active("Any", graph(nodes, "start > p", "p > m", "m > h", "h > e"), now=now)


def meanwhile(there: Event, do: Callable[[], Any], *, now: datetime) -> None:
    def when_it_is_there() -> None:
        assert there.wait(PATIENCE)
        do()

    together([lambda: engine.tick(now=now), when_it_is_there])
    engine.tick(now=now)


def test_nothing_is_left_of_who_is_deleted(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    gone, other = people(2, now=now)
    flow(now=now)
    with working(monkeypatch) as there:
        meanwhile(there, lambda: delete_contacts(Contact.objects.filter(pk=gone.pk), now=now), now=now)
    assert set(Run.objects.values_list("contact_id", flat=True)) == {other.pk}
    assert set(Message.objects.values_list("contact_id", flat=True)) == {other.pk}
    (run,) = Run.objects.all()
    assert set(Step.objects.values_list("run_id", flat=True)) == {run.pk}
    assert set(Delivery.objects.values_list("run_id", flat=True)) == {run.pk}
    assert list(Contact.objects.values_list("pk", "points")) == [(other.pk, 5)]


def test_what_was_done_for_an_anonymous_visitor_is_the_known_contacts(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = Contact.objects.create(visitor_key="visitor-key-of-somebody", created_at=now, updated_at=now)
    flow(now=now)
    with working(monkeypatch) as there:
        known = Contact.objects.create(email="ana@example.org", created_at=now, updated_at=now)
        meanwhile(there, lambda: merge(visitor, known, now=now), now=now)
    assert set(Run.objects.values_list("contact_id", flat=True)) == {known.pk}
    assert set(Message.objects.values_list("contact_id", flat=True)) <= {known.pk}
    run_ids = set(Run.objects.values_list("pk", flat=True))
    assert set(Step.objects.values_list("run_id", flat=True)) == run_ids
    known.refresh_from_db()
    assert known.points == 5 * Step.objects.filter(node="p").count()


def test_nothing_is_told_of_who_is_made_anonymous(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    (ana,) = people(1, now=now)
    flow(now=now)
    with working(monkeypatch) as there:
        meanwhile(there, lambda: anonymise(ana, now=now), now=now)
    assert not Delivery.objects.filter(payload__contact__email=ana.email).exists()
    assert not Message.objects.filter(to=ana.email).exists()
    assert Run.objects.get().node == "e"
