"""Looking at a few contacts again, for the segments they may have entered or left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import DatabaseError, connection, transaction

from contacts.models import Change
from segments.context import CONTACT_IDS, among_contacts
from segments.ledger import moves_of, write
from segments.models import Cause, Segment
from segments.refresh.plan import Plan, fail
from segments.refresh.records import newest_clock
from segments.statements import verdicts

Reason = tuple[str, str]  # cause and detail
Pending = dict[int, dict[int, Reason]]  # by segment, the contacts to look at, and why


@dataclass
class Outcome:
    """What came of it."""

    segments: int = 0
    examined: int = 0
    entered: int = 0
    left: int = 0


def bring_up_to_date(plan: Plan, pending: Pending, *, now: datetime) -> Outcome:
    """Make the memberships of the pending contacts right, in the transaction of the memberships lock.

    Segments that read other segments come after them, so that nobody enters and leaves again in between. What
    concerns a segment under full refresh goes back into the change log until that is over.
    """
    moment = newest_clock(now)
    outcome = Outcome(examined=len(set().union(*pending.values())))
    for level in plan.levels:
        segments = [segment for segment in level if pending.get(segment.pk)]
        defer([segment for segment in segments if segment.refresh_token], pending)
        segments = [segment for segment in segments if not segment.refresh_token]
        if not segments:
            continue
        outcome.segments += len(segments)
        contact_ids = sorted(set().union(*(pending[segment.pk] for segment in segments)))
        holds, segments = _verdicts(segments, contact_ids, now=moment)
        members = _members(contact_ids)
        sizes: dict[int, tuple[int, int]] = {}
        entered: list[tuple[int, int, str, str]] = []
        left: list[tuple[int, int, str, str]] = []
        for segment in segments:
            moved = {
                contact_id: reason
                for contact_id, reason in pending[segment.pk].items()
                if ((segment.pk, contact_id) in holds) != ((segment.pk, contact_id) in members)
            }
            come = [(segment.pk, pk, *reason) for pk, reason in moved.items() if (segment.pk, pk) in holds]
            gone = [(segment.pk, pk, *reason) for pk, reason in moved.items() if (segment.pk, pk) in members]
            sizes[segment.pk] = (len(come), len(gone))
            entered += come
            left += gone
            for dependent in plan.dependents(segment.pk) if moved else []:
                for contact_id in moved:
                    pending.setdefault(dependent, {}).setdefault(contact_id, (Cause.SEGMENT, f"segment:{segment.pk}"))
        if entered or left:
            write(moves_of(entered), moves_of(left), sizes, now=moment)
        outcome.entered += len(entered)
        outcome.left += len(left)
    return outcome


def defer(segments: Sequence[Segment], pending: Pending) -> None:
    """Put what is pending for segments under full refresh back into the change log."""
    Change.objects.bulk_create(
        Change(contact_id=contact_id, key=f"evaluate:{segment.pk}")
        for segment in segments
        for contact_id in pending[segment.pk]
    )


def _verdicts(
    segments: list[Segment], contact_ids: list[int], *, now: datetime
) -> tuple[set[tuple[int, int]], list[Segment]]:
    """Who fulfils which definition, and the segments that could be asked: one that fails does not stop the others."""
    try:
        with transaction.atomic():
            return verdicts(segments, contact_ids, now=now), segments
    except DatabaseError:
        found: set[tuple[int, int]] = set()
        sound = []
        for segment in segments:
            try:
                with transaction.atomic():
                    found |= verdicts([segment], contact_ids, now=now)
                sound.append(segment)
            except DatabaseError as error:
                fail(segment.pk, error, now=now)
        return found, sound


def _members(contact_ids: list[int]) -> set[tuple[int, int]]:
    among = among_contacts("contact_id", connection.vendor)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT segment_id, contact_id FROM segments_membership WHERE {among}",
            [CONTACT_IDS.bind(contact_ids, connection.vendor)],
        )
        return set(cursor.fetchall())
