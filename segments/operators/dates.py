"""Operators for dates and moments: absolute, relative, and by the calendar.

A date without a time is a whole day in the account's time zone. Every operator here is a span between two edges; an
edge that moves with ``now`` is what makes memberships change when nobody writes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import CharField, DateField, DateTimeField, Q, Value
from django.db.models.lookups import GreaterThan, GreaterThanOrEqual, LessThan, LessThanOrEqual
from django.utils.translation import gettext_lazy as _

from contacts.fields import Field
from segments.clock import day_after, in_utc, moved, moved_day, period, start_of, today
from segments.context import Context
from segments.operators.base import Operator, negation, operator
from segments.values import Amount, AmountRange, OneValue, Period, Range, Shape

Compute = Callable[[datetime], date | datetime]


@dataclass(frozen=True)
class Edge:
    """One end of a span: the day (for dates) or moment at it, and whether it belongs to the span."""

    compute: Compute
    included: bool = True


Span = tuple[Edge | None, Edge | None]


def fixed(day_or_moment: date | datetime) -> Compute:
    return lambda now: day_or_moment


def point(field: Field, compute: Compute, context: Context) -> Value:
    """A day or moment as SQL, in the form in which the field is stored."""
    if field.is_custom:
        return context.at(lambda now: field.type.to_json(compute(now)), CharField())
    return context.at(compute, DateField() if field.type.family == "date" else DateTimeField())


def beginning(value: date | datetime) -> datetime:
    """The first moment that belongs to a day; a moment is its own."""
    return in_utc(value) if isinstance(value, datetime) else start_of(value)


def end(value: date | datetime) -> Edge:
    """The end of a whole day, which is the first moment of the next; a moment is its own."""
    if isinstance(value, datetime):
        return Edge(fixed(in_utc(value)))
    return Edge(fixed(start_of(day_after(value))), included=False)


class SpanOperator(Operator):
    """The field's value lies between two edges. A date field takes `days`, a moment `moments`."""

    families = ("date", "datetime")

    def days(self, value: Any) -> Span:
        raise NotImplementedError

    def moments(self, value: Any) -> Span:
        raise NotImplementedError

    def span(self, field: Field, value: Any) -> Span:
        return self.days(value) if field.type.family == "date" else self.moments(value)

    def condition(self, field: Field, value: Any, context: Context) -> Q:
        first, last = self.span(field, value)
        condition = Q()
        if first:
            lookup: Any = GreaterThanOrEqual if first.included else GreaterThan
            condition &= Q(lookup(field.expression(), point(field, first.compute, context)))
        if last:
            lookup = LessThanOrEqual if last.included else LessThan
            condition &= Q(lookup(field.expression(), point(field, last.compute, context)))
        return condition


class AbsoluteOperator(SpanOperator):
    shape = OneValue(times=True)


@operator
class On(AbsoluteOperator):
    key = "on"
    label = _("is on")
    phrase = _("%(field)s is on %(value)s")
    shape = OneValue()

    def days(self, value: date) -> Span:
        return Edge(fixed(value)), Edge(fixed(value))

    def moments(self, value: date) -> Span:
        return Edge(fixed(start_of(value))), end(value)


negation(On, "not_on", _("is not on"), _("%(field)s is not on %(value)s"))


@operator
class Before(AbsoluteOperator):
    key = "before"
    label = _("is before")
    phrase = _("%(field)s is before %(value)s")

    def days(self, value: date) -> Span:
        return None, Edge(fixed(value), included=False)

    def moments(self, value: date | datetime) -> Span:
        return None, Edge(fixed(beginning(value)), included=False)


@operator
class OnOrBefore(AbsoluteOperator):
    key = "on_or_before"
    label = _("is equal to or before")
    phrase = _("%(field)s is equal to or before %(value)s")

    def days(self, value: date) -> Span:
        return None, Edge(fixed(value))

    def moments(self, value: date | datetime) -> Span:
        return None, end(value)


@operator
class After(AbsoluteOperator):
    key = "after"
    label = _("is after")
    phrase = _("%(field)s is after %(value)s")

    def days(self, value: date) -> Span:
        return Edge(fixed(value), included=False), None

    def moments(self, value: date | datetime) -> Span:
        if isinstance(value, datetime):
            return Edge(fixed(in_utc(value)), included=False), None
        return Edge(fixed(start_of(day_after(value)))), None


@operator
class OnOrAfter(AbsoluteOperator):
    key = "on_or_after"
    label = _("is equal to or after")
    phrase = _("%(field)s is equal to or after %(value)s")

    def days(self, value: date) -> Span:
        return Edge(fixed(value)), None

    def moments(self, value: date | datetime) -> Span:
        return Edge(fixed(beginning(value))), None


