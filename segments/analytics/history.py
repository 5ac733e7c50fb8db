"""How large a segment was, and how many entered and left it, by day, week or month of the account's time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import QuerySet

from segments.clock import day_after, period, start_of, today
from segments.models import Segment, SegmentDay, Transition

SHOWN = {"day": 30, "week": 26, "month": 12}
"""The units that a history can be cut into, with how many of them it shows."""


@dataclass(frozen=True)
class Period:
    """What happened from ``first`` to ``last``, both included. ``size`` is that at its end, None before the segment."""

    first: date
    last: date
    entered: int
    left: int
    size: int | None


def history(segment: Segment, unit: str, *, now: datetime) -> list[Period]:
    """The latest periods of ``unit`` (a key of `SHOWN`), oldest first, the one under way included; one query.

    The sizes are worked out backwards from the size that the segment has now.
    """
    here = today(now)
    spans = [period(here, unit, -back) for back in range(SHOWN[unit])]
    days = SegmentDay.objects.filter(segment=segment, day__gte=spans[-1][0]).values_list("day", "entered", "left")
    moved = {first: [0, 0] for first, _following in spans}
    for day, entered, left in days:
        first, _following = period(day, unit)
        if first in moved:
            moved[first][0] += entered
            moved[first][1] += left
    began = min([today(segment.created_at), *(day for day, _entered, _left in days)])
    periods, size = [], segment.size
    for first, following in spans:
        last = following - timedelta(days=1)
        entered, left = moved[first]
        periods.append(Period(first, last, entered, left, size if last >= began else None))
        size -= entered - left
    return periods[::-1]


def moved_between(segment: Segment, kind: Transition.Kind, first: date, last: date) -> QuerySet[Transition]:
    """The transitions of one kind on these days, both included."""
    return Transition.objects.filter(
        segment=segment, kind=kind, at__gte=start_of(first), at__lt=start_of(day_after(last))
    )
