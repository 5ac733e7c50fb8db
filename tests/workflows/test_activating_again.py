"""An active workflow is activated again while things happen that no worker has seen yet."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contacts.events import NewEvent, record
from contacts.models import Contact
from segments.editing import create_segment
from segments.membership import add
from segments.models import Cause, Segment
from tests.workflows.flows import active, graph, people
from workflows import activation, engine
from workflows.models import Run, Workflow

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ALWAYS = {"reentry": "always"}


def enters(contact: Contact, segment: Segment, *, now: datetime) -> None:
    add(segment, Contact.objects.filter(pk=contact.pk), now=now, cause=Cause.HAND)


def waiting_for(trigger: str, settings: dict[str, Any], name: str = "Any") -> Workflow:
    wait = ("wait", {"until": "span", "count": 1, "unit": "days"})
    return active(name, graph({"t": (trigger, settings), "w": wait}, "start > t", "t > w", start=ALWAYS), now=NOON)


def entered() -> list[tuple[int, int]]:
    return sorted(Run.objects.values_list("contact_id", "version__number"))


def test_who_has_entered_a_segment_comes_in_once() -> None:
    one, two, three = people(3, now=NOON - MINUTE)
    segment = create_segment(name="Any", kind="static", now=NOON - MINUTE)
    enters(one, segment, now=NOON - MINUTE)
    flow = waiting_for("entered_segment", {"segment": segment.pk})
    enters(two, segment, now=NOON)
    activation.activate(flow, now=NOON + MINUTE, user=None)
    activation.activate(flow, now=NOON + MINUTE, user=None)
    enters(three, segment, now=NOON + MINUTE)
    engine.tick(now=NOON + 2 * MINUTE)
    activation.activate(flow, now=NOON + 3 * MINUTE, user=None)
    engine.tick(now=NOON + 3 * MINUTE)
    assert entered() == [(two.pk, 3), (three.pk, 3)]


def test_who_has_done_something_comes_in_once() -> None:
    one, two = people(2, now=NOON - MINUTE)
    flow = waiting_for("custom_event", {"event": "visit_of_shop"})
    record([NewEvent("visit_of_shop", NOON + MINUTE, contact_id=one.pk)], now=NOON + MINUTE)
    activation.activate(flow, now=NOON + 2 * MINUTE, user=None)
    record([NewEvent("visit_of_shop", NOON + 3 * MINUTE, contact_id=two.pk)], now=NOON + 3 * MINUTE)
    engine.tick(now=NOON + 3 * MINUTE)
    assert entered() == [(one.pk, 1), (two.pk, 2)]


@pytest.mark.parametrize("again", [activation.activate, activation.resume])
def test_what_happens_during_a_pause_lets_nobody_in(again: Any) -> None:
    one, two = people(2, now=NOON - MINUTE)
    segment = create_segment(name="Any", kind="static", now=NOON - MINUTE)
    flow = waiting_for("entered_segment", {"segment": segment.pk})
    activation.pause(flow, now=NOON, user=None)
    enters(one, segment, now=NOON + MINUTE)
    again(flow, now=NOON + 2 * MINUTE, user=None)
    enters(two, segment, now=NOON + 2 * MINUTE)
    engine.tick(now=NOON + 3 * MINUTE)
    assert [contact for contact, _number in entered()] == [two.pk]


def test_what_happened_just_before_the_pause_ends_lets_nobody_in() -> None:
    one, two = people(2, now=NOON - MINUTE)
    flow = waiting_for("custom_event", {"event": "visit_of_shop"})
    waiting_for("custom_event", {"event": "visit_of_shop"}, "Other")
    activation.pause(flow, now=NOON, user=None)
    record([NewEvent("visit_of_shop", NOON + MINUTE, contact_id=one.pk)], now=NOON + MINUTE)
    activation.resume(flow, now=NOON + 2 * MINUTE, user=None)
    record([NewEvent("visit_of_shop", NOON + 3 * MINUTE, contact_id=two.pk)], now=NOON + 3 * MINUTE)
    engine.tick(now=NOON + 3 * MINUTE)
    assert set(Run.objects.filter(workflow=flow).values_list("contact_id", flat=True)) == {two.pk}
    assert Run.objects.count() == 3
