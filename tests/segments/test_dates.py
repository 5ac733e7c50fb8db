"""Days and moments at the exact edges of every operator."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.segments import definitions, worlds
from tests.segments.asking import people, who
from tests.segments.comparing import account_time_zone

pytestmark = pytest.mark.django_db

TICK = timedelta(microseconds=1)
NOW = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)


@pytest.fixture(params=["date_of_birth", "custom.joined_on"])
def day_field(request: pytest.FixtureRequest) -> str:
    worlds.declare_fields()
    return request.param


@pytest.fixture(params=["last_seen_at", "custom.renews_at"])
def moment_field(request: pytest.FixtureRequest) -> str:
    worlds.declare_fields()
    return request.param


# Days

DAYS = {
    "feb 27": date(2026, 2, 27),
    "feb 28": date(2026, 2, 28),
    "mar 01": date(2026, 3, 1),
    "mar 30": date(2026, 3, 30),
    "mar 31": date(2026, 3, 31),
    "apr 01": date(2026, 4, 1),
    "apr 30": date(2026, 4, 30),
    "may 01": date(2026, 5, 1),
    "never": None,
}


@pytest.mark.parametrize(
    ("operator", "value", "expected"),
    [
        ("on", "2026-03-31", {"mar 31"}),
        ("before", "2026-03-01", {"feb 27", "feb 28"}),
        ("on_or_before", "2026-03-01", {"feb 27", "feb 28", "mar 01"}),
        ("after", "2026-04-01", {"apr 30", "may 01"}),
        ("on_or_after", "2026-04-01", {"apr 01", "apr 30", "may 01"}),
        ("between", {"from": "2026-03-01", "to": "2026-03-31"}, {"mar 01", "mar 30", "mar 31"}),
        # A month before 31 March is the last day of February.
        ("in_last", {"count": 1, "unit": "months"}, {"feb 28", "mar 01", "mar 30", "mar 31"}),
        ("more_than_ago", {"count": 1, "unit": "months"}, {"feb 27"}),
        ("in_last", {"count": 1, "unit": "days"}, {"mar 30", "mar 31"}),
        ("between_ago", {"from_count": 0, "to_count": 1, "unit": "days"}, {"mar 30", "mar 31"}),
        ("between_ago", {"from_count": 1, "to_count": 30, "unit": "days"}, {"mar 01", "mar 30"}),
        # A month after 31 March is the last day of April.
        ("in_next", {"count": 1, "unit": "months"}, {"mar 31", "apr 01", "apr 30"}),
        ("more_than_ahead", {"count": 1, "unit": "months"}, {"may 01"}),
        ("in_this", {"unit": "day"}, {"mar 31"}),
        ("in_previous", {"unit": "day"}, {"mar 30"}),
        ("in_following", {"unit": "day"}, {"apr 01"}),
        ("in_this", {"unit": "week"}, {"mar 30", "mar 31", "apr 01"}),
        ("in_this", {"unit": "month"}, {"mar 01", "mar 30", "mar 31"}),
        ("in_previous", {"unit": "month"}, {"feb 27", "feb 28"}),
        ("in_following", {"unit": "month"}, {"apr 01", "apr 30"}),
        ("in_this", {"unit": "quarter"}, {"feb 27", "feb 28", "mar 01", "mar 30", "mar 31"}),
        ("in_following", {"unit": "quarter"}, {"apr 01", "apr 30", "may 01"}),
        ("in_previous", {"unit": "year"}, set()),
    ],
)
def test_days_at_the_edges(day_field: str, operator: str, value: Any, expected: set[str]):
    people(day_field, DAYS)
    assert who(day_field, operator, value, now=NOW) == expected


@pytest.mark.parametrize(
    ("operator", "value", "held"),
    [("not_on", "2026-03-31", {"mar 31"}), ("not_between", {"from": "2026-03-01", "to": "2026-04-30"}, None)],
)
def test_days_that_are_not(day_field: str, operator: str, value: Any, held: set[str] | None):
    people(day_field, DAYS)
    held = held or {"mar 01", "mar 30", "mar 31", "apr 01", "apr 30"}
    assert who(day_field, operator, value, now=NOW) == set(DAYS) - held
    assert who(day_field, operator, value, now=NOW, only_set=True) == set(DAYS) - held - {"never"}


def test_today_is_the_day_in_the_accounts_time_zone(day_field: str):
    people(day_field, DAYS)
    late = datetime(2026, 3, 30, 23, 30, tzinfo=UTC)
    assert who(day_field, "in_this", {"unit": "day"}, now=late) == {"mar 30"}
    with account_time_zone("Europe/Madrid"):
        assert who(day_field, "in_this", {"unit": "day"}, now=late) == {"mar 31"}


# Moments


def around(moment: datetime) -> dict[str, datetime | None]:
    return {"just before": moment - TICK, "at": moment, "just after": moment + TICK, "never": None}


DAY_30 = NOW - timedelta(days=30)
EDGES = [
    ("in_last", {"count": 30, "unit": "days"}, DAY_30, {"just after"}),
    ("in_last", {"count": 30, "unit": "days"}, NOW, {"just before", "at"}),
    ("more_than_ago", {"count": 30, "unit": "days"}, DAY_30, {"just before", "at"}),
    ("between_ago", {"from_count": 30, "to_count": 60, "unit": "days"}, DAY_30, {"just before", "at"}),
    ("between_ago", {"from_count": 1, "to_count": 30, "unit": "days"}, DAY_30, {"just after"}),
    ("in_last", {"count": 90, "unit": "minutes"}, NOW - timedelta(minutes=90), {"just after"}),
    ("in_last", {"count": 5, "unit": "hours"}, NOW - timedelta(hours=5), {"just after"}),
    ("in_last", {"count": 2, "unit": "weeks"}, NOW - timedelta(days=14), {"just after"}),
    ("in_last", {"count": 1, "unit": "months"}, datetime(2026, 2, 28, 12, 0, tzinfo=UTC), {"just after"}),
    ("in_last", {"count": 2, "unit": "years"}, datetime(2024, 3, 31, 12, 0, tzinfo=UTC), {"just after"}),
    ("in_next", {"count": 30, "unit": "days"}, NOW, {"just after"}),
    ("in_next", {"count": 1, "unit": "months"}, datetime(2026, 4, 30, 12, 0, tzinfo=UTC), {"just before", "at"}),
    ("more_than_ahead", {"count": 3, "unit": "hours"}, NOW + timedelta(hours=3), {"just after"}),
    ("in_this", {"unit": "day"}, datetime(2026, 3, 31, tzinfo=UTC), {"at", "just after"}),
    ("in_this", {"unit": "day"}, datetime(2026, 4, 1, tzinfo=UTC), {"just before"}),
    ("in_this", {"unit": "week"}, datetime(2026, 3, 30, tzinfo=UTC), {"at", "just after"}),
    ("in_previous", {"unit": "month"}, datetime(2026, 3, 1, tzinfo=UTC), {"just before"}),
    ("in_following", {"unit": "quarter"}, datetime(2026, 4, 1, tzinfo=UTC), {"at", "just after"}),
    ("in_following", {"unit": "year"}, datetime(2027, 1, 1, tzinfo=UTC), {"at", "just after"}),
    ("on", "2026-03-01", datetime(2026, 3, 1, tzinfo=UTC), {"at", "just after"}),
    ("on", "2026-02-28", datetime(2026, 3, 1, tzinfo=UTC), {"just before"}),
    ("before", "2026-03-01", datetime(2026, 3, 1, tzinfo=UTC), {"just before"}),
    ("before", "2026-03-01T10:30", datetime(2026, 3, 1, 10, 30, tzinfo=UTC), {"just before"}),
    ("on_or_before", "2026-02-28", datetime(2026, 3, 1, tzinfo=UTC), {"just before"}),
    ("on_or_before", "2026-03-01T10:30", datetime(2026, 3, 1, 10, 30, tzinfo=UTC), {"just before", "at"}),
    ("after", "2026-02-28", datetime(2026, 3, 1, tzinfo=UTC), {"at", "just after"}),
    ("after", "2026-03-01T10:30", datetime(2026, 3, 1, 10, 30, tzinfo=UTC), {"just after"}),
    ("on_or_after", "2026-03-01", datetime(2026, 3, 1, tzinfo=UTC), {"at", "just after"}),
    ("on_or_after", "2026-03-01T10:30", datetime(2026, 3, 1, 10, 30, tzinfo=UTC), {"at", "just after"}),
    ("between", {"from": "2026-03-01", "to": "2026-03-02"}, datetime(2026, 3, 3, tzinfo=UTC), {"just before"}),
    (
        "between",
        {"from": "2026-03-01T10:30", "to": "2026-03-01T10:30"},
        datetime(2026, 3, 1, 10, 30, tzinfo=UTC),
        {"at"},
    ),
]


@pytest.mark.parametrize(("operator", "value", "edge", "expected"), EDGES)
def test_moments_at_the_edges(moment_field: str, operator: str, value: Any, edge: datetime, expected: set[str]):
    people(moment_field, around(edge))
    assert who(moment_field, operator, value, now=NOW) == expected


def test_moments_that_are_not(moment_field: str):
    people(moment_field, around(datetime(2026, 3, 1, tzinfo=UTC)))
    assert who(moment_field, "not_on", "2026-03-01", now=NOW) == {"just before", "never"}
    assert who(moment_field, "not_on", "2026-03-01", now=NOW, only_set=True) == {"just before"}
    days = {"from": "2026-02-01", "to": "2026-02-28"}
    assert who(moment_field, "not_between", days, now=NOW) == {"at", "just after", "never"}


# Changes of the clock

MADRID, SAO_PAULO, APIA = "Europe/Madrid", "America/Sao_Paulo", "Pacific/Apia"


def test_a_day_is_24_hours_and_a_month_keeps_the_time_of_the_clock(moment_field: str):
    """On 29 March 2026 Madrid's clocks went from two to three."""
    now = datetime(2026, 3, 30, 10, 0, tzinfo=UTC)  # noon in Madrid
    people(
        moment_field,
        {
            "a month": datetime(2026, 2, 28, 11, 0, tzinfo=UTC),
            "after a month": datetime(2026, 2, 28, 11, 0, tzinfo=UTC) + TICK,
            "a day": datetime(2026, 3, 29, 10, 0, tzinfo=UTC),
            "after a day": datetime(2026, 3, 29, 10, 0, tzinfo=UTC) + TICK,
        },
    )
    with account_time_zone(MADRID):
        day, month = {"count": 1, "unit": "days"}, {"count": 1, "unit": "months"}
        assert who(moment_field, "in_last", day, now=now) == {"after a day"}
        assert who(moment_field, "in_last", month, now=now) == {"after a month", "a day", "after a day"}


