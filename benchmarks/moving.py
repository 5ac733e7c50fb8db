"""Part of a benchmark: a hundredth of the contacts changed, and an hour passed, beside a refresh of everything."""

from datetime import timedelta

from django.db import connection
from django.db.models import F

from benchmarks.by_hand import EXAMPLES
from benchmarks.meter import Cost, measured
from benchmarks.people import NOW, forget_segments, tidy
from benchmarks.report import table
from contacts.models import Change, Contact
from segments.compiler import validate
from segments.models import Segment
from segments.refresh import apply_changes, apply_time, refresh_segment


def main() -> None:
    forget_segments()
    segments = [
        Segment.objects.create(
            name=example.name, kind=Segment.Kind.DYNAMIC, definition=validate(example.definition, kind="dynamic")
        )
        for example in EXAMPLES
    ]
    for segment in segments:
        refresh_segment(segment, now=NOW)
    tidy("segments_")
    with measured() as full:
        for segment in segments:
            refresh_segment(segment, now=NOW)
    some = Contact.objects.alias(part=F("pk") % 100).filter(part=41)
    with measured() as write:
        moved = some.update(country="PT")
    with measured() as changed:
        apply_changes(now=NOW)
    with measured() as hour:
        looked_at = apply_time(now=NOW + timedelta(hours=1))
    left = Change.objects.count()
    if left:
        raise SystemExit(f"{left} changes were not applied")
    rows = [
        _row(f"all {len(segments)} segments in full, nothing changed", full, full),
        _row(f"{moved:,} contacts written", write, full),
        _row(f"these changes applied, {moved:,} contacts", changed, full),
        _row(f"an hour of time, {looked_at:,} contacts looked at", hour, full),
    ]
    table("By change and by time (ms)", ["", "CPU", "wall", "share of full"], rows)
    connection.close()


def _row(name: str, cost: Cost, full: Cost) -> list[str]:
    return [name, f"{cost.cpu:,.0f}", f"{cost.wall:,.0f}", f"{cost.cpu / full.cpu:.3f}"]
