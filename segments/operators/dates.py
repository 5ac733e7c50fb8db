"""Operators for dates and moments: absolute, relative, and by the calendar.

A date without a time is a whole day in the account's time zone. Every operator here is a span between two edges; an
edge that moves with ``now`` is what makes memberships change when nobody writes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from django.db.models import CharField, DateField, DateTimeField, Q, Value
from django.db.models.expressions import Combinable
from django.utils.translation import gettext_lazy as _

from contacts.fields import Field
from segments.clock import day_after, in_utc, moved_day, period, start_of, today
from segments.context import Context
from segments.operators.base import Operator, negation, operator
from segments.spans import Compute, Edge, Span, beginning, end, fixed, inside, passed, stepped, this_moment
from segments.values import Amount, AmountRange, OneValue, Period, Range, Shape


def point(field: Field, compute: Compute, context: Context) -> Value:
    """A day or moment as SQL, in the form in which the field is stored."""
    if field.is_custom:
        return context.at(lambda now: field.type.to_json(compute(now)), CharField())
    return context.at(compute, DateField() if field.type.family == "date" else DateTimeField())


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
        return inside(field.expression(), self.span(field, value), lambda compute: point(field, compute, context))

    def indexable(self, field: Field) -> Combinable | None:
        return field.expression()


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
        context = Context(now=now)
        return passed(
            field.expression(), self.span(field, value), since, now, lambda compute: point(field, compute, context)
        )


def day_moved(value: Any, direction: int, count: str = "count") -> Compute:
    return lambda now: moved_day(today(now), direction * value[count], value["unit"])


@operator
class InLast(RelativeOperator):
    key = "in_last"
    label = _("is in the last")
    phrase = _("%(field)s is in the last %(value)s")

    def days(self, value: Any) -> Span:
        return Edge(day_moved(value, -1)), Edge(today)

    def moments(self, value: Any) -> Span:
        return stepped(-value["count"], value["unit"], included=False), Edge(this_moment)


@operator
class MoreThanAgo(RelativeOperator):
    key = "more_than_ago"
    label = _("is more than … ago")
    phrase = _("%(field)s is more than %(value)s ago")

    def days(self, value: Any) -> Span:
        return None, Edge(day_moved(value, -1), included=False)

    def moments(self, value: Any) -> Span:
        return None, stepped(-value["count"], value["unit"])


@operator
class BetweenAgo(RelativeOperator):
    key = "between_ago"
    label = _("is between … ago")
    phrase = _("%(field)s is between %(value)s ago")
    shape = AmountRange()

    def days(self, value: Any) -> Span:
        return Edge(day_moved(value, -1, "to_count")), Edge(day_moved(value, -1, "from_count"))

    def moments(self, value: Any) -> Span:
        return stepped(-value["to_count"], value["unit"], included=False), stepped(-value["from_count"], value["unit"])


@operator
class InNext(RelativeOperator):
    key = "in_next"
    label = _("is in the next")
    phrase = _("%(field)s is in the next %(value)s")

    def days(self, value: Any) -> Span:
        return Edge(today), Edge(day_moved(value, 1))

    def moments(self, value: Any) -> Span:
        return Edge(this_moment, included=False), stepped(value["count"], value["unit"])


@operator
class MoreThanAhead(RelativeOperator):
    key = "more_than_ahead"
    label = _("is more than … ahead")
    phrase = _("%(field)s is more than %(value)s ahead")

    def days(self, value: Any) -> Span:
        return Edge(day_moved(value, 1), included=False), None

    def moments(self, value: Any) -> Span:
        return stepped(value["count"], value["unit"], included=False), None


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
