"""Operators for days that come back every year, such as birthdays.

They compare the field's day of the year with the set of days around today, so there are no edges to pass: the clock
concerns those whose day came into the set or went out of it.
"""

from __future__ import annotations

from calendar import isleap
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Func, IntegerField, Q, Value
from django.db.models.lookups import GreaterThan, LessThan
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts.fields import Field
from segments.clock import moved_day, today
from segments.context import Context
from segments.logic import NumberListField, OneOfNumbers
from segments.operators.base import Operator, operator
from segments.values import Amount, Month


class DayOfYear(Func):
    """Month and day of a date as one number, such as 1231, in the account's time zone for a moment."""

    def __init__(self, field: Field) -> None:
        self.moment = field.type.family == "datetime"
        self.is_json = field.is_custom
        super().__init__(field.expression(), output_field=IntegerField())

    @property
    def identity(self) -> Any:
        return (*super().identity, self.moment, self.is_json)

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> Any:  # type: ignore[override]
        value, params = compiler.compile(self.source_expressions[0])
        zone = timezone.get_default_timezone_name()
        if connection.vendor == "postgresql":
            if self.is_json:
                value = f"({value})::{'timestamptz' if self.moment else 'date'}"
            if self.moment:
                value = f"({value} AT TIME ZONE '{zone}')"
            return f"to_char({value}, 'MMDD')::int", params
        if self.moment:
            text = f"replace(rtrim({value}, 'Z'), 'T', ' ')" if self.is_json else value
            value = f"django_datetime_cast_date({text}, '{zone}', 'UTC')"
        return f"CAST(replace(substr({value}, 6), '-', '') AS INTEGER)", params


DAYS_OF_A_YEAR = 366


def days_of_year(first: date, last: date) -> list[int]:
    """The days of the year from one day to another, as `DayOfYear` counts them.

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

    def condition(self, field: Field, value: Any, context: Context) -> Q:
        days = context.at(lambda now: self.days(value, today(now)), NumberListField())
        return Q(OneOfNumbers(DayOfYear(field), days))

    def crossing(self, field: Field, value: Any, since: datetime, now: datetime) -> Q | None:
        """The contacts with a day that was in the range at one time and not at another.

        Every day in between counts, not only the first and the last: who was edited on one of them was judged by it.
        """
        passed = min((today(now) - today(since)).days, DAYS_OF_A_YEAR)
        ranges = [set(self.days(value, today(now) - timedelta(days=ago))) for ago in range(passed + 1)]
        changed = ranges[0].union(*ranges) - ranges[0].intersection(*ranges)
        return Q(OneOfNumbers(DayOfYear(field), Value(sorted(changed), NumberListField()))) if changed else None


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

    def condition(self, field: Field, value: Any, context: Context) -> Q:
        first = value["month"] * 100
        return Q(GreaterThan(DayOfYear(field), Value(first))) & Q(LessThan(DayOfYear(field), Value(first + 100)))