@pytest.mark.parametrize(
    ("zone", "day", "first", "last"),
    [
        (MADRID, "2026-03-29", datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC)),
        (MADRID, "2025-10-26", datetime(2025, 10, 25, 22, tzinfo=UTC), datetime(2025, 10, 26, 23, tzinfo=UTC)),
        # Midnight did not exist, and half past eleven came twice.
        (SAO_PAULO, "2018-11-04", datetime(2018, 11, 4, 3, tzinfo=UTC), datetime(2018, 11, 5, 2, tzinfo=UTC)),
        (SAO_PAULO, "2018-02-17", datetime(2018, 2, 17, 2, tzinfo=UTC), datetime(2018, 2, 18, 3, tzinfo=UTC)),
        (APIA, "2011-12-31", datetime(2011, 12, 30, 10, tzinfo=UTC), datetime(2011, 12, 31, 10, tzinfo=UTC)),
    ],
)
def test_days_of_other_lengths(moment_field: str, zone: str, day: str, first: datetime, last: datetime):
    people(moment_field, {"too early": first - TICK, "first": first, "last": last - TICK, "too late": last})
    with account_time_zone(zone):
        assert who(moment_field, "on", day, now=NOW) == {"first", "last"}
        assert who(moment_field, "in_this", {"unit": "day"}, now=first) == {"first", "last"}
        assert who(moment_field, "before", day, now=NOW) == {"too early"}
        assert who(moment_field, "after", day, now=NOW) == {"too late"}


