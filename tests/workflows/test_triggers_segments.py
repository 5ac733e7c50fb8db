"""Triggers by entering and leaving segments of every type."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contacts import changes
from contacts.models import Contact
from segments import membership
from segments.editing import create_segment, delete_segment
from segments.models import Cause, Segment
from segments.refresh import apply_changes, refresh_segment
from tests.workflows.flows import active, graph, people, ways
from tests.workflows.happenings import described, faults_of, happens
from workflows import engine
from workflows.nodes import NODES

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def made(name: str, kind: str, rule: dict[str, Any] | None = None) -> Segment:
    definition = {"version": 1, "match": "all", "rules": [rule]} if rule else None
    segment = create_segment(name=name, description="", kind=kind, is_test=False, definition=definition, now=NOON)
    if not segment.is_static:
        refresh_segment(segment, now=NOON)
    return segment


def moved(segment: Segment, contact: Contact, at: datetime, *, enters: bool) -> None:
    """Let the contact enter or leave the segment in the way of its type."""
    if segment.is_static:
        move = membership.add if enters else membership.remove
        move(segment, Contact.objects.filter(pk=contact.pk), now=at, cause=Cause.HAND)
    elif segment.kind == Segment.Kind.DYNAMIC:
        with changes.recorded(now=at):
            Contact.objects.filter(pk=contact.pk).update(city="Lugo" if enters else "Vigo", updated_at=at)
    else:
        happens(contact, "purchase" if enters else "email_complained", at)
    apply_changes(now=at)


@pytest.mark.parametrize("kind", ["static", "dynamic", "dynamic_plus"])
def test_who_enters_comes_in_waits_to_leave_and_is_seen_once(kind: str) -> None:
    rule: dict[str, Any] | None = None
    if kind == "dynamic":
        rule = {"type": "field", "field": "city", "operator": "is", "value": "Lugo"}
    elif kind == "dynamic_plus":
        bought = {"type": "event", "event": "purchase", "metric": "count", "operator": "at_least", "value": 1}
        refused = bought | {"event": "email_complained"}
        rule = {
            "match": "all",
            "rules": [
                bought | {"window": {"kind": "ever"}},
                {"match": "none", "rules": [refused | {"window": {"kind": "ever"}}]},
            ],
        }
    segment = made("Theirs", kind, rule)
    one, _other = people(2, now=NOON - MINUTE)
    nodes = {
        "comes": ("entered_segment", {"segment": segment.pk}),
        "goes": ("left_segment", {"segment": segment.pk}),
    }
    flow = active("Both", graph(nodes, "start > comes", "comes > goes"), now=NOON)
    gone = active("Gone", graph({"goes": nodes["goes"]}, "start > goes"), now=NOON)
    moved(segment, one, NOON + MINUTE, enters=True)
    engine.tick(now=NOON + MINUTE)
    assert (ways(flow), ways(gone)) == ({one.pk: [["comes.next", "at goes"]]}, {})
    moved(segment, one, NOON + 2 * MINUTE, enters=False)
    engine.tick(now=NOON + 2 * MINUTE)
    engine.tick(now=NOON + 3 * MINUTE)
    assert ways(flow) == {one.pk: [["comes.next", "goes.next", "finished"]]}
    assert ways(gone) == {one.pk: [["goes.next", "finished"]]}


def test_words_uses_and_faults() -> None:
    segment = made("Office", "static")
    for kind in ("entered_segment", "left_segment"):
        settings = {"segment": segment.pk}
        assert described(kind, settings) == "Office"
        assert described(kind, {}) == ""
        assert NODES[kind].segments(settings) == NODES[kind].segments({"segment": str(segment.pk)}) == {segment.pk}
        assert NODES[kind].segments({"segment": "x"}) == NODES[kind].segments({}) == set()
        assert faults_of(kind, settings) == []
        assert faults_of(kind, {}) == [("segment", "Choose a segment.")]
    delete_segment(segment, now=NOON, user=None)
    assert described("left_segment", {"segment": segment.pk}) == "a segment that is gone"
    assert faults_of("entered_segment", {"segment": segment.pk}) == [
        ("segment", "What was chosen here is gone. Choose another one.")
    ]
