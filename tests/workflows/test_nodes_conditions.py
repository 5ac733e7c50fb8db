"""Conditions and splits, on batches of runs: exact sets of contacts by port, and how many queries that takes."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.models import Contact
from segments import membership
from segments.editing import create_segment, delete_segment
from segments.models import Cause, Segment
from segments.refresh import refresh_segment
from tests.workflows.batches import batch, worked
from tests.workflows.flows import people
from workflows.nodes import NODES
from workflows.nodes.base import CannotWork, NodeContext

pytestmark = pytest.mark.django_db


def static(name: str, contacts: list[Contact], now: datetime) -> Segment:
    segment = create_segment(name=name, description="", kind="static", is_test=False, definition=None, now=now)
    membership.add(segment, Contact.objects.filter(pk__in=[one.pk for one in contacts]), now=now, cause=Cause.HAND)
    return segment


def queries(of: Any) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        of()
    return len(captured)


def faults(kind: str, settings: dict[str, Any]) -> list[tuple[str, str]]:
    return NODES[kind].faults(settings, NodeContext())


def test_is_in_segment(now: datetime) -> None:
    inside, outside = people(3, now=now), people(2, now=now)
    segment = static("Friends", inside, now)
    everybody = [one.pk for one in (*inside, *outside)]
    found = worked(batch("is_in_segment", {"segment": segment.pk}, everybody, now=now))
    assert found.ports == {"yes": {one.pk for one in inside}, "no": {one.pk for one in outside}}


def test_is_in_a_dynamic_segment(now: datetime) -> None:
    rich, poor = people(1, now=now, points=90)[0], people(1, now=now, points=10)[0]
    definition = {
        "version": 1,
        "match": "all",
        "rules": [{"type": "field", "field": "points", "operator": "at_least", "value": 50}],
    }
    segment = create_segment(name="Rich", description="", kind="dynamic", is_test=False, definition=definition, now=now)
    refresh_segment(segment, now=now)
    found = worked(batch("is_in_segment", {"segment": segment.pk}, [rich.pk, poor.pk], now=now))
    assert found.ports == {"yes": {rich.pk}, "no": {poor.pk}}


@pytest.mark.parametrize("count", [1, 3, 120])
def test_is_in_segment_asks_once_for_all(now: datetime, count: int) -> None:
    contacts = people(count, now=now)
    segment = static("Friends", contacts[: count // 2], now)
    of = batch("is_in_segment", {"segment": segment.pk}, [one.pk for one in contacts], now=now)
    worked(of)
    assert queries(lambda: worked(of)) == 2  # whether the segment is still there, and who is in it


def test_a_deleted_segment_stops_the_work(now: datetime) -> None:
    contacts = people(2, now=now)
    segment = static("Friends", contacts, now)
    of = batch("is_in_segment", {"segment": segment.pk}, [contacts[0].pk], now=now)
    worked(of)
    delete_segment(segment, now=now)
    with pytest.raises(CannotWork, match="deleted"):
        worked(of)
    assert faults("is_in_segment", {"segment": segment.pk}) == [
        ("segment", "What was chosen here is gone. Choose another one.")
    ]
    assert NODES["is_in_segment"].describe({"segment": segment.pk}, NodeContext()) == "a segment that is gone"


def test_is_in_segment_needs_a_segment(now: datetime) -> None:
    assert faults("is_in_segment", {}) == [("segment", "Choose a segment.")]
    assert NODES["is_in_segment"].segments({}) == set()
    assert NODES["is_in_segment"].segments({"segment": 3}) == {3}


TWO = {"branches": [{"key": "b1", "name": "", "share": 1}, {"key": "b2", "name": "Bold", "share": 3}]}


def split(settings: dict[str, Any], contacts: range, now: datetime, **options: Any) -> dict[str, set[int]]:
    return worked(batch("split", settings, contacts, now=now, **options)).ports


def test_split_shares(now: datetime) -> None:
    ports = split(TWO, range(1, 10_001), now)
    assert set(ports) == {"b1", "b2"}
    assert abs(len(ports["b1"]) - 2_500) < 200  # 4.6 times the standard deviation


def test_split_into_ten_even_branches(now: datetime) -> None:
    settings = {"branches": [{"key": f"b{number}", "name": "", "share": 7} for number in range(10)]}
    sizes = Counter({key: len(contacts) for key, contacts in split(settings, range(10_000), now).items()})
    assert len(sizes) == 10
    assert all(abs(size - 1_000) < 140 for size in sizes.values())


def test_split_is_the_same_again(now: datetime) -> None:
    contacts = range(1, 500)
    assert split(TWO, contacts, now) == split(TWO, contacts, now)
    one_by_one: dict[str, set[int]] = {"b1": set(), "b2": set()}
    for pk in contacts:
        for key, found in split(TWO, range(pk, pk + 1), now).items():
            one_by_one[key] |= found
    assert one_by_one == split(TWO, contacts, now)


def test_splits_are_independent(now: datetime) -> None:
    even = {"branches": [{"key": key, "name": "", "share": 1} for key in ("b1", "b2")]}
    contacts = range(10_000)
    first, second = split(even, contacts, now), split(even, contacts, now, node_id="n2")
    other = split(even, contacts, now, workflow=8)
    assert abs(len(first["b1"] & second["b1"]) - 2_500) < 200
    assert abs(len(first["b1"] & other["b1"]) - 2_500) < 200


def test_split_faults_ports_and_words() -> None:
    node = NODES["split"]
    assert [(port.key, port.label, port.kind) for port in node.ports(TWO)] == [
        ("b1", "A", "branch"),
        ("b2", "Bold", "branch"),
    ]
    assert node.describe(TWO, NodeContext()) == "A 25 % · Bold 75 %"
    assert faults("split", {"branches": [{"key": "b1", "share": 0}, {"key": "b2", "name": "Bold"}]}) == [
        ("", "A: Ensure this value is greater than or equal to 1."),
        ("", "Bold: This field is required."),
    ]
    assert [port.key for port in node.ports({"branches": "no list"})] == ["b1", "b2"]


def field_rule(field: str, operator: str, **value: Any) -> dict[str, Any]:
    return {"type": "field", "field": field, "operator": operator, **value}


def asking(*rules: dict[str, Any], match: str = "all") -> dict[str, Any]:
    return {"definition": {"version": 1, "match": match, "rules": list(rules)}}


def test_has_field(now: datetime) -> None:
    spanish, german, nowhere = (people(1, now=now, country=country)[0].pk for country in ("ES", "DE", ""))
    everybody = [spanish, german, nowhere]
    settings = asking(field_rule("country", "is_not", value="ES"))
    assert worked(batch("has_field", settings, everybody, now=now)).ports == {
        "yes": {german, nowhere},
        "no": {spanish},
    }
    settings["definition"]["rules"][0]["only_set"] = True
    assert worked(batch("has_field", settings, everybody, now=now)).ports == {
        "yes": {german},
        "no": {spanish, nowhere},
    }


def test_by_value(now: datetime) -> None:
    cold, warm, hot = (people(1, now=now, points=points)[0].pk for points in (5, 60, 150))
    settings = {
        "field": "points",
        "branches": [
            {"key": "b1", "name": "Hot", "rule": field_rule("points", "at_least", value=100)},
            {"key": "b2", "name": "", "rule": field_rule("points", "at_least", value=50)},
        ],
    }
    of = batch("split_by_value", settings, [cold, warm, hot], now=now)
    assert worked(of).ports == {"b1": {hot}, "b2": {warm}, "other": {cold}}
    assert queries(lambda: worked(of)) == 1
    assert [str(port.label) for port in NODES["split_by_value"].ports(of.settings)] == [
        "Hot",
        "Points is at least 50",
        "Other",
    ]
    assert NODES["split_by_value"].describe(of.settings, NodeContext()) == "by Points"
