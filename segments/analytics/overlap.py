"""Which members of a segment are in other segments too: every combination of them, each member counted once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from segments.analytics.shares import percent
from segments.models import Segment

MOST = 4  # with five sets a picture of their combinations can still be read


@dataclass(frozen=True)
class Combination:
    """The members that are in all of ``others`` and in none of the other segments that were asked for."""

    others: tuple[Segment, ...]
    count: int
    share: float | None


@dataclass(frozen=True)
class Shared:
    """How many members of a segment are in another one; the shares are of the one and of the other."""

    other: Segment
    count: int
    share: float | None
    share_of_other: float | None


@dataclass(frozen=True)
class Overlap:
    """``combinations`` has the largest first, and none that is empty."""

    segment: Segment
    others: tuple[Segment, ...]
    combinations: list[Combination]
    shared: list[Shared]


def overlap(segment: Segment, others: Sequence[Segment]) -> Overlap:
    """The combinations of a segment with at most `MOST` others, by one query. Raises ValueError for more."""
    if len(others) > MOST:
        raise ValueError(f"at most {MOST} segments can be compared with")
    counts = {
        tuple(other for place, other in enumerate(others) if mask >> place & 1): count
        for mask, count in _masks(segment, others)
    }
    members = sum(counts.values())
    combinations = [Combination(inside, count, percent(count, members)) for inside, count in counts.items()]
    return Overlap(
        segment,
        tuple(others),
        sorted(combinations, key=lambda one: (-one.count, [other.pk for other in one.others])),
        [_shared(other, counts, members) for other in others],
    )


def _shared(other: Segment, counts: dict[tuple[Segment, ...], int], members: int) -> Shared:
    both = sum(count for inside, count in counts.items() if other in inside)
    return Shared(other, both, percent(both, members), percent(both, other.size))


def _masks(segment: Segment, others: Sequence[Segment]) -> list[tuple[int, int]]:
    """How many members there are of each combination: bit n stands for the other segment number n.

    Joins walk the primary keys side by side; a GROUP BY over the memberships of all segments would sort them.
    """
    places = range(len(others))
    bits = [f"CASE WHEN other_{place}.contact_id IS NULL THEN 0 ELSE {1 << place} END" for place in places]
    joins = [
        f"LEFT JOIN segments_membership other_{place}"
        f" ON other_{place}.segment_id = %s AND other_{place}.contact_id = member.contact_id"
        for place in places
    ]
    sql = (
        f"SELECT mask, COUNT(*) FROM (SELECT {' + '.join(bits) or '0'} AS mask FROM segments_membership member"
        f" {' '.join(joins)} WHERE member.segment_id = %s) masks GROUP BY mask"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [*(other.pk for other in others), segment.pk])
        return list(cursor.fetchall())
