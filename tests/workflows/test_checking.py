"""What must be put right before a workflow can be activated."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from tests.segments.pages import static
from tests.workflows.flows import graph
from tests.workflows.kinds import registered
from workflows.checking import faults
from workflows.graph import parse

pytestmark = pytest.mark.django_db

PASS: tuple[str, dict[str, Any]] = ("test_pass", {})
EVEN: tuple[str, dict[str, Any]] = ("test_even", {})
PAUSE: tuple[str, dict[str, Any]] = ("test_pause", {})
BUYS: tuple[str, dict[str, Any]] = ("test_buys", {"category": "desks"})

NOWHERE = ("start", "Start leads nowhere: connect it with the first step.")
LONELY = "Nothing leads to this node."
UNREACHED = "No way leads from Start to this node."
ENDLESS = "From here contacts would go in a circle without end: put a wait into it."


@pytest.fixture(autouse=True)
def kinds() -> Iterator[None]:
    with registered():
        yield


def told(stored: dict[str, Any]) -> list[tuple[str, str]]:
    return [(fault.node, fault.message) for fault in faults(parse(stored))]


def test_what_is_right_has_no_faults():
    stored = graph({"a": EVEN, "b": PASS, "c": PAUSE}, "start > a", "a.yes > b", "a.no > c", "c > b")
    assert told(stored) == []


def test_start_must_lead_somewhere():
    assert told(graph({})) == [NOWHERE]


def test_there_is_exactly_one_start():
    without = {"nodes": [{"id": "a", "type": "test_pass"}], "edges": []}
    assert told(without) == [("", "There is no Start: nobody can enter.")]
    several = graph({"a": PASS, "other": ("start", {})}, "start > a", "other > a")
    assert told(several) == [("other", "A workflow has one Start: remove this one.")]


def test_nothing_leads_into_start():
    stored = graph({"a": PAUSE}, "start > a", "a > start")
    assert told(stored) == [("start", "An edge leads into Start: nothing comes before it.")]


def test_kinds_that_nobody_knows_are_told():
    stored = graph({"a": ("send_fax", {})}, "start > a")
    assert told(stored) == [("a", "Nobody knows this kind of node (“send_fax”): remove it.")]


def test_faults_of_settings_name_the_node_and_the_field(now: datetime):
    segment = static("VIP", now=now)
    stored = graph(
        {"a": ("is_in_segment", {}), "b": ("is_in_segment", {"segment": segment.pk})}, "start > a", "a.yes > b"
    )
    [fault] = faults(parse(stored))
    assert (fault.node, fault.field) == ("a", "segment")


def test_ways_out_that_are_gone_are_told():
    stored = graph({"a": PASS, "b": PASS}, "start > a", "a.yes > b")
    assert told(stored) == [("a", "An edge leaves by “yes”, which is no way out any more.")]


def test_every_node_must_be_reached_from_start():
    stored = graph({"a": PASS, "b": PASS, "c": PASS}, "start > a", "b > c")
    assert told(stored) == [("b", LONELY), ("c", UNREACHED)]


def test_only_start_leads_to_several_and_only_to_triggers():
    assert told(graph({"a": BUYS, "b": BUYS}, "start > a", "start > b")) == []
    mixed = graph({"a": BUYS, "b": PASS}, "start > a", "start > b")
    assert told(mixed) == [("start", "Start leads to several steps, which is for triggers only.")]
    forked = graph({"a": PASS, "b": BUYS, "c": BUYS}, "start > a", "a > b", "a > c")
    assert told(forked) == [("a", "Several edges leave by one way out: a contact can only go one way.")]


@pytest.mark.parametrize(
    ("nodes", "edges", "expected"),
    [
        ({"a": PASS}, ["start > a", "a > a"], [("a", ENDLESS)]),
        ({"a": PASS, "b": EVEN}, ["start > a", "a > b", "b.no > a"], [("a", ENDLESS)]),
        ({"a": PASS, "b": PAUSE}, ["start > a", "a > b", "b > a"], []),
        ({"a": PASS, "b": BUYS}, ["start > a", "a > b", "b > a"], []),
        (
            {"a": EVEN, "b": PASS, "c": PASS},
            ["start > a", "a.yes > b", "b > b", "a.no > c", "c > c"],
            [("b", ENDLESS), ("c", ENDLESS)],
        ),
    ],
    ids=["itself", "several", "with a wait", "with a trigger", "two circles"],
)
def test_circles_must_have_a_wait(nodes: Any, edges: list[str], expected: list[tuple[str, str]]):
    assert told(graph(nodes, *edges)) == expected


def test_faults_stand_in_the_order_of_the_nodes():
    stored = graph({"a": ("send_fax", {}), "b": PASS, "c": ("send_fax", {})}, "start > a")
    assert [node for node, _message in told(stored)] == ["a", "b", "c", "c"]
