"""Moments by the calendar and the clock of a time zone.

A time of day that the clocks leave out comes as much later as they are put forward; one that comes twice is the first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dateutil.relativedelta import relativedelta
from django.utils import timezone

from segments.clock import LATEST, day_after, in_utc
from workflows.nodes.base import Batch

ACCOUNT, CONTACT = "account", "contact"


def zone_named(name: str) -> tzinfo:
    """The time zone of this name, or the account's if there is no such one."""
    try:
        return ZoneInfo(name) if name else timezone.get_default_timezone()
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return timezone.get_default_timezone()


def zones_of(batch: Batch, whose: str) -> dict[int, tzinfo]:
    """The time zone that counts for each contact of the batch: the account's, or their own if it is known."""
    if whose != CONTACT:
        return dict.fromkeys(batch.contact_ids, timezone.get_default_timezone())
    return {pk: zone_named(name) for pk, name in batch.contacts.values_list("pk", "time_zone")}


def at_clock(day: date, clock: time, zone: tzinfo) -> datetime:
    """The moment in UTC at which it is so late on a day."""
    return in_utc(datetime.combine(day, clock, tzinfo=zone))


def next_weekday(after: datetime, weekdays: Collection[int], clock: time, zone: tzinfo) -> datetime:
    """The first moment after another at which it is so late on one of these days of the week (0 is Monday).

    Without days, on any day.
    """
    return next(
        moment
        for day in _days_from(after.astimezone(zone).date())
        if (not weekdays or day.weekday() in weekdays) and (moment := at_clock(day, clock, zone)) > after
    )


def _days_from(day: date) -> Iterator[date]:
    # A day earlier: where the clocks leave a time out around midnight, it comes on the day after.
    day -= timedelta(days=1)
    while day < LATEST:
        yield day
        day = day_after(day)
    yield LATEST


def in_year(day: date, year: int) -> date:
    """The anniversary of a day; that of 29 February is 28 February in other years."""
    return day + relativedelta(year=year)
