"""The records of runs: how far the clock had come in them, and how long they are kept."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Max

from segments.models import RefreshRun, Segment

CLOCKS_DIFFER = timedelta(hours=1)  # no clock is further ahead than that, unless it was wrong
KEPT = timedelta(days=90)
KEPT_SMALL = timedelta(days=7)


def newest_clock(now: datetime) -> datetime:
    """``now``, or the moment that memberships were last brought up to, when that is later.

    Work that was begun by an older clock must not undo what was right by a newer one: a page's edit, say, while the
    worker refreshes one segment after the other.
    """
    ahead = (now, now + CLOCKS_DIFFER)
    run = RefreshRun.objects.filter(started_at__range=ahead).aggregate(newest=Max("started_at"))
    sweep = Segment.objects.filter(swept_at__range=ahead).aggregate(newest=Max("swept_at"))
    return max(now, run["newest"] or now, sweep["newest"] or now)


def forget_old_runs(*, now: datetime) -> int:
    """Remove the records of old runs: after a week those by change and by time, of which there are many, the others
    after 90 days. Returns how many rows went.
    """
    small = RefreshRun.objects.filter(
        kind__in=[RefreshRun.Kind.CHANGES, RefreshRun.Kind.TIME], started_at__lt=now - KEPT_SMALL
    )
    return small.delete()[0] + RefreshRun.objects.filter(started_at__lt=now - KEPT).delete()[0]
