"""Which segments there are to keep right, what each depends on, and in which order they are brought up to date."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import connection

from contacts.models import Contact
from segments.models import Segment
from segments.references import gone, refuse
from segments.statements import Kept, kept_of

logger = logging.getLogger(__name__)

OF_ALL = """
    SELECT id, version, refresh_token IS NOT NULL FROM segments_segment WHERE deleted_at IS NULL AND kind <> 'static'
"""


def is_small(count: int) -> bool:
    """Whether so many contacts are better looked at one by one than by evaluating a definition for everybody.

    Above about two in a hundred a full refresh is cheaper.
    """
    newest = Contact.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    return count <= max(1_000, newest // 50)


def fail(segment_id: int, error: Exception, *, now: datetime, token: UUID | None = None) -> None:
    """Keep a segment's error where people see it; it stays stale and is tried again.

    ``token`` is that of the refresh that failed: when another has taken over since, it alone counts.
    """
    logger.error("segment %s cannot be refreshed: %s", segment_id, error)
    ours = {"refresh_token": token} if token else {}
    Segment.objects.filter(pk=segment_id, **ours).update(
        error=str(error) or type(error).__name__, failed_at=now, stale=True, refresh_token=None
    )


@dataclass
class Plan:
    """What is kept of the segments with a usable definition, by id.

    ``levels`` orders the ids: each after those that its rules read. ``refreshing`` are those under a full refresh.
    Made anew for every edit of a contact, so it reads no more of a segment than it needs.
    """

    kept: dict[int, Kept]
    refreshing: frozenset[int]
    levels: list[list[int]] = field(default_factory=list)

    @classmethod
    def of_all(cls, *, now: datetime) -> Plan:
        """All live segments with a definition. One that does not compile is marked with its error and left out."""
        with connection.cursor() as cursor:
            cursor.execute(OF_ALL)
            rows = cursor.fetchall()
        versions = {pk: version for pk, version, _refreshing in rows}
        refreshing = {pk for pk, _version, refreshing in rows if refreshing}
        found, broken = kept_of(versions)
        missing = gone(key for one in found.values() for key in one.keys)
        for pk in [pk for pk, one in found.items() if missing & one.keys]:
            broken[pk] = refuse(missing & found.pop(pk).keys)
        if broken:
            for pk in Segment.objects.filter(pk__in=broken, error="").values_list("pk", flat=True):
                fail(pk, broken[pk], now=now)
        plan = cls(found, frozenset(refreshing))
        plan.levels = plan._in_order()
        return plan

    def dependents(self, segment_id: int) -> list[int]:
        """The segments with a rule on this one."""
        return [pk for pk, one in self.kept.items() if f"segment:{segment_id}" in one.keys]

    def in_order(self) -> list[int]:
        """The segments, each after those that its rules read."""
        return [pk for level in self.levels for pk in level]

    def _in_order(self) -> list[list[int]]:
        read = {pk: one.reads & self.kept.keys() for pk, one in self.kept.items() if one.reads}
        if not read:
            return [list(self.kept)]
        levels: list[list[int]] = []
        placed: set[int] = set()
        while len(placed) < len(self.kept):
            level = [pk for pk in self.kept if pk not in placed and read.get(pk, set()) <= placed]
            # A cycle cannot be saved; if there is one all the same, its segments come last, in no order.
            level = level or [pk for pk in self.kept if pk not in placed]
            levels.append(level)
            placed.update(level)
        return levels
