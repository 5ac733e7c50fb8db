"""Wait, on batches of runs: until which moment, by whose clock, and where those without one go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation

from contacts.models import Contact, ContactField
from tests.workflows.batches import Worked, batch, worked
from tests.workflows.flows import people
from workflows.nodes import NODES
from workflows.nodes.base import CannotWork, NodeContext

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


def moment(date: str, time: str = "09:00", zone: str = "account") -> dict[str, Any]:
    return {"until": "moment", "date": date, "time": time, "zone": zone}


@pytest.mark.django_db
def test_a_date_by_each_clock(now: datetime, settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Madrid"
    zones = ("America/New_York", "Asia/Tokyo", "", "Mars/Olympus", "/etc/passwd")
    new_york, tokyo, unknown, invalid, path = (people(1, now=now, time_zone=zone)[0].pk for zone in zones)
    everybody = [new_york, tokyo, unknown, invalid, path]
    at_home = at("2026-12-24 18:00", MADRID)
    assert wait(moment("2026-12-24", "18:00"), everybody, arrived=now).waits == dict.fromkeys(everybody, at_home)
    assert wait(moment("2026-12-24", "18:00", "contact"), everybody, arrived=now).waits == {
        new_york: at("2026-12-24 23:00"),
        tokyo: at("2026-12-24 09:00"),
        unknown: at_home,
        invalid: at_home,
        path: at_home,
    }


def test_a_past_date_lets_go_on_at_once(now: datetime) -> None:
    assert wait(moment("2026-03-10", "12:00"), [1], arrived=now).ports == {"next": {1}}
    assert wait(moment("2020-01-01"), [1], arrived=now).ports == {"next": {1}}


@pytest.mark.parametrize(
    ("date", "time", "comes"),
    [
        ("2026-03-29", "02:30", "2026-03-29 01:30"),  # left out: comes at 3:30
        ("2026-03-29", "03:30", "2026-03-29 01:30"),
        ("2026-10-25", "02:30", "2026-10-25 00:30"),  # comes twice: the first time
        ("2026-10-25", "03:30", "2026-10-25 02:30"),
    ],
)
def test_times_that_clocks_leave_out_or_show_twice(settings: Any, date: str, time: str, comes: str) -> None:
    settings.TIME_ZONE = "Europe/Madrid"
    assert wait(moment(date, time), [1], arrived=at("2026-01-01 00:00")).waits == {1: at(comes)}


def weekday(*weekdays: int, time: str = "09:00", zone: str = "account") -> dict[str, Any]:
    return {"until": "weekday", "weekdays": list(weekdays), "time": time, "zone": zone}


@pytest.mark.parametrize(
    ("days", "arrived", "comes"),
    [
        ((0,), "2026-03-10 12:00", "2026-03-16 09:00"),  # a Tuesday
        ((1,), "2026-03-10 08:59", "2026-03-10 09:00"),
        ((1,), "2026-03-10 09:00", "2026-03-17 09:00"),  # the next one, so that a circle goes on
        ((1, 3), "2026-03-10 12:00", "2026-03-12 09:00"),
        ((), "2026-03-10 08:00", "2026-03-10 09:00"),
        ((), "2026-03-10 12:00", "2026-03-11 09:00"),
    ],
)
def test_the_next_weekday(days: tuple[int, ...], arrived: str, comes: str) -> None:
    assert wait(weekday(*days), [1], arrived=at(arrived)).waits == {1: at(comes)}
    assert wait(weekday(*days), [1], arrived=at(arrived), now=at(comes)).ports == {"next": {1}}


@pytest.mark.django_db
def test_weekdays_by_the_clock_of_contacts(now: datetime) -> None:
    tokyo, honolulu = (people(1, now=now, time_zone=zone)[0].pk for zone in ("Asia/Tokyo", "Pacific/Honolulu"))
    arrived = at("2026-03-08 20:00")  # Sunday in Honolulu, Monday in Tokyo
    assert wait(weekday(0, zone="contact"), [tokyo, honolulu], arrived=arrived).waits == {
        tokyo: at("2026-03-09 00:00"),
        honolulu: at("2026-03-09 19:00"),
    }


def test_a_weekday_at_a_time_that_midnight_leaves_out(settings: Any) -> None:
    settings.TIME_ZONE = "America/Havana"  # where clocks go from 0:00 to 1:00
    arrived = at("2026-03-08 04:59")  # a minute to midnight
    assert wait(weekday(6, time="00:30"), [1], arrived=arrived).waits == {1: at("2026-03-08 05:30")}


def date_of(field: str, **settings: Any) -> dict[str, Any]:
    return {"until": "date", "field": field, "direction": "on", "zone": "account"} | settings


@pytest.mark.django_db
def test_dates_of_contacts(now: datetime) -> None:
    ContactField.objects.create(key="renews", label="Renews", type="date")
    soon, past, none = (
        people(1, now=now, custom=custom)[0].pk
        for custom in ({"renews": "2026-04-01"}, {"renews": "2026-03-01"}, {"renews": "not a date"})
    )
    everybody = [soon, past, none]
    on = wait(date_of("custom.renews", time="08:00"), everybody, arrived=now)
    assert on.waits == {soon: at("2026-04-01 08:00")}
    assert on.ports == {"next": {past}, "no_date": {none}}
    before = date_of("custom.renews", direction="before", count=2, unit="weeks", time="08:00")
    assert wait(before, everybody, arrived=now).waits == {soon: at("2026-03-18 08:00")}
    after = date_of("custom.renews", direction="after", count=1, unit="months")
    assert wait(after, everybody, arrived=now).waits == {soon: at("2026-05-01 00:00"), past: at("2026-04-01 00:00")}


@pytest.mark.django_db
def test_moments_of_contacts(now: datetime) -> None:
    bought = people(1, now=now, last_purchase_at=at("2026-03-10 10:17"))[0].pk
    nobody = people(1, now=now)[0].pk
    exactly = date_of("last_purchase_at", direction="after", count=3, unit="hours")
    found = wait(exactly, [bought, nobody], arrived=now)
    assert found.waits == {bought: at("2026-03-10 13:17")}
    assert found.ports == {"no_date": {nobody}}
    by_the_hour = date_of("last_purchase_at", direction="after", count=3, unit="days", time="18:00")
    assert wait(by_the_hour, [bought], arrived=now).waits == {bought: at("2026-03-13 18:00")}


@pytest.mark.django_db
def test_a_date_that_moves_while_it_is_waited_for(now: datetime) -> None:
    contact = people(1, now=now, date_of_birth="2026-04-01")[0].pk
    settings = date_of("date_of_birth", time="08:00")
    Contact.objects.filter(pk=contact).update(date_of_birth="2026-05-01")
    moved = wait(settings, [contact], arrived=now, now=at("2026-04-01 08:00"))
    assert moved.waits == {contact: at("2026-05-01 08:00")}
    Contact.objects.filter(pk=contact).update(date_of_birth=None)
    assert wait(settings, [contact], arrived=now, now=at("2026-05-01 08:00")).ports == {"no_date": {contact}}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("born", "settings", "comes"),
    [
        ("1990-03-10", {"time": "13:00"}, "2026-03-10 13:00"),
        ("1990-03-10", {"time": "11:00"}, "2027-03-10 11:00"),
        ("1992-02-29", {"time": "09:00"}, "2027-02-28 09:00"),
        ("1990-03-12", {"direction": "before", "count": 3, "unit": "days"}, "2027-03-09 00:00"),
        ("1990-01-02", {"direction": "before", "count": 3, "unit": "days"}, "2026-12-30 00:00"),
        ("1990-12-30", {"direction": "after", "count": 5, "unit": "days"}, "2027-01-04 00:00"),
        ("1990-03-09", {"direction": "after", "count": 1, "unit": "years"}, "2027-03-09 00:00"),
    ],
)
def test_anniversaries(now: datetime, born: str, settings: dict[str, Any], comes: str) -> None:
    contact = people(1, now=now, date_of_birth=born)[0].pk
    of = date_of("date_of_birth", yearly=True, **settings)
    assert wait(of, [contact], arrived=now).waits == {contact: at(comes)}
    assert wait(of, [contact], arrived=now, now=at(comes)).ports == {"next": {contact}}


@pytest.mark.django_db
def test_a_field_that_is_gone_stops_the_work(now: datetime) -> None:
    field = ContactField.objects.create(key="renews", label="Renews", type="date")
    of = batch("wait", date_of("custom.renews"), [people(1, now=now)[0].pk], now=now)
    field.delete()
    with pytest.raises(CannotWork, match="gone"):
        worked(of)
    assert faults("wait", date_of("custom.renews")) == [("field", "What was chosen here is gone. Choose another one.")]


PURCHASE = {"until": "event", "event": "purchase", "count": 2, "unit": "days"}


@pytest.mark.django_db
def test_an_event_or_a_span() -> None:
    arrived = at("2026-03-10 12:00")
    found = wait(PURCHASE, [1, 2], arrived=arrived)
    assert found.waits == dict.fromkeys([1, 2], at("2026-03-12 12:00"))
    assert found.awaits == {"event:purchase"}
    assert wait(PURCHASE, [1, 2], arrived=arrived, woken=[2]).ports == {"happened": {2}}
    late = wait(PURCHASE, [1, 2], arrived=arrived, woken=[2], now=at("2026-03-12 12:00"))
    assert late.ports == {"happened": {2}, "not_in_time": {1}}
    assert NODES["wait"].keys(PURCHASE) == {"event:purchase"}
    assert NODES["wait"].keys(THREE_DAYS) == set()
    assert [port.key for port in NODES["wait"].ports(PURCHASE)] == ["happened", "not_in_time"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [("count", "This field is required.")]),
        ({"until": "span", "unit": "days"}, [("count", "This field is required.")]),
        (
            {"until": "span", "count": 0, "unit": "days"},
            [("count", "Ensure this value is greater than or equal to 1.")],
        ),
        (moment("2026-02-30"), [("date", "Enter a valid date.")]),
        ({"until": "never"}, [("until", "Select a valid choice. never is not one of the available choices.")]),
        (date_of("first_name"), [("field", "What was chosen here is gone. Choose another one.")]),
        (date_of("date_of_birth", direction="before"), [("count", "Say how long before or after.")]),
        (
            date_of("date_of_birth", direction="before", count=2, unit="hours"),
            [("unit", "Choose days, weeks, months or years: here whole days count.")],
        ),
        (
            date_of("date_of_birth", direction="after", count=2, unit="years", yearly=True),
            [("count", "At most a year before or after an anniversary.")],
        ),
        (date_of("last_purchase_at", direction="after", count=2, unit="hours"), []),
    ],
)
def test_faults_of_waits(settings: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert faults("wait", settings) == expected
    assert bool(words("wait", settings)) != bool(expected)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (THREE_DAYS, "3 days"),
        ({"until": "span", "count": 1, "unit": "hours"}, "1 hour"),
        (moment("2026-12-24"), "until 24 Dec 2026, 09:00"),
        (weekday(4, 0), "until Monday, Friday, 09:00"),
        (weekday(zone="contact"), "until it is 09:00 (the contact's time)"),
        (date_of("date_of_birth"), "until Date of birth"),
        (
            date_of("date_of_birth", direction="before", count=3, unit="days", time="08:00", yearly=True),
            "until 3 days before Date of birth (every year), 08:00",
        ),
        (PURCHASE, "until “Purchased”, at most 2 days"),
    ],
)
def test_waits_in_words(settings: dict[str, Any], expected: str) -> None:
    with translation.override("en"):
        assert words("wait", settings) == expected
