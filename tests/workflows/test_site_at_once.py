"""Several requests at the same time: of one visitor on several pages, while it becomes known."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from django.db import connections

from contacts.events import NewEvent, Outcome, record
from contacts.models import Contact, Event, Visitor
from workflows.site.identity import recognise

pytestmark = pytest.mark.django_db(transaction=True)

DEVICES = [f"device-of-ana-{number:04}" for number in range(3)]
ANA = {"email": "ana@example.org", "external_id": "A"}


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """The results of calls that run beside each other, each with a connection of its own."""

    def closing(call: Callable[[], Any]) -> Any:
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(closing, call) for call in calls]]


def visits(device: str, start: int, now: datetime) -> Callable[[], list[Outcome]]:
    """Ten visits of pages, each told on its own."""

    def tell() -> list[Outcome]:
        told = [NewEvent("page_visit", now, visitor_key=device, key=f"{device}:{start + n}") for n in range(10)]
        return [record([event], now=now)[0].outcome for event in told]

    return tell


def devices_of(contact: Contact) -> set[str | None]:
    return {contact.visitor_key, *Visitor.objects.filter(contact=contact).values_list("key", flat=True)}


def test_one_visitor_becomes_known_while_it_visits_pages(now):
    outcomes = at_once(
        *(visits(device, start, now) for device in DEVICES for start in (0, 100)),
        *(lambda device=device: recognise(device, ANA, now=now) for device in DEVICES),  # type: ignore[misc]
    )
    assert all(outcome is Outcome.RECORDED for told in outcomes[:6] for outcome in told)
    ana = Contact.objects.get()
    assert (ana.email, ana.external_id) == ("ana@example.org", "A")
    assert devices_of(ana) == set(DEVICES)
    assert Event.objects.count() == Event.objects.filter(contact=ana).count() == 60


def test_the_same_is_told_on_two_pages_at_once(now):
    record([NewEvent("page_visit", now, visitor_key=DEVICES[0])], now=now)
    found = at_once(*[lambda: recognise(DEVICES[0], ANA, now=now)] * 4)
    assert set(found) == {Contact.objects.get().pk}
    assert devices_of(Contact.objects.get()) == {DEVICES[0]}
