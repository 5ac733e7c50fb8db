"""Wait and Schedule, on batches of runs: to which moment, by whose clock, and where those without one go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.workflows.batches import Worked, batch, worked
from workflows.nodes import NODES
from workflows.nodes.base import NodeContext

MADRID = ZoneInfo("Europe/Madrid")


def at(text: str, zone: ZoneInfo | Any = UTC) -> datetime:
    """The moment, such as ``2026-03-29 02:30``, by the clocks of a time zone."""
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def wait(
    settings: dict[str, Any], contacts: Any, *, arrived: Any, now: datetime | None = None, **options: Any
) -> Worked:
    ids = [getattr(one, "pk", one) for one in contacts]
    moment = now or (arrived if isinstance(arrived, datetime) else min(arrived.values()))
    return worked(batch("wait", settings, ids, arrived=arrived, now=moment, **options))


def faults(kind: str, settings: dict[str, Any]) -> list[tuple[str, str]]:
    return NODES[kind].faults(settings, NodeContext())


def words(kind: str, settings: dict[str, Any]) -> str:
    return NODES[kind].describe(settings, NodeContext())


THREE_DAYS = {"until": "span", "count": 3, "unit": "days"}


def test_a_span_counts_from_the_arrival() -> None:
    first, second = at("2026-03-10 12:00"), at("2026-03-11 12:00")
    found = wait(THREE_DAYS, [1, 2], arrived={1: first, 2: second}, now=second)
    assert found.waits == {1: at("2026-03-13 12:00"), 2: at("2026-03-14 12:00")}
    later = wait(THREE_DAYS, [1, 2], arrived={1: first, 2: second}, now=at("2026-03-13 12:00"))
    assert later.ports == {"next": {1}}
    assert later.waits == {2: at("2026-03-14 12:00")}


def test_a_wait_that_is_worked_too_early_goes_on_as_it_was() -> None:
    arrived = at("2026-03-10 12:00")
    for hours in (0, 1, 71):
        found = wait(THREE_DAYS, [1], arrived=arrived, now=arrived + timedelta(hours=hours))
        assert found.waits == {1: at("2026-03-13 12:00")}


def test_months_end_where_months_end() -> None:
    month = {"until": "span", "count": 1, "unit": "months"}
    assert wait(month, [1], arrived=at("2026-01-31 09:00")).waits == {1: at("2026-02-28 09:00")}


def test_days_are_24_hours_and_months_keep_the_clock(settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Madrid"
    arrived = at("2026-03-28 12:00", MADRID)
    assert wait({"until": "span", "count": 1, "unit": "days"}, [1], arrived=arrived).waits == {
        1: at("2026-03-29 13:00", MADRID)
    }
    assert wait({"until": "span", "count": 1, "unit": "months"}, [1], arrived=arrived).waits == {
        1: at("2026-04-28 12:00", MADRID)
    }


def test_waits_are_short_in_a_test() -> None:
    arrived = at("2026-03-10 12:00")
    soon = arrived + timedelta(seconds=3)
    assert wait(THREE_DAYS, [1], arrived=arrived, is_test=True).waits == {1: soon}
    assert wait(THREE_DAYS, [1], arrived=arrived, now=soon, is_test=True).ports == {"next": {1}}
