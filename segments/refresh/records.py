"""The records of runs, and how long they are kept."""

from __future__ import annotations

from datetime import datetime, timedelta

from segments.models import RefreshRun

KEPT = timedelta(days=90)
KEPT_SMALL = timedelta(days=7)


def forget_old_runs(*, now: datetime) -> int:
    """Remove the records of old runs: after a week those by change and by time, of which there are many, the others
    after 90 days. Returns how many rows went.
    """
    small = RefreshRun.objects.filter(
        kind__in=[RefreshRun.Kind.CHANGES, RefreshRun.Kind.TIME], started_at__lt=now - KEPT_SMALL
    )
    return small.delete()[0] + RefreshRun.objects.filter(started_at__lt=now - KEPT).delete()[0]
