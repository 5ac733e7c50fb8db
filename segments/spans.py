"""Spans of time between two edges, which may move with the clock: what they hold, and whom their edges pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Q, Value
from django.db.models.lookups import GreaterThan, GreaterThanOrEqual, LessThan, LessThanOrEqual

from segments.clock import EXACT_UNITS, day_after, in_utc, is_steady, moved, start_of

Compute = Callable[[datetime], date | datetime]
AsValue = Callable[[Compute], Value]
"""Puts the day or moment that is computed from ``now`` into SQL."""

STEP_BACK = timedelta(days=2)  # more than the calendar and the clock together can step back


@dataclass(frozen=True)
class Edge:
    """One end of a span: the day (for dates) or moment at it, and whether it belongs to the span.

    ``calendar`` marks a moment that steps in months or years. It does not only move forward: the months before 28 and
    before 29 March both lead to 28 February, so at midnight it goes back by a day, and clocks go back too.
    """

    compute: Compute
    included: bool = True
    calendar: bool = False

    def strip(self, since: datetime, now: datetime) -> tuple[Any, Any] | None:
        """Everywhere that the edge was between two moments, from and to; None when it did not move."""
        low: Any
        high: Any
        low, high = sorted((self.compute(since), self.compute(now)))
        if self.calendar and not (is_steady(since, now) and is_steady(low, high)):
            return low - STEP_BACK, high + STEP_BACK
        return (low, high) if low != high else None


Span = tuple[Edge | None, Edge | None]
"""The first and the last edge; None is an open end."""


def fixed(day_or_moment: date | datetime) -> Compute:
    return lambda now: day_or_moment


def this_moment(now: datetime) -> datetime:
    return now


def stepped(count: int, unit: str, *, included: bool = True) -> Edge:
    """The moment ``count`` units after now."""
    return Edge(lambda now: moved(now, count, unit), included, calendar=unit not in EXACT_UNITS)


def beginning(value: date | datetime) -> datetime:
    """The first moment that belongs to a day; a moment is its own."""
    return in_utc(value) if isinstance(value, datetime) else start_of(value)


def end(value: date | datetime) -> Edge:
    """The end of a whole day, which is the first moment of the next; a moment is its own."""
    if isinstance(value, datetime):
        return Edge(fixed(in_utc(value)))
    return Edge(fixed(start_of(day_after(value))), included=False)


def inside(value: Any, span: Span, as_value: AsValue) -> Q:
    """The rows whose value, a column or an expression, lies in the span."""
    first, last = span
    condition = Q()
    if first:
        lookup: Any = GreaterThanOrEqual if first.included else GreaterThan
        condition &= Q(lookup(value, as_value(first.compute)))
    if last:
        lookup = LessThanOrEqual if last.included else LessThan
        condition &= Q(lookup(value, as_value(last.compute)))
    return condition


def passed(value: Any, span: Span, since: datetime, now: datetime, as_value: AsValue) -> Q | None:
    """The rows whose value an edge passed between two moments, or may have; None when no edge moved."""
    condition = Q()
    for edge in span:
        strip = edge.strip(since, now) if edge else None
        if strip:
            low, high = (as_value(fixed(place)) for place in strip)
            condition |= Q(GreaterThanOrEqual(value, low)) & Q(LessThanOrEqual(value, high))
    return condition or None