def test_a_day_that_was_left_out_has_no_moments(moment_field: str):
    """Samoa went from 29 to 31 December 2011."""
    edge = datetime(2011, 12, 30, 10, tzinfo=UTC)
    people(moment_field, around(edge))
    with account_time_zone(APIA):
        assert who(moment_field, "on", "2011-12-30", now=NOW) == set()
        assert who(moment_field, "on", "2011-12-29", now=NOW) == {"just before"}
        assert who(moment_field, "on_or_before", "2011-12-30", now=NOW) == {"just before"}


# Years

BIRTHDAYS = {
    "feb 28": date(1990, 2, 28),
    "feb 29": date(1992, 2, 29),
    "mar 01": date(1980, 3, 1),
    "dec 31": date(1970, 12, 31),
    "jan 01": date(2000, 1, 1),
    "never": None,
}


EVERYBODY = set(BIRTHDAYS) - {"never"}


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2025, 2, 28), {"feb 28", "feb 29"}),
        (date(2024, 2, 28), {"feb 28"}),
        (date(2024, 2, 29), {"feb 29"}),
        (date(2025, 3, 1), {"mar 01"}),
        (date(2100, 2, 28), {"feb 28", "feb 29"}),
        (date(2025, 12, 31), {"dec 31"}),
        (date(2026, 1, 1), {"jan 01"}),
    ],
)
def test_anniversaries_today(day_field: str, today: date, expected: set[str]):
    people(day_field, BIRTHDAYS)
    now = datetime(today.year, today.month, today.day, 12, tzinfo=UTC)
    assert who(day_field, "anniversary_today", now=now) == expected


