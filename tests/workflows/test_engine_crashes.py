"""Whatever the graph, whatever happens and wherever the engine is cut off: the effects are those of a quiet day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.models import Message
from contacts.events import NewEvent, record
from contacts.models import Arrival, Contact
from segments.editing import create_segment
from segments.membership import add, remove
from segments.models import Cause, Membership, Segment, Transition
from tests.workflows.flows import active, graph, people, ways
from tests.workflows.kinds import registered
from workflows import engine
from workflows.engine import frozen
from workflows.graph import parse
from workflows.models import Count, Incident, WebContent, Workflow

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
EXAMPLES = 20
EMAIL = {"name": "News", "kind": "transactional", "subject": "News", "body": "Hello {{ contact.email }}"}
CONTENT = {"name": "Popup", "kind": "popup", "title": "Hello", "days": 3}


class Crash(BaseException):
    """The process is gone."""


@contextmanager
def crashing(places: Iterator[int]) -> Iterator[None]:
    """Lose the process after so many statements of the database, half of the times when the statement is done."""
    countdown = [next(places), next(places)]

    def execute(run: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        countdown[0] -= 1
        if countdown[0] == 0 and countdown[1] % 2:
            raise Crash
        result = run(sql, params, many, context)
        if countdown[0] == 0:
            raise Crash
        return result

    with connection.execute_wrapper(execute):
        yield


@dataclass(frozen=True)
class World:
    """A graph over two static segments, and what happens, hour by hour."""

    graph: dict[str, Any]
    happenings: list[list[tuple[str, int, str]]]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    random = Random(draw(st.integers(0, 2**32)))
    count = draw(st.integers(1, 7))
    kinds: list[tuple[str, dict[str, Any], list[str]]] = []
    for _number in range(count):
        which = random.choice(["A", "B"])
        kinds.append(
            random.choice(
                [
                    ("is_in_segment", {"segment": which}, ["yes", "no"]),
                    ("test_even", {}, ["yes", "no"]),
                    ("add_to_segment", {"segment": which}, ["next"]),
                    ("remove_from_segment", {"segment": which}, ["next"]),
                    ("add_points", {"points": random.choice([1, 5])}, ["next"]),
                    ("add_points", {"points": 10, "limits": {"contact": "once"}}, ["next"]),
                    ("send_email", EMAIL, ["next"]),
                    ("send_web_content", CONTENT, ["next"]),
                    ("test_pause", {}, ["next"]),
                    ("test_buys", {"category": random.choice(["desks", "lamps"])}, ["next"]),
                    ("test_moves", {"way": random.choice(["entered", "left"]), "segment": which}, ["next"]),
                ]
            )
        )
    nodes = {f"n{number}": (kind, options) for number, (kind, options, _ports) in enumerate(kinds)}
    edges = ["start > n0"]
    for number, (_kind, _options, ports) in enumerate(kinds):
        for port in ports:
            after = random.randint(number + 1, count)
            if after < count:
                edges.append(f"n{number}.{port} > n{after}")
    start = {"reentry": random.choice(["never", "always"]), "which": random.choice(["both", "new", "existing"])}
    if random.random() < 0.3:
        start |= {"limitation": "segment", "segment": "A", "exit_when_left": random.random() < 0.5}
    if random.random() < 0.3:
        start |= {"goal": "segment", "goal_segment": "B"}
    happenings = [
        [
            random.choice(
                [
                    ("buy", random.randrange(4), random.choice(["desks", "lamps"])),
                    ("enter", random.randrange(4), random.choice(["A", "B"])),
                    ("leave", random.randrange(4), random.choice(["A", "B"])),
                    ("new", 0, ""),
                ]
            )
            for _each in range(random.randint(0, 3))
        ]
        for _hour in range(4)
    ]
    stored = graph(nodes, *edges, start=start)
    reached = parse(stored).reachable()
    stored["nodes"] = [node for node in stored["nodes"] if node["id"] in reached]
    stored["edges"] = [edge for edge in stored["edges"] if edge["from"] in reached]
    return World(stored, happenings)


def named(stored: Any, segments: dict[str, Segment]) -> Any:
    """The graph with the ids of the segments in place of their names."""
    if isinstance(stored, dict):
        return {
            key: segments[value].pk if key in ("segment", "goal_segment") else named(value, segments)
            for key, value in stored.items()
        }
    return [named(one, segments) for one in stored] if isinstance(stored, list) else stored


def happen(kind: str, contact: Contact, which: str, segments: dict[str, Segment], *, now: datetime) -> None:
    one = Contact.objects.filter(pk=contact.pk)
    if kind == "buy":
        record([NewEvent("purchase", now, contact_id=contact.pk, properties={"category": which})], now=now)
    elif kind == "enter":
        add(segments[which], one, now=now, cause=Cause.HAND)
    elif kind == "leave":
        remove(segments[which], one, now=now, cause=Cause.HAND)
    else:
        people(1, now=now)


def live_through(world: World, places: Iterator[int] | None) -> dict[str, Any]:
    """What a world leaves behind. ``places`` says after how many statements the engine is cut off, again and again."""
    contacts = people(4, now=START - HOUR)
    segments = {name: create_segment(name=name, kind="static", now=START - HOUR) for name in ("A", "B")}
    add(
        segments["A"],
        Contact.objects.filter(pk__in=[one.pk for one in contacts[:3]]),
        now=START - HOUR,
        cause=Cause.HAND,
    )
    flow = active("Any", named(world.graph, segments), now=START)
    for hour, happenings in enumerate([[], *world.happenings, [], []]):
        now = START + hour * HOUR
        for kind, number, which in happenings:
            happen(kind, contacts[number], which, segments, now=now)
        tick(now, places)
    return effects(flow, first=contacts[0].pk)


def tick(now: datetime, places: Iterator[int] | None) -> None:
    if places is not None:
        for _crash in range(4):
            try:
                with crashing(places):
                    engine.tick(now=now)
            except Crash:
                continue
            break
    while engine.tick(now=now):
        pass


def effects(flow: Workflow, *, first: int) -> dict[str, Any]:
    return {
        "ways": {pk - first: Counter(map(tuple, found)) for pk, found in ways(flow).items()},
        "members": sorted(
            (one.segment.name, one.contact_id - first) for one in Membership.objects.select_related("segment")
        ),
        "transitions": Counter(
            (one.segment.name, one.contact_id - first, one.kind, one.at)
            for one in Transition.objects.select_related("segment")
        ),
        "points": {pk - first: points for pk, points in Contact.objects.values_list("pk", "points")},
        "counts": {(one.node, one.port): (one.passed, one.acted) for one in Count.objects.all()},
        "messages": Counter(
            (contact_id - first, state, key.rpartition(":")[2])
            for contact_id, state, key in Message.objects.values_list("contact_id", "state", "key")
        ),
        "contents": Counter(pk - first for pk in WebContent.objects.values_list("contact_id", flat=True)),
        "incidents": Incident.objects.count(),
        "left over": Arrival.objects.count(),
    }


class Undone(Exception):
    """Takes a world back."""


def effects_of(world: World, places: Iterator[int] | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    try:
        with transaction.atomic():
            found = live_through(world, places)
            raise Undone
    except Undone:
        frozen.forget()
    return found


@pytest.mark.django_db
@settings(max_examples=EXAMPLES)
@given(world=worlds(), seed=st.integers(0, 2**32))
def test_a_crash_anywhere_changes_nothing(world: World, seed: int) -> None:
    random = Random(seed)
    with registered():
        quiet = effects_of(world, None)
        assert quiet["incidents"] == 0
        assert quiet["left over"] == 0
        broken = effects_of(world, iter(lambda: random.randint(1, 60), 0))
    assert broken == quiet
