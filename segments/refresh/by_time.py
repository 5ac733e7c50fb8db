"""Refresh by time: memberships change when nobody writes, as the edges of windows and the days of the year pass."""

from __future__ import annotations

from datetime import datetime
from time import perf_counter

from contacts.models import Contact
from segments.compiler import crossing
from segments.context import Context
from segments.ledger import memberships_lock
from segments.models import Cause, RefreshRun, Segment
from segments.refresh.evaluate import Pending, bring_up_to_date
from segments.refresh.plan import Plan, is_small
from segments.refresh.records import CLOCKS_DIFFER


def apply_time(*, now: datetime) -> int:
    """Bring the segments whose definitions are relative up to ``now``.

    Only the contacts that an edge passed since the segment was last swept are looked at; when those are too many, the
    segment is marked for a full refresh. Returns how many contacts were looked at.
    """
    started = perf_counter()
    with memberships_lock():
        plan = Plan.of_all(now=now)
        pending: Pending = {}
        swept, stale = [], []
        context = Context()
        relative = [pk for pk, one in plan.kept.items() if one.relative and pk not in plan.refreshing]
        for segment in Segment.objects.filter(pk__in=relative, stale=False):
            if segment.swept_at is None or now <= segment.swept_at <= now + CLOCKS_DIFFER:
                continue
            if segment.swept_at > now:
                stale.append(segment.pk)  # by a clock that was wrong: nobody knows who was judged by it
                continue
            crossed = crossing(segment.conditions, since=segment.swept_at, now=now, context=context)
            swept.append(segment.pk)
            if crossed is None:
                continue
            contact_ids = _contacts(crossed)
            if contact_ids is None:
                stale.append(segment.pk)
            elif contact_ids:
                pending[segment.pk] = dict.fromkeys(contact_ids, (Cause.TIME, ""))
        if pending:
            outcome = bring_up_to_date(plan, pending, now=now)
            RefreshRun.objects.create(
                kind=RefreshRun.Kind.TIME,
                cause=Cause.TIME,
                segments=outcome.segments,
                started_at=now,
                milliseconds=round(1000 * (perf_counter() - started)),
                examined=outcome.examined,
                entered=outcome.entered,
                left=outcome.left,
            )
        Segment.objects.filter(pk__in=stale).update(stale=True)
        Segment.objects.filter(pk__in=swept).update(swept_at=now)
    return len(set().union(*pending.values())) if pending else 0


def _contacts(crossed: object) -> list[int] | None:
    """The contacts that an edge passed; None when they are too many to look at one by one."""
    most = 1_000
    contact_ids = list(Contact.objects.filter(crossed).order_by().values_list("pk", flat=True)[: most + 1])
    if len(contact_ids) <= most:
        return contact_ids
    while is_small(most * 2):
        most *= 2
    contact_ids = list(Contact.objects.filter(crossed).order_by().values_list("pk", flat=True)[: most + 1])
    return contact_ids if len(contact_ids) <= most else None