@pytest.mark.parametrize(
    ("operator", "value", "today", "expected"),
    [
        ("anniversary_in_next", {"count": 1, "unit": "days"}, date(2025, 12, 31), {"dec 31", "jan 01"}),
        ("anniversary_in_last", {"count": 1, "unit": "days"}, date(2026, 1, 1), {"dec 31", "jan 01"}),
        ("anniversary_in_next", {"count": 2, "unit": "months"}, date(2025, 12, 31), EVERYBODY - {"mar 01"}),
        ("anniversary_in_next", {"count": 1, "unit": "days"}, date(2024, 2, 28), {"feb 28", "feb 29"}),
        ("anniversary_in_last", {"count": 1, "unit": "days"}, date(2024, 3, 1), {"feb 29", "mar 01"}),
        ("anniversary_in_last", {"count": 1, "unit": "weeks"}, date(2025, 3, 8), {"mar 01"}),
        ("anniversary_in_last", {"count": 1, "unit": "weeks"}, date(2025, 3, 7), {"feb 28", "feb 29", "mar 01"}),
        ("anniversary_in_last", {"count": 13, "unit": "months"}, date(2025, 3, 1), EVERYBODY),
        ("anniversary_in_month", {"month": 2}, date(2026, 1, 1), {"feb 28", "feb 29"}),
        ("anniversary_in_month", {"month": 12}, date(2026, 1, 1), {"dec 31"}),
    ],
)
def test_anniversaries_in_a_range(day_field: str, operator: str, value: Any, today: date, expected: set[str]):
    people(day_field, BIRTHDAYS)
    now = datetime(today.year, today.month, today.day, 12, tzinfo=UTC)
    assert who(day_field, operator, value, now=now) == expected


def test_the_anniversary_of_a_moment_is_that_of_its_day_in_the_accounts_time_zone(moment_field: str):
    midnight = datetime(2020, 3, 9, 23, 0, tzinfo=UTC)
    people(moment_field, {"before midnight": midnight - TICK, "after": midnight})
    today, tomorrow = datetime(2026, 3, 9, 12, tzinfo=UTC), datetime(2026, 3, 10, 12, tzinfo=UTC)
    assert who(moment_field, "anniversary_today", now=today) == {"before midnight", "after"}
    with account_time_zone(MADRID):
        assert who(moment_field, "anniversary_today", now=today) == {"before midnight"}
        assert who(moment_field, "anniversary_today", now=tomorrow) == {"after"}


# The ends of the calendar


@pytest.mark.parametrize("zone", ["UTC", APIA, "America/Los_Angeles"])
@pytest.mark.parametrize("operator", ["on", "before", "on_or_before", "after", "on_or_after"])
@pytest.mark.parametrize("value", ["0001-01-01", "9999-12-31", "0001-01-01T00:00", "9999-12-31T23:59"])
def test_dates_at_the_ends_of_the_calendar(moment_field: str, zone: str, operator: str, value: str):
    """People type such dates for "ever" and "never"; they mean what they say."""
    if operator == "on":
        value = value.partition("T")[0]
    people(moment_field, {"somebody": NOW, "never": None})
    comes_before = value.startswith("9999") and operator.endswith("before")
    comes_after = value.startswith("0001") and operator.endswith("after")
    with account_time_zone(zone):
        assert who(moment_field, operator, value, now=NOW) == ({"somebody"} if comes_before or comes_after else set())


@pytest.mark.parametrize("unit", definitions.UNITS)
def test_steps_beyond_the_calendar(moment_field: str, unit: str):
    people(moment_field, {"somebody": NOW, "never": None})
    far = {"count": 100_000, "unit": unit}
    assert who(moment_field, "in_last", far, now=NOW) == {"somebody"}
    assert who(moment_field, "more_than_ago", far, now=NOW) == set()
    assert who(moment_field, "in_next", far, now=NOW - TICK) == {"somebody"}
    assert who(moment_field, "more_than_ahead", far, now=NOW) == set()
