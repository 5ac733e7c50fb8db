"""How fresh the members of a segment are: when they were brought up to date, how long it took, and what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from crm.jobs import next_runs
from segments.models import RefreshRun, Segment

CHANGES, TIME, AUDIT = "segments: changes", "segments: time", "segments: audit"
PATIENCE = timedelta(minutes=5)  # a worker that is only busy is not later than that


@dataclass(frozen=True)
class Freshness:
    """``latest`` is the last full refresh, ``sweep`` and ``audit`` are when the schedules run next; None for never."""

    latest: RefreshRun | None
    sweep: datetime | None
    audit: datetime | None
    is_overdue: bool

    @property
    def seconds(self) -> float | None:
        """How long the last full refresh took."""
        return None if self.latest is None else self.latest.milliseconds / 1000


def freshness(segment: Segment, *, now: datetime) -> Freshness:
    """Two queries."""
    runs = next_runs(CHANGES, TIME, AUDIT)
    sweeps = [runs[key] for key in (CHANGES, TIME) if key in runs]
    return Freshness(
        latest=RefreshRun.objects.filter(segment=segment, kind=RefreshRun.Kind.FULL, error="").first(),
        sweep=min(sweeps, default=None),
        audit=runs.get(AUDIT),
        is_overdue=not sweeps or min(sweeps) < now - PATIENCE,
    )
