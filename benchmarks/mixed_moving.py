"""Part of a benchmark: one in a hundred contacts did something, or an hour passed, beside refreshing everything."""

from datetime import datetime, timedelta

from django.db.models import F

from benchmarks.fill_events import forget_recorded
from benchmarks.meter import Cost, measured, use_one_process
from benchmarks.mixed_segments import make_mixed
from benchmarks.people import NOW, forget_segments, tidy
from benchmarks.report import table
from contacts.events import NewEvent, record
from contacts.models import Change, Contact
from segments.models import Segment
from segments.refresh import apply_changes, apply_time, audit, refresh_due, refresh_segment

TYPES = ("page_visit", "product_visit", "cart_add", "purchase", "email_opened")
BATCH = 5_000


def main() -> None:
    forget_segments()
    forget_recorded()
    use_one_process()
    segments = make_mixed()
    for segment in segments:
        refresh_segment(segment, now=NOW)
    tidy("segments_")
    with measured() as full:
        for segment in segments:
            refresh_segment(segment, now=NOW)
    with measured() as hour:
        looked_at = apply_time(now=NOW + timedelta(hours=1))
    late = NOW + timedelta(hours=1)
    changed = _contacts_do_something(late)
    with measured() as applied:
        apply_changes(now=late)
    stale = Segment.objects.filter(stale=True).count()
    with measured() as refreshed:
        refresh_due(now=late)
    left = Change.objects.count()
    different = sum(run.differences for run in audit(now=late))
    if left or different:
        raise SystemExit(f"{left} changes were not applied, and {different} memberships are wrong.")
    rows = [
        _row(f"all {len(segments)} segments in full, nothing changed", full, full),
        _row(f"an hour of time, {looked_at:,} contacts looked at", hour, full),
        _row(f"one event each of {changed:,} contacts", applied, full),
        _row(f"refreshes of {stale} segments that this asked for", refreshed, full),
    ]
    table("Mixed segments, by change and by time (ms)", ["", "CPU", "wall", "share of full"], rows)


def _contacts_do_something(now: datetime) -> int:
    """Record one event each of one in a hundred; what follows from so many at once is left to the worker."""
    chosen = Contact.objects.alias(part=F("pk") % 100).filter(part=41).order_by("pk").values_list("pk", flat=True)
    events = [
        NewEvent(
            TYPES[number % len(TYPES)],
            now,
            contact_id,
            value=50,
            properties={"category": "shoes"},
            key=f"moving {number}",
        )
        for number, contact_id in enumerate(chosen)
    ]
    for start in range(0, len(events), BATCH):
        record(events[start : start + BATCH], now=now)
    return len(events)


def _row(name: str, cost: Cost, full: Cost) -> list[str]:
    return [name, f"{cost.cpu:,.0f}", f"{cost.wall:,.0f}", f"{cost.cpu / full.cpu:.3f}"]
