"""Stories: what happens, with a stepped clock, and the whole way of every contact."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contacts.events import NewEvent, record
from contacts.models import Contact
from segments.editing import create_segment
from segments.membership import add, remove
from segments.models import Cause, Segment
from tests.workflows.flows import active, graph, people, ways
from tests.workflows.kinds import registered
from workflows import activation, engine
from workflows.engine import failing
from workflows.models import Count, Incident, Run

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _kinds() -> Iterator[None]:
    with registered():
        yield


def bought(contact: Contact, category: str, at: datetime) -> None:
    event = NewEvent("purchase", at, contact_id=contact.pk, properties={"category": category})
    assert record([event], now=at)[0].outcome == "recorded"


def static(name: str) -> Segment:
    return create_segment(name=name, kind="static", now=NOON)


def test_everybody_who_exists_goes_through_as_a_set() -> None:
    one, two, three = people(3, now=NOON - MINUTE)
    flow = active(
        "All",
        graph({"a": ("test_even", {}), "b": ("test_pass", {})}, "start > a", "a.yes > b", start={"which": "existing"}),
        now=NOON,
    )
    engine.tick(now=NOON)
    expected = {
        contact.pk: [["start.next", "a.yes", "b.next", "finished"]]
        if contact != two
        else [["start.next", "a.no", "finished"]]
        for contact in (one, two, three)
    }
    assert ways(flow) == expected
    counts = {(c.node, c.port): (c.passed, c.acted) for c in Count.objects.all()}
    assert counts == {
        ("start", "next"): (3, 0),
        ("a", "yes"): (2, 0),
        ("a", "no"): (1, 0),
        ("b", "next"): (2, 2),
    }
    (new,) = people(1, now=NOON + MINUTE)
    engine.tick(now=NOON + MINUTE)
    assert new.pk not in ways(flow)


def test_the_new_ones_start_once_and_the_existing_ones_do_not() -> None:
    people(2, now=NOON - MINUTE)
    settings = {"which": "new", "limitation": "with_email"}
    flow = active("New", graph({"a": ("test_pass", {})}, "start > a", start=settings), now=NOON)
    (known,) = people(1, now=NOON + MINUTE)
    anonymous = Contact.objects.create(visitor_key="v1", created_at=NOON + MINUTE, updated_at=NOON + MINUTE)
    engine.tick(now=NOON + MINUTE)
    assert ways(flow) == {known.pk: [["start.next", "a.next", "finished"]]}
    Contact.objects.filter(pk=anonymous.pk).update(email="now@example.org")
    Contact.objects.filter(pk=known.pk).update(phone="+34600000000")
    engine.tick(now=NOON + 2 * MINUTE)
    assert ways(flow) == {pk: [["start.next", "a.next", "finished"]] for pk in (known.pk, anonymous.pk)}


def test_a_trigger_behind_start_begins_a_run_and_one_further_down_is_waited_for() -> None:
    one, two = people(2, now=NOON - MINUTE)
    stored = graph(
        {"t": ("test_buys", {"category": "desks"}), "u": ("test_buys", {"category": "lamps"}), "z": ("test_pass", {})},
        "start > t",
        "t > u",
        "u > z",
        start={"reentry": "always"},
    )
    flow = active("Desks", stored, now=NOON)
    bought(one, "desks", NOON - timedelta(hours=1))  # before it was in force
    bought(one, "lamps", NOON + MINUTE)
    bought(two, "chairs", NOON + MINUTE)
    engine.tick(now=NOON + MINUTE)
    assert ways(flow) == {}
    bought(one, "desks", NOON + 2 * MINUTE)
    engine.tick(now=NOON + 2 * MINUTE)
    assert ways(flow) == {one.pk: [["t.next", "at u"]]}
    bought(one, "desks", NOON + 3 * MINUTE)
    bought(one, "chairs", NOON + 3 * MINUTE)
    engine.tick(now=NOON + 3 * MINUTE)
    assert ways(flow) == {one.pk: [["t.next", "at u"], ["t.next", "at u"]]}
    bought(one, "lamps", NOON + 4 * MINUTE)
    engine.tick(now=NOON + 4 * MINUTE)
    assert ways(flow) == {one.pk: [["t.next", "u.next", "z.next", "finished"]] * 2}
    assert Count.objects.get(node="start").passed == 2


def test_entering_and_leaving_a_segment_are_seen_once_and_in_order() -> None:
    one, two = people(2, now=NOON - MINUTE)
    segment = static("Desks")
    add(segment, Contact.objects.filter(pk=one.pk), now=NOON - MINUTE, cause=Cause.HAND)
    came = active(
        "In",
        graph(
            {"t": ("test_moves", {"way": "entered", "segment": segment.pk})}, "start > t", start={"reentry": "always"}
        ),
        now=NOON,
    )
    went = active(
        "Out",
        graph({"t": ("test_moves", {"way": "left", "segment": segment.pk})}, "start > t", start={"reentry": "always"}),
        now=NOON,
    )
    for minute in range(3):
        at = NOON + (minute + 1) * MINUTE
        add(segment, Contact.objects.filter(pk=two.pk), now=at, cause=Cause.HAND)
        remove(segment, Contact.objects.filter(pk=two.pk), now=at, cause=Cause.HAND)
    engine.tick(now=NOON + 5 * MINUTE)
    engine.tick(now=NOON + 5 * MINUTE)
    assert ways(came) == {two.pk: [["t.next", "finished"]] * 3}
    assert ways(went) == {two.pk: [["t.next", "finished"]] * 3}


@pytest.mark.parametrize(
    ("reentry", "runs"),
    [
        ({"reentry": "never"}, 1),
        ({"reentry": "after", "reentry_count": 2, "reentry_unit": "hours"}, 2),
        ({"reentry": "always"}, 4),
    ],
)
def test_entering_again(reentry: dict[str, Any], runs: int) -> None:
    (one,) = people(1, now=NOON - MINUTE)
    flow = active("Again", graph({"t": ("test_buys", {"category": "desks"})}, "start > t", start=reentry), now=NOON)
    for minutes in (1, 1, 60, 180):
        bought(one, "desks", NOON + minutes * MINUTE)
        engine.tick(now=NOON + minutes * MINUTE)
    assert len(ways(flow)[one.pk]) == runs


def test_who_leaves_the_segment_leaves_the_workflow_and_who_reaches_the_goal_ends() -> None:
    one, two, three = people(3, now=NOON - MINUTE)
    segment = static("Members")
    add(segment, Contact.objects.all(), now=NOON - MINUTE, cause=Cause.HAND)
    start = {
        "limitation": "segment",
        "segment": segment.pk,
        "exit_when_left": True,
        "goal": "event",
        "goal_event": "purchase",
    }
    flow = active(
        "Goal", graph({"w": ("test_pause", {}), "z": ("test_pass", {})}, "start > w", "w > z", start=start), now=NOON
    )
    engine.tick(now=NOON)
    remove(segment, Contact.objects.filter(pk=one.pk), now=NOON + MINUTE, cause=Cause.HAND)
    bought(two, "anything", NOON + MINUTE)
    engine.tick(now=NOON + MINUTE)
    assert ways(flow) == {
        one.pk: [["start.next", "exited"]],
        two.pk: [["start.next", "goal"]],
        three.pk: [["start.next", "at w"]],
    }
    engine.tick(now=NOON + timedelta(minutes=59))
    assert ways(flow)[three.pk] == [["start.next", "at w"]]
    engine.tick(now=NOON + timedelta(hours=1))
    assert ways(flow)[three.pk] == [["start.next", "w.next", "z.next", "finished"]]
    add(segment, Contact.objects.filter(pk=one.pk), now=NOON + timedelta(hours=2), cause=Cause.HAND)
    engine.tick(now=NOON + timedelta(hours=2))
    assert len(ways(flow)[one.pk]) == 1  # each contact once


def test_a_version_is_frozen_and_contacts_inside_go_on_in_it_or_are_moved() -> None:
    one, two = people(2, now=NOON - MINUTE)
    flow = active("Edit", graph({"w": ("test_pause", {}), "old": ("test_pass", {})}, "start > w", "w > old"), now=NOON)
    engine.tick(now=NOON)
    flow.draft = graph({"w": ("test_pause", {}), "new": ("test_pass", {})}, "start > w", "w > new")
    flow.save()
    second = activation.activate(flow, now=NOON + MINUTE, user=None)
    assert set(Run.objects.values_list("version__number", flat=True)) == {1}
    engine.tick(now=NOON + timedelta(hours=1))
    assert ways(flow) == {pk: [["start.next", "w.next", "old.next", "finished"]] for pk in (one.pk, two.pk)}
    (three,) = people(1, now=NOON + timedelta(hours=1))
    engine.tick(now=NOON + timedelta(hours=1))
    third = activation.activate(flow, now=NOON + timedelta(hours=1, minutes=1), user=None, move=True)
    assert Run.objects.get(contact=three).version_id == third.pk != second.pk
    engine.tick(now=NOON + timedelta(hours=2))
    assert ways(flow)[three.pk] == [["start.next", "w.next", "new.next", "finished"]]


def test_a_paused_workflow_holds_everybody_and_a_finished_one_lets_nobody_in() -> None:
    one, two = people(2, now=NOON - MINUTE)
    stored = graph({"t": ("test_buys", {"category": "desks"}), "w": ("test_pause", {})}, "start > t", "t > w")
    flow = active("Pause", stored, now=NOON)
    bought(one, "desks", NOON + MINUTE)
    engine.tick(now=NOON + MINUTE)
    activation.pause(flow, now=NOON + 2 * MINUTE, user=None)
    bought(two, "desks", NOON + 3 * MINUTE)
    engine.tick(now=NOON + timedelta(hours=2))
    assert ways(flow) == {one.pk: [["t.next", "at w"]]}
    activation.resume(flow, now=NOON + timedelta(hours=2), user=None)
    engine.tick(now=NOON + timedelta(hours=2))
    assert ways(flow) == {one.pk: [["t.next", "w.next", "finished"]]}
    activation.finish(flow, now=NOON + timedelta(hours=3), user=None)
    bought(two, "desks", NOON + timedelta(hours=3))
    engine.tick(now=NOON + timedelta(hours=3))
    assert two.pk not in ways(flow)


def test_one_who_fails_does_not_stop_the_others_and_becomes_an_incident() -> None:
    contacts = people(7, now=NOON - MINUTE)
    bad = contacts[3]
    flow = active("Poison", graph({"p": ("test_poison", {"contacts": [bad.pk]})}, "start > p"), now=NOON)
    engine.tick(now=NOON)
    fine = {contact.pk: [["start.next", "p.next", "finished"]] for contact in contacts if contact != bad}
    assert ways(flow) == fine | {bad.pk: [["start.next", "at p"]]}
    at = NOON
    for wait in (1, 5, 30, 120):
        at += wait * MINUTE
        assert not Incident.objects.exists()
        engine.tick(now=at)
    (incident,) = Incident.objects.all()
    assert (incident.run.contact_id, incident.node, incident.text) == (bad.pk, "p", "ZeroDivisionError: no")
    assert ways(flow)[bad.pk] == [["start.next", "failed"]]
    Contact.objects.filter(pk=bad.pk).update(first_name="Mended")
    assert failing.try_again(incident, user=None, now=at)
    assert not failing.try_again(incident, user=None, now=at)
    engine.tick(now=at)
    assert ways(flow)[bad.pk] == [["start.next", "at p"]]


def test_a_circle_that_does_not_wait_is_cut() -> None:
    (one,) = people(1, now=NOON - MINUTE)
    flow = active(
        "Round", graph({"a": ("test_never", {}), "b": ("test_pass", {})}, "start > a", "a > b", "b > a"), now=NOON
    )
    engine.tick(now=NOON)
    run = Run.objects.get(workflow=flow, contact=one)
    assert (run.state, Incident.objects.get().text) == ("failed", "It goes in a circle without waiting.")


def test_what_is_done_to_a_contact_is_done_for_each_of_its_runs() -> None:
    (one,) = people(1, now=NOON - MINUTE)
    stored = graph(
        {"t": ("test_buys", {"category": "desks"}), "p": ("add_points", {"points": 1})},
        "start > t",
        "t > p",
        start={"reentry": "always"},
    )
    flow = active("Twice", stored, now=NOON)
    for _time in range(3):
        bought(one, "desks", NOON + MINUTE)
    engine.tick(now=NOON + MINUTE)
    assert ways(flow) == {one.pk: [["t.next", "p.next", "finished"]] * 3}
    one.refresh_from_db()
    assert one.points == 3


def test_a_visitor_is_answered_at_once() -> None:
    one, two = people(2, now=NOON - MINUTE)
    stored = graph({"t": ("test_buys", {"category": "desks"}), "a": ("test_pass", {})}, "start > t", "t > a")
    flow = active("Now", stored, now=NOON)
    bought(one, "desks", NOON + MINUTE)
    bought(two, "desks", NOON + MINUTE)
    engine.react([one.pk], now=NOON + MINUTE)
    assert ways(flow) == {one.pk: [["t.next", "a.next", "finished"]]}
    engine.tick(now=NOON + MINUTE)
    assert ways(flow) == {pk: [["t.next", "a.next", "finished"]] for pk in (one.pk, two.pk)}
