from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone

from segments.faults import DefinitionError
from segments.models import RefreshRun, Segment
from segments.refresh import audit, refresh_segment
from segments.refresh.plan import Plan


class Command(BaseCommand):
    help = (
        "Make the members of all segments with conditions equal to what the conditions say now, and print the figures. "
        "With --audit, only compare, and repair what differs. Ends with status 1 when a segment failed or the audit "
        "found a difference."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        chosen = parser.add_mutually_exclusive_group()
        chosen.add_argument("--segment", type=int, metavar="ID", help="refresh only this segment")
        chosen.add_argument("--audit", action="store_true", help="compare every segment with a full evaluation")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        if options["audit"]:
            self._audit(now=now)
        else:
            self._refresh(_segments(options["segment"], now=now), now=now)

    def _refresh(self, segments: list[Segment], *, now: datetime) -> None:
        failed = 0
        for segment in segments:
            try:
                run = refresh_segment(segment, now=now)
            except (DatabaseError, DefinitionError) as error:
                failed += 1
                self.stderr.write(f"{_named(segment)}: failed: {error}")
                continue
            if run is None:
                self.stdout.write(f"{_named(segment)}: left to another refresh, or deleted meanwhile")
            else:
                segment.refresh_from_db(fields=["size"])
                self.stdout.write(
                    f"{_named(segment)}: {segment.size:,} contacts, {run.entered:,} entered, {run.left:,} left, "
                    f"{run.milliseconds:,} ms"
                )
        if failed:
            raise CommandError(f"{failed} of {len(segments)} segments failed.")

    def _audit(self, *, now: datetime) -> None:
        runs = audit(now=now)
        for run in runs:
            assert run.segment
            self.stdout.write(f"{_named(run.segment)}: {_result(run)}, {run.milliseconds:,} ms")
        broken = list(Segment.objects.live().defined().exclude(error=""))
        for segment in broken:
            self.stderr.write(f"{_named(segment)}: cannot be checked: {segment.error}")
        differences = sum(run.differences for run in runs)
        if differences or broken:
            raise CommandError(
                f"{differences:,} differences found and repaired, {len(broken)} segments could not be checked."
            )


def _segments(only: int | None, *, now: datetime) -> list[Segment]:
    """The segments to refresh, each after those that its rules read; those that cannot be compiled come last."""
    live = {segment.pk: segment for segment in Segment.objects.live().defined()}
    if only is not None:
        if only not in live:
            raise CommandError(f"There is no segment {only} with conditions.")
        return [live[only]]
    in_order = [pk for pk in Plan.of_all(now=now).in_order() if pk in live]
    return [live[pk] for pk in [*in_order, *(pk for pk in live if pk not in in_order)]]


def _named(segment: Segment) -> str:
    return f"{segment.pk} {segment.name}"


def _result(run: RefreshRun) -> str:
    if run.error:
        return "failed"
    return f"{run.differences:,} differences repaired" if run.differences else "no difference"