@operator
class Between(SpanOperator):
    key = "between"
    label = _("is between")
    phrase = _("%(field)s is between %(value)s (both included)")
    shape = Range()

    def days(self, value: Any) -> Span:
        return Edge(fixed(value["from"])), Edge(fixed(value["to"]))

    def moments(self, value: Any) -> Span:
        return Edge(fixed(beginning(value["from"]))), end(value["to"])


negation(Between, "not_between", _("is not between"), _("%(field)s is not between %(value)s (both included)"))


class RelativeOperator(SpanOperator):
    """A span whose edges move with time."""

    shape: Shape = Amount()

    def crossing(self, field: Field, value: Any, since: datetime, now: datetime) -> Q | None:
        """The contacts whose value an edge has passed."""
        passed = Q()
        for edge in self.span(field, value):
            if edge is None or edge.compute(since) == edge.compute(now):
                continue
            low, high = sorted((edge.compute(since), edge.compute(now)))
            context = Context(now=now)
            passed |= Q(GreaterThanOrEqual(field.expression(), point(field, fixed(low), context))) & Q(
                LessThanOrEqual(field.expression(), point(field, fixed(high), context))
            )
        return passed or None


def day_moved(value: Any, direction: int, count: str = "count") -> Compute:
    return lambda now: moved_day(today(now), direction * value[count], value["unit"])


def moment_moved(value: Any, direction: int, count: str = "count") -> Compute:
    return lambda now: moved(now, direction * value[count], value["unit"])


def this_moment(now: datetime) -> datetime:
    return now


@operator
class InLast(RelativeOperator):
    key = "in_last"
    label = _("is in the last")
    phrase = _("%(field)s is in the last %(value)s")

    def days(self, value: Any) -> Span:
        return Edge(day_moved(value, -1)), Edge(today)

    def moments(self, value: Any) -> Span:
        return Edge(moment_moved(value, -1), included=False), Edge(this_moment)


@operator
class MoreThanAgo(RelativeOperator):
    key = "more_than_ago"
    label = _("is more than … ago")
    phrase = _("%(field)s is more than %(value)s ago")

    def days(self, value: Any) -> Span:
        return None, Edge(day_moved(value, -1), included=False)

    def moments(self, value: Any) -> Span:
        return None, Edge(moment_moved(value, -1))


@operator
class BetweenAgo(RelativeOperator):
    key = "between_ago"
    label = _("is between … ago")
    phrase = _("%(field)s is between %(value)s ago")
    shape = AmountRange()

    def days(self, value: Any) -> Span:
        return Edge(day_moved(value, -1, "to_count")), Edge(day_moved(value, -1, "from_count"))

    def moments(self, value: Any) -> Span:
        return Edge(moment_moved(value, -1, "to_count"), included=False), Edge(moment_moved(value, -1, "from_count"))


@operator
class InNext(RelativeOperator):
    key = "in_next"
    label = _("is in the next")
    phrase = _("%(field)s is in the next %(value)s")

    def days(self, value: Any) -> Span:
        return Edge(today), Edge(day_moved(value, 1))

    def moments(self, value: Any) -> Span:
        return Edge(this_moment, included=False), Edge(moment_moved(value, 1))


@operator
class MoreThanAhead(RelativeOperator):
    key = "more_than_ahead"
    label = _("is more than … ahead")
    phrase = _("%(field)s is more than %(value)s ahead")

    def days(self, value: Any) -> Span:
        return Edge(day_moved(value, 1), included=False), None

    def moments(self, value: Any) -> Span:
        return Edge(moment_moved(value, 1), included=False), None


class CalendarOperator(RelativeOperator):
    shape = Period()
    offset: int

    def days(self, value: Any) -> Span:
        first, after = self.edges(value)
        return Edge(first), Edge(after, included=False)

    def moments(self, value: Any) -> Span:
        first, after = self.edges(value)
        return Edge(lambda now: start_of(first(now))), Edge(lambda now: start_of(after(now)), included=False)

    def edges(self, value: Any) -> tuple[Callable[[datetime], date], Callable[[datetime], date]]:
        unit = value["unit"]
        return (
            lambda now: period(today(now), unit, self.offset)[0],
            lambda now: period(today(now), unit, self.offset)[1],
        )


@operator
class InThis(CalendarOperator):
    key = "in_this"
    label = _("is in this")
    phrase = _("%(field)s is in this %(value)s")
    offset = 0


@operator
class InPrevious(CalendarOperator):
    key = "in_previous"
    label = _("is in the previous")
    phrase = _("%(field)s is in the previous %(value)s")
    offset = -1


@operator
class InFollowing(CalendarOperator):
    key = "in_following"
    label = _("is in the following")
    phrase = _("%(field)s is in the following %(value)s")
    offset = 1
