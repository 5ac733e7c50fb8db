"""Schedule: its times by the calendar, as an entry and in the middle of a workflow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone, translation

from tests.workflows.batches import Worked, batch, worked
from tests.workflows.flows import active, graph, people, ways
from workflows import engine
from workflows.models import Appointment
from workflows.nodes import NODES
from workflows.nodes.base import NodeContext, Trigger


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def every(count: int, unit: str, first: str = "2026-03-10", **settings: Any) -> dict[str, Any]:
    """Settings of a schedule, at nine o'clock by default."""
    return {"first": first, "every": count, "unit": unit, "time": "09:00", "zone": "", "ends": "never"} | settings


def times(settings: dict[str, Any], after: str, most: int = 4) -> list[str]:
    """The next times after a moment, by the account's clock."""
    node = NODES["schedule"]
    assert isinstance(node, Trigger)
    found: list[str] = []
    moment: datetime | None = at(after)
    while len(found) < most and moment and (moment := node.opens_at(settings, after=moment)):
        found.append(f"{timezone.localtime(moment, timezone.get_default_timezone()):%Y-%m-%d %H:%M}")
    return found


@pytest.mark.parametrize(
    ("settings", "after", "expected"),
    [
        (every(1, "days"), "2026-03-01 00:00", ["2026-03-10 09:00", "2026-03-11 09:00"]),
        (every(1, "days"), "2026-03-10 09:00", ["2026-03-11 09:00", "2026-03-12 09:00"]),
        (every(3, "days"), "2026-03-11 00:00", ["2026-03-13 09:00", "2026-03-16 09:00"]),
        (every(1, "weeks"), "2026-03-10 12:00", ["2026-03-17 09:00", "2026-03-24 09:00"]),
        (
            every(2, "weeks", weekdays=[0, 4]),
            "2026-03-01 00:00",
            # The Monday of the first week comes before the first day.
            ["2026-03-13 09:00", "2026-03-23 09:00", "2026-03-27 09:00", "2026-04-06 09:00"],
        ),
        (
            every(1, "months", "2026-01-31"),
            "2026-01-31 09:00",
            ["2026-02-28 09:00", "2026-03-31 09:00", "2026-04-30 09:00", "2026-05-31 09:00"],
        ),
        (every(12, "months", "2024-02-29"), "2025-01-01 00:00", ["2025-02-28 09:00", "2026-02-28 09:00"]),
        (every(1, "days", ends="day", last="2026-03-11"), "2026-03-09 00:00", ["2026-03-10 09:00", "2026-03-11 09:00"]),
        (every(2, "days", ends="times", times=2), "2026-03-01 00:00", ["2026-03-10 09:00", "2026-03-12 09:00"]),
        (every(2, "days", ends="times", times=2), "2026-03-12 09:00", []),
        (every(1, "weeks", weekdays=[1, 2], ends="times", times=3), "2026-03-11 09:00", ["2026-03-17 09:00"]),
        (every(1, "days", "2001-01-01"), "2026-03-10 12:00", ["2026-03-11 09:00", "2026-03-12 09:00"]),
        (every(9_999, "months"), "2026-03-10 12:00", ["2859-06-10 09:00"]),
    ],
)
def test_times(settings: dict[str, Any], after: str, expected: list[str]) -> None:
    most = max(len(expected), 3) if settings["ends"] != "never" else len(expected)
    assert times(settings, after, most) == expected


def test_times_keep_the_clock(settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Madrid"
    of = every(1, "days", "2026-03-28", time="02:30")
    assert times(of, "2026-03-27 12:00", 3) == ["2026-03-28 02:30", "2026-03-29 03:30", "2026-03-30 02:30"]
    twice = every(1, "days", "2026-10-24", time="02:30")
    assert times(twice, "2026-10-23 12:00", 3) == ["2026-10-24 02:30", "2026-10-25 02:30", "2026-10-26 02:30"]


def test_times_in_another_zone() -> None:
    of = every(1, "days", zone="Asia/Tokyo")
    assert times(of, "2026-03-09 23:00", 2) == ["2026-03-10 00:00", "2026-03-11 00:00"]


def wait(settings: dict[str, Any], contacts: list[int], **options: Any) -> Worked:
    return worked(batch("schedule", settings, contacts, **options))


def test_in_the_middle_contacts_wait_for_the_next_time() -> None:
    arrived = {1: at("2026-03-10 08:00"), 2: at("2026-03-10 09:00")}
    of = every(1, "days")
    assert wait(of, [1, 2], arrived=arrived, now=at("2026-03-10 09:00")).ports == {"next": {1}}
    assert wait(of, [1, 2], arrived=arrived, now=at("2026-03-10 09:00")).waits == {2: at("2026-03-11 09:00")}


def test_once_it_is_over_contacts_leave() -> None:
    of = every(1, "days", ends="times", times=1)
    early, late = at("2026-03-10 08:00"), at("2026-03-10 10:00")
    found = wait(of, [1, 2], arrived={1: early, 2: late}, now=late)
    assert found.ports == {"next": {1}, "over": {2}}


def test_as_an_entry_and_in_a_test_contacts_pass() -> None:
    arrived = at("2026-03-10 12:00")
    assert wait(every(1, "days"), [1, 2], now=arrived, woken=[1]).ports == {"next": {1}}
    soon = arrived + timedelta(seconds=3)
    assert wait(every(1, "days"), [1], arrived=arrived, now=soon, is_test=True).ports == {"next": {1}}


@pytest.mark.django_db
def test_everybody_starts_at_each_time(now: datetime) -> None:
    one = people(1, now=now)[0].pk
    stored = graph(
        {"n1": ("schedule", every(1, "days", ends="times", times=2))}, "start > n1", start={"reentry": "always"}
    )
    workflow = active("Daily", stored, now=at("2026-03-10 08:00"))
    engine.tick(now=at("2026-03-10 08:59"))
    assert ways(workflow) == {}
    engine.tick(now=at("2026-03-10 09:00"))
    two = people(1, now=at("2026-03-10 12:00"))[0].pk
    engine.tick(now=at("2026-03-11 09:00"))
    way = ["n1.next", "finished"]
    assert ways(workflow) == {one: [way, way], two: [way]}
    assert not Appointment.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (every(0, "days"), [("every", "Ensure this value is greater than or equal to 1.")]),
        (every(1, "days", ends="day"), [("last", "This field is required.")]),
        (every(1, "days", ends="day", last="2026-03-09"), [("last", "The last day comes before the first.")]),
        (every(1, "days", ends="times", times=1_001), [("times", "Ensure this value is less than or equal to 1000.")]),
        (
            every(1, "weeks", weekdays=[7]),
            [("weekdays", "Select a valid choice. 7 is not one of the available choices.")],
        ),
        (
            every(1, "days", zone="Mars/Olympus"),
            [("zone", "Select a valid choice. Mars/Olympus is not one of the available choices.")],
        ),
    ],
)
def test_faults_of_schedules(settings: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert NODES["schedule"].faults(settings, NodeContext()) == expected


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (every(1, "days"), "every day, 09:00"),
        (every(2, "weeks", weekdays=[4, 0]), "every 2 weeks, Monday, Friday, 09:00"),
        (every(1, "months", ends="day", last="2026-12-31"), "every month, 09:00, until 31 Dec 2026"),
        (every(3, "days", ends="times", times=1), "every 3 days, 09:00, 1 time"),
        ({}, ""),
    ],
)
def test_schedules_in_words(settings: dict[str, Any], expected: str) -> None:
    with translation.override("en"):
        assert NODES["schedule"].describe(settings, NodeContext()) == expected
