"""Operators for days that come back every year, such as birthdays.

They compare the field's day of the year with the set of days around today, so there are no edges to pass: the clock
concerns those whose day came into the set or went out of it.
"""

from __future__ import annotations

import json
from calendar import isleap
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import BooleanField, Field, Func, Q, Value
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts.fields import Field as ContactField
from segments.clock import moved_day, today
from segments.context import Context
from segments.operators.base import Operator, operator
from segments.values import Amount, Month


class DaysField(Field):  # type: ignore[type-arg]
    """Days of the year as one parameter. In Python they are numbers such as 1231."""

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        if connection.vendor == "postgresql":
            return list(value)
        return json.dumps([f"{day // 100:02}-{day % 100:02}" for day in value])


class OnDays(Func):
    """Whether month and day of a date, for a moment those in the account's time zone, are among some days of the year.

    The forms are the quickest that were measured: numbers from a date on PostgreSQL, a piece of its text on SQLite.
    """

    def __init__(self, field: ContactField, days: Value) -> None:
        self.moment = field.type.family == "datetime"
        self.is_json = field.is_custom
        super().__init__(field.expression(), days, output_field=BooleanField())

    @property
    def identity(self) -> Any:
        return (*super().identity, self.moment, self.is_json)

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> Any:  # type: ignore[override]
        value, params = compiler.compile(self.source_expressions[0])
        days, days_params = compiler.compile(self.source_expressions[1])
        zone = timezone.get_default_timezone_name()
        if connection.vendor == "postgresql":
            if self.is_json:
                value = f"({value})::{'timestamptz' if self.moment else 'date'}"
            if self.moment:
                value = f"({value} AT TIME ZONE '{zone}')"
            day_of_year = f"(date_part('month', {value}) * 100 + date_part('day', {value}))"
            return f"{day_of_year} = ANY({days}::float8[])", [*params, *params, *days_params]
        if self.moment:
            text = f"replace(rtrim({value}, 'Z'), 'T', ' ')" if self.is_json else value
            value = f"django_datetime_cast_date({text}, '{zone}', 'UTC')"
        return f"substr({value}, 6, 5) IN (SELECT value FROM json_each({days}))", [*params, *days_params]


DAYS_OF_A_YEAR = 366


def days_of_year(first: date, last: date) -> list[int]:
    """The days of the year from one day to another, in the numbers of `DaysField`.

    29 February is kept on 28 February in years that do not have it.
    """
    days = {first + timedelta(days=number) for number in range(min((last - first).days, DAYS_OF_A_YEAR) + 1)}
    found = {day.month * 100 + day.day for day in days}
    if any((day.month, day.day) == (2, 28) and not isleap(day.year) for day in days):
        found.add(229)
    return sorted(found)


class YearlyOperator(Operator):
    """The day and month of the field's value, without its year, lie in a range of days around today."""

    families = ("date", "datetime")

    def range(self, value: Any, day: date) -> tuple[date, date]:
        """First and last day of the range when it is ``day`` today."""
        raise NotImplementedError

    def days(self, value: Any, day: date) -> list[int]:
        return days_of_year(*self.range(value, day))

    def condition(self, field: ContactField, value: Any, context: Context) -> Q:
        days = context.at(lambda now: self.days(value, today(now)), DaysField())
        return Q(OnDays(field, days))

    def crossing(self, field: ContactField, value: Any, since: datetime, now: datetime) -> Q | None:
        """The contacts with a day that was in the range at one time and not at another.

        Every day in between counts, not only the first and the last: who was edited on one of them was judged by it.
        """
        passed = min((today(now) - today(since)).days, DAYS_OF_A_YEAR)
        ranges = [set(self.days(value, today(now) - timedelta(days=ago))) for ago in range(passed + 1)]
        changed = ranges[0].union(*ranges) - ranges[0].intersection(*ranges)
        return Q(OnDays(field, Value(sorted(changed), DaysField()))) if changed else None


@operator
class AnniversaryToday(YearlyOperator):
    key = "anniversary_today"
    label = _("has its anniversary today")
    phrase = _("%(field)s has its anniversary today")

    def range(self, value: Any, day: date) -> tuple[date, date]:
        return day, day


@operator
class AnniversaryInLast(YearlyOperator):
    key = "anniversary_in_last"
    label = _("had its anniversary in the last")
    phrase = _("%(field)s had its anniversary in the last %(value)s")
    shape = Amount(["days", "weeks", "months"])

    def range(self, value: Any, day: date) -> tuple[date, date]:
        return moved_day(day, -value["count"], value["unit"]), day


@operator
class AnniversaryInNext(YearlyOperator):
    key = "anniversary_in_next"
    label = _("has its anniversary in the next")
    phrase = _("%(field)s has its anniversary in the next %(value)s")
    shape = Amount(["days", "weeks", "months"])

    def range(self, value: Any, day: date) -> tuple[date, date]:
        return day, moved_day(day, value["count"], value["unit"])


@operator
class AnniversaryInMonth(Operator):
    key = "anniversary_in_month"
    families = ("date", "datetime")
    label = _("has its anniversary in")
    phrase = _("%(field)s has its anniversary in %(value)s")
    shape = Month()

    def condition(self, field: ContactField, value: Any, context: Context) -> Q:
        days = [value["month"] * 100 + day for day in range(1, 32)]
        return Q(OnDays(field, Value(days, DaysField())))
