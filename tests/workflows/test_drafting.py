"""Drafts: creating and saving them, two editors, and changing a graph without drawing."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from crm.models import User
from tests.workflows.flows import graph
from tests.workflows.kinds import registered
from workflows.drafting import ChangedMeanwhile, create, describe, differs_from_version, free_name, save_draft
from workflows.graph import MOST_NODES, Graph, MalformedGraph, parse
from workflows.graph_edits import in_order, with_next, with_node, with_settings, without_node
from workflows.models import Version, Workflow

pytestmark = pytest.mark.django_db

PASS: tuple[str, dict[str, Any]] = ("test_pass", {})
EVEN: tuple[str, dict[str, Any]] = ("test_even", {})
BUYS: tuple[str, dict[str, Any]] = ("test_buys", {"category": "desks"})


@pytest.fixture(autouse=True)
def kinds() -> Iterator[None]:
    with registered():
        yield


def edges(graph: Graph) -> set[tuple[str, str, str]]:
    return {(edge.start, edge.port, edge.end) for edge in graph.edges}


def test_a_new_workflow_has_nothing_but_start(marketer: User, now: datetime):
    workflow = create(name="Welcome", now=now, user=marketer)
    assert [(node["id"], node["type"]) for node in workflow.draft["nodes"]] == [("start", "start")]
    assert (workflow.state, workflow.draft_number, workflow.created_by, workflow.created_at) == (
        "draft",
        1,
        marketer,
        now,
    )


def test_each_save_has_the_next_number(marketer: User, now: datetime):
    workflow = create(name="Welcome", now=now)
    later = now + timedelta(minutes=5)
    assert save_draft(workflow, parse(graph({"a": PASS}, "start > a")), number=1, now=later, user=marketer) == 2
    assert save_draft(workflow, parse(graph({"b": PASS}, "start > b")), number=2, now=later, user=marketer) == 3
    stored = Workflow.objects.get()
    assert [node["id"] for node in stored.draft["nodes"]] == ["start", "b"]
    assert (stored.draft_number, stored.updated_by, stored.updated_at) == (3, marketer, later)
    assert workflow.draft_number == 3


def test_nobody_overwrites_what_somebody_else_saved(marketer: User, administrator: User, now: datetime):
    workflow = create(name="Welcome", now=now)
    save_draft(workflow, parse(graph({"theirs": PASS}, "start > theirs")), number=1, now=now, user=administrator)
    with pytest.raises(ChangedMeanwhile) as meanwhile:
        save_draft(workflow, parse(graph({"mine": PASS}, "start > mine")), number=1, now=now, user=marketer)
    assert meanwhile.value.saved.updated_by == administrator
    assert [node["id"] for node in Workflow.objects.get().draft["nodes"]] == ["start", "theirs"]


def test_sending_the_same_draft_again_is_no_other_save(now: datetime):
    workflow = create(name="Welcome", now=now)
    sent = parse(graph({"a": PASS}, "start > a"))
    assert save_draft(workflow, sent, number=1, now=now) == 2
    assert save_draft(workflow, sent, number=1, now=now) == 2


@pytest.mark.parametrize("text", ["\x00", "\ud800"])
def test_what_a_database_cannot_hold_is_refused(now: datetime, text: str):
    workflow = create(name="Welcome", now=now)
    with pytest.raises(MalformedGraph):
        save_draft(workflow, parse(graph({"a": ("test_pass", {"text": text})}, "start > a")), number=1, now=now)
    with pytest.raises(MalformedGraph):
        create(name="Other", now=now, draft=graph({"a": ("test_pass", {"text": float("nan")})}))
    odd = parse(graph({"a": ("test_pass", {"text": r"\u0000 as it is written"})}, "start > a"))
    assert save_draft(workflow, odd, number=1, now=now) == 2


def test_describing_leaves_the_draft_alone(marketer: User, now: datetime):
    workflow = create(name="Welcome", now=now)
    describe(workflow, name="Welcome, Spain", description="D", folder="F", test_segment=None, now=now, user=marketer)
    stored = Workflow.objects.get()
    assert (stored.name, stored.description, stored.folder, stored.draft_number) == ("Welcome, Spain", "D", "F", 1)


def test_free_names_get_a_number(now: datetime):
    assert free_name("Welcome") == "Welcome"
    create(name="WELCOME", now=now)
    create(name="Welcome 2", now=now)
    assert free_name("Welcome") == "Welcome 3"
    create(name="x" * 200, now=now)
    assert free_name("x" * 250) == "x" * 194 + " 2"


def test_places_and_notes_make_no_other_workflow(now: datetime):
    stored = graph({"a": PASS}, "start > a")
    workflow = create(name="Welcome", now=now, draft=stored)
    assert not differs_from_version(workflow)
    workflow.version = Version.objects.create(workflow=workflow, number=1, graph=workflow.draft, saved_at=now)
    moved = graph({"a": PASS}, "start > a")
    moved["nodes"][1] |= {"x": 900, "note": "Ask Mara"}
    save_draft(workflow, parse(moved), number=1, now=now)
    assert not differs_from_version(workflow)
    save_draft(workflow, parse(graph({"a": EVEN}, "start > a")), number=2, now=now)
    assert differs_from_version(workflow)


class TestEdits:
    def test_a_node_is_added_behind_another_one(self):
        begun = parse(graph({"a": EVEN}, "start > a"))
        grown, added = with_node(begun, "test_pass", after="a", port="no")
        assert edges(grown) - edges(begun) == {("a", "no", added)}
        assert grown.nodes[added].x > grown.nodes["a"].x

    def test_what_followed_follows_the_new_node(self):
        begun = parse(graph({"a": PASS, "b": PASS}, "start > a", "a > b"))
        grown, added = with_node(begun, "test_even", after="a", port="next")
        assert edges(grown) == {("start", "next", "a"), ("a", "next", added), (added, "yes", "b")}

    def test_triggers_stand_side_by_side_behind_start(self):
        begun = parse(graph({"a": BUYS}, "start > a"))
        grown, added = with_node(begun, "test_buys", after="start", port="next")
        assert edges(grown) == {("start", "next", "a"), ("start", "next", added)}

    def test_new_cards_lie_on_no_other(self):
        grown = parse(graph({"a": EVEN}, "start > a"))
        for port in ("yes", "no"):
            grown, _added = with_node(grown, "test_pass", after="a", port=port)
        assert len({(node.x, node.y) for node in grown.nodes.values() if node.id not in {"start", "a"}}) == 2

    def test_there_is_an_end_to_adding(self):
        full = graph({f"n{number}": PASS for number in range(MOST_NODES - 1)}, "start > n0")
        with pytest.raises(MalformedGraph, match="at most 200"):
            with_node(parse(full), "test_pass", after="n0", port="next")

    def test_a_removed_node_closes_the_gap(self):
        begun = parse(graph({"a": PASS, "b": PASS, "c": EVEN}, "start > a", "a > b", "b > c", "c.no > a"))
        assert edges(without_node(begun, "b")) == {("start", "next", "a"), ("a", "next", "c"), ("c", "no", "a")}

    def test_a_removed_parting_leaves_ends(self):
        begun = parse(graph({"a": EVEN, "b": PASS, "c": PASS}, "start > a", "a.yes > b", "a.no > c"))
        assert edges(without_node(begun, "a")) == set()

    def test_edges_of_ways_that_are_gone_go_with_them(self, now: datetime):
        two = {"branches": [{"key": "a", "name": "A", "share": 50}, {"key": "b", "name": "B", "share": 50}]}
        begun = parse(graph({"s": EVEN, "x": PASS, "y": PASS}, "start > s", "s.yes > x", "s.gone > y"))
        assert ("s", "gone", "y") not in edges(with_settings(begun, "s", two, ""))
        assert with_settings(begun, "s", two, "Half").nodes["s"].note == "Half"

    def test_a_way_out_leads_elsewhere(self):
        begun = parse(graph({"a": PASS, "b": PASS}, "start > a", "a > b"))
        assert edges(with_next(begun, "a", "next", [])) == {("start", "next", "a")}
        assert with_next(begun, "a", "next", ["b"]) is begun

    def test_nodes_are_read_in_the_order_of_the_ways(self):
        begun = parse(graph({"lost": PASS, "c": PASS, "b": PASS, "a": EVEN}, "start > a", "a.yes > b", "a.no > c"))
        assert [node.id for node in in_order(begun)] == ["start", "a", "b", "c", "lost"]
