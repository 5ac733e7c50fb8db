"""The audit: compare every segment with a full evaluation, and repair what differs, which should be nothing."""

from __future__ import annotations

import logging
from collections import Counter
from datetime import datetime
from time import perf_counter

from django.db import DatabaseError, connection
from django.db.models import Q

from segments.faults import DefinitionError
from segments.ledger import Moves, memberships_lock, write
from segments.models import Cause, Membership, RefreshRun, Segment
from segments.refresh.by_change import apply_changes
from segments.refresh.by_time import apply_time
from segments.refresh.full import difference, refresh_due
from segments.refresh.plan import Plan, fail
from segments.refresh.records import newest_clock
from segments.statements import kept

logger = logging.getLogger(__name__)


def audit(*, now: datetime) -> list[RefreshRun]:
    """Check all live segments at ``now`` and repair what is wrong; returns one run for each, with its differences.

    Checked are the memberships of segments with a definition, the sizes of all, and memberships of contacts that no
    longer exist.
    """
    apply_changes(now=now)
    apply_time(now=now)
    refresh_due(now=now)
    missing = _forget_missing_contacts(now=now)
    in_order = Plan.of_all(now=now).in_order()
    segments = Segment.objects.in_bulk(in_order)
    runs = [_audit_one(segments[pk], missing[pk], now=now) for pk in in_order if pk in segments]
    runs += [_audit_size(segment, missing[segment.pk], now=now) for segment in Segment.objects.live().static()]
    found = [run for run in runs if run.differences]
    for run in found:
        logger.error("audit found %s differences in segment %s and repaired them", run.differences, run.segment_id)
    return runs


def _audit_one(segment: Segment, missing: int, *, now: datetime) -> RefreshRun:
    """Compare while others may write; only what still differs when nobody can is wrong, and is repaired."""
    started = perf_counter()
    entered = left = wrong_size = 0
    error = ""
    try:
        with difference(segment, now=newest_clock(now)) as moves:
            suspicious = any(moves.counts())
        with memberships_lock():
            current = Segment.objects.get(pk=segment.pk)
            if (current.version, current.refresh_token, current.stale) == (segment.version, None, False):
                if suspicious:
                    entered, left = _repair(segment, now=newest_clock(now))
                wrong_size = _repair_size(segment.pk)
    except (DatabaseError, DefinitionError) as failure:
        error = str(failure)
        fail(segment.pk, failure, now=now)
    return _run(segment, entered, left, missing + entered + left + wrong_size, error, now=now, started=started)


def _repair(segment: Segment, *, now: datetime) -> tuple[int, int]:
    """Make the memberships right, in the transaction of the memberships lock; returns how many entered and left."""
    with difference(segment, now=now) as moves:
        # Contacts with a change that waits are not wrong, only not yet looked at.
        moves.leave_out_changed({"contact", f"evaluate:{segment.pk}", *kept(segment).keys})
        entered, left = moves.counts()
        write(moves.entered(Cause.AUDIT), moves.left(Cause.AUDIT), {segment.pk: (entered, left)}, now=now)
    return entered, left


def _audit_size(segment: Segment, missing: int, *, now: datetime) -> RefreshRun:
    started = perf_counter()
    with memberships_lock():
        wrong_size = _repair_size(segment.pk)
    return _run(segment, 0, 0, missing + wrong_size, "", now=now, started=started)


def _repair_size(segment_id: int) -> int:
    """Make the kept size equal to the number of memberships; returns 1 if it was not."""
    size = Membership.objects.filter(segment_id=segment_id).count()
    return Segment.objects.filter(~Q(size=size), pk=segment_id).update(size=size)


def _forget_missing_contacts(*, now: datetime) -> Counter[int]:
    """Remove the memberships of contacts that no longer exist; returns how many, by segment."""
    missing = (
        f"SELECT segment_id, contact_id, '{Cause.AUDIT}' AS cause, '' AS detail FROM segments_membership"
        " WHERE NOT EXISTS (SELECT 1 FROM contacts_contact c WHERE c.id = segments_membership.contact_id)"
    )
    with memberships_lock(), connection.cursor() as cursor:
        cursor.execute(f"SELECT segment_id, COUNT(*) FROM ({missing}) missing GROUP BY segment_id")
        counts = Counter(dict(cursor.fetchall()))
        moves = Moves(missing, [])
        write(moves, moves, {segment_id: (0, count) for segment_id, count in counts.items()}, now=now)
    return counts


def _run(
    segment: Segment, entered: int, left: int, differences: int, error: str, *, now: datetime, started: float
) -> RefreshRun:
    return RefreshRun.objects.create(
        kind=RefreshRun.Kind.AUDIT,
        cause=Cause.AUDIT,
        segment=segment,
        started_at=now,
        milliseconds=round(1000 * (perf_counter() - started)),
        entered=entered,
        left=left,
        differences=differences,
        error=error,
    )
