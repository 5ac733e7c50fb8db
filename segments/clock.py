"""Calendar and clock in the account's time zone, and values that are computed from ``now`` only when SQL is run.

Rolling windows are exact: a day is 24 hours. Months and years step the calendar in the account's time zone, and a day
that the target month does not have becomes its last.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from dateutil.relativedelta import relativedelta
from django.db.models import Field, Value
from django.utils import timezone

EARLIEST = date(1, 1, 3)
LATEST = date(9999, 12, 29)

EXACT_UNITS = {"minutes": "minutes", "hours": "hours", "days": "days", "weeks": "weeks"}


def today(now: datetime) -> date:
    """The day it is in the account's time zone."""
    return now.astimezone(timezone.get_default_timezone()).date()


def start_of(day: date) -> datetime:
    """The first moment of a day in the account's time zone."""
    return in_utc(datetime.combine(day, time.min, tzinfo=timezone.get_default_timezone()))


def in_utc(moment: datetime) -> datetime:
    """The moment in UTC. At the very ends of the calendar, where UTC has no date for it, a moment close by."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return start_of(EARLIEST if moment.year == EARLIEST.year else LATEST)


def day_after(day: date) -> date:
    """The day after; the last day of the calendar has none and stays."""
    return day + timedelta(days=1) if day < date.max else day


def moved(now: datetime, count: int, unit: str) -> datetime:
    """The moment ``count`` units after ``now`` (before it, for a negative count). It stays within the calendar."""
    try:
        if unit in EXACT_UNITS:
            return now + timedelta(**{unit: count})
        local = now.astimezone(timezone.get_default_timezone())
        wall = local.replace(tzinfo=None) + relativedelta(**{unit: count})  # type: ignore[arg-type]
        return wall.replace(tzinfo=timezone.get_default_timezone(), fold=local.fold).astimezone(UTC)
    except (OverflowError, ValueError):
        return start_of(LATEST if count > 0 else EARLIEST)


def moved_day(day: date, count: int, unit: str) -> date:
    """The day ``count`` units (days, weeks, months, years) after ``day``. It stays within the calendar."""
    try:
        return day + relativedelta(**{unit: count})  # type: ignore[arg-type]
    except (OverflowError, ValueError):
        return LATEST if count > 0 else EARLIEST


def period(day: date, unit: str, offset: int = 0) -> tuple[date, date]:
    """First day of the day, week, month, quarter or year that holds ``day``, and of the one after it.

    ``offset`` moves both by so many units.

    Weeks begin on Monday, as in ISO 8601.
    """
    first, step = {
        "day": (day, relativedelta(days=1)),
        "week": (day - timedelta(days=day.weekday()), relativedelta(weeks=1)),
        "month": (day.replace(day=1), relativedelta(months=1)),
        "quarter": (day.replace(month=3 * ((day.month - 1) // 3) + 1, day=1), relativedelta(months=3)),
        "year": (day.replace(month=1, day=1), relativedelta(years=1)),
    }[unit]
    return first + step * offset, first + step * (offset + 1)


def is_steady(one: datetime, other: datetime) -> bool:
    """Whether both moments are on one day of the account's time zone, and its clocks do not change on that day."""
    day = today(one)
    return day == today(other) and start_of(day_after(day)) - start_of(day) == timedelta(days=1)


@dataclass(frozen=True)
class Late:
    """A parameter of kept SQL that is computed from ``now`` when the SQL is run."""

    compute: Callable[[datetime], Any]
    output_field: Field[Any, Any]

    def bind(self, now: datetime, connection: Any) -> Any:
        return self.output_field.get_db_prep_value(self.compute(now), connection)


class LateValue(Value):
    """The SQL placeholder of a `Late` parameter."""

    def __init__(self, compute: Callable[[datetime], Any], output_field: Field[Any, Any]) -> None:
        super().__init__(None, output_field=output_field)
        self.compute = compute

    @property
    def identity(self) -> Any:
        return (*super().identity, self.compute)

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return "%s", [Late(self.compute, self.output_field)]
