"""Times that come again and again by the calendar: every few days, weeks or months, at an hour, until they are over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from functools import cached_property
from itertools import count, islice

from dateutil.relativedelta import relativedelta

from segments.clock import LATEST
from workflows.nodes.moments import at_clock

DAYS, WEEKS, MONTHS = "days", "weeks", "months"


@dataclass(frozen=True)
class Series:
    """Every ``every`` days, weeks or months from the day ``first``, at ``clock`` in ``zone``.

    In weeks (from Monday) it is on ``weekdays`` (0 is Monday), or without any on that of the first day. In months it is
    on the first day's day of the month, or the last of a shorter month. It ends after the day ``last`` and after
    ``times`` times, if these are given.
    """

    first: date
    clock: time
    zone: tzinfo
    every: int = 1
    unit: str = DAYS
    weekdays: frozenset[int] = frozenset()
    last: date | None = None
    times: int | None = None

    def next_after(self, moment: datetime) -> datetime | None:
        """The first time after a moment; None when there is none any more."""
        # A time that the clocks leave out around midnight comes on the day after.
        near = moment.astimezone(self.zone).date() - timedelta(days=1)
        for day in self._days(near):
            if self._end and day > self._end:
                return None
            if (at := at_clock(day, self.clock, self.zone)) > moment:
                return at
        return None

    @cached_property
    def _end(self) -> date | None:
        """The last day on which it can be."""
        if self.times is None:
            return self.last
        until = next(islice(self._days(self.first), self.times - 1, None), LATEST)
        return min(until, self.last) if self.last else until

    def _days(self, near: date) -> Iterator[date]:
        """The days on which it is, in order, from some that is not after ``near``, or else from the first."""
        periods = {DAYS: self._near_in_days, WEEKS: self._near_in_weeks, MONTHS: self._near_in_months}[self.unit](near)
        for period in count(max(periods, 0)):
            try:
                days = self._days_of(period * self.every)
            except (OverflowError, ValueError):
                return
            yield from (day for day in days if day >= self.first)

    def _days_of(self, units: int) -> list[date]:
        if self.unit == DAYS:
            return [self.first + timedelta(days=units)]
        if self.unit == MONTHS:
            return [self.first + relativedelta(months=units)]
        monday = self._monday + timedelta(weeks=units)
        return [monday + timedelta(days=day) for day in sorted(self.weekdays or {self.first.weekday()})]

    @property
    def _monday(self) -> date:
        return self.first - timedelta(days=self.first.weekday())

    def _near_in_days(self, near: date) -> int:
        return (near - self.first).days // self.every

    def _near_in_weeks(self, near: date) -> int:
        return (near - self._monday).days // (7 * self.every)

    def _near_in_months(self, near: date) -> int:
        months = 12 * (near.year - self.first.year) + near.month - self.first.month
        return months // self.every - 1
