"""Which segments there are to keep right, what each depends on, and in which order they are brought up to date."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime

from contacts.models import Contact
from segments.faults import DefinitionError
from segments.models import Segment
from segments.references import gone, refuse
from segments.statements import Kept, kept

logger = logging.getLogger(__name__)


def is_small(count: int) -> bool:
    """Whether so many contacts are better looked at one by one than by evaluating a definition for everybody.

    Above about two in a hundred a full refresh is cheaper.
    """
    newest = Contact.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    return count <= max(1_000, newest // 50)


def fail(segment_id: int, error: Exception, *, now: datetime) -> None:
    """Keep a segment's error where people see it; it stays stale and is tried again."""
    logger.error("segment %s cannot be refreshed: %s", segment_id, error)
    Segment.objects.filter(pk=segment_id).update(
        error=str(error) or type(error).__name__, failed_at=now, stale=True, refresh_token=None
    )


@dataclass
class Plan:
    """The segments with a usable definition. ``levels`` orders them: each after those that its rules read."""

    segments: dict[int, Segment]
    kept: dict[int, Kept]
    levels: list[list[Segment]] = field(default_factory=list)

    @classmethod
    def of_all(cls, *, now: datetime) -> Plan:
        """All live segments with a definition. One that does not compile is marked with its error and left out."""
        plan = cls({}, {})
        broken: dict[Segment, DefinitionError] = {}
        for segment in Segment.objects.live().defined().defer("description", "definition"):
            try:
                plan.kept[segment.pk] = kept(segment)
                plan.segments[segment.pk] = segment
            except DefinitionError as error:
                broken[segment] = error
        missing = gone(key for one in plan.kept.values() for key in one.keys)
        for pk in [pk for pk, one in plan.kept.items() if missing & one.keys]:
            broken[plan.segments.pop(pk)] = refuse(missing & plan.kept.pop(pk).keys)
        for segment, reason in broken.items():
            if not segment.error:
                fail(segment.pk, reason, now=now)
        plan.levels = plan._in_order()
        return plan

    def dependents(self, segment_id: int) -> list[int]:
        """The segments with a rule on this one."""
        return [pk for pk, one in self.kept.items() if f"segment:{segment_id}" in one.keys]

    def in_order(self, segment_ids: set[int] | None = None) -> list[Segment]:
        """The segments, or some of them, each after those that its rules read."""
        return [
            segment for level in self.levels for segment in level if segment_ids is None or segment.pk in segment_ids
        ]

    def _in_order(self) -> list[list[Segment]]:
        read = (
            {pk: {other for other in self.segments if f"segment:{other}" in one.keys} for pk, one in self.kept.items()}
            if any(key.startswith("segment:") for one in self.kept.values() for key in one.keys)
            else {}
        )
        levels: list[list[Segment]] = []
        placed: set[int] = set()
        while len(placed) < len(self.segments):
            level = [pk for pk in self.segments if pk not in placed and read.get(pk, set()) <= placed]
            # A cycle cannot be saved; if there is one all the same, its segments come last, in no order.
            level = level or [pk for pk in self.segments if pk not in placed]
            levels.append([self.segments[pk] for pk in level])
            placed.update(level)
        return levels
