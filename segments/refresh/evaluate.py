"""Looking at a few contacts again, for the segments they may have entered or left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import DatabaseError, connection, transaction

from contacts.models import Change
from segments.context import CONTACT_IDS, among_contacts
from segments.ledger import moves_of, write
from segments.models import Cause
from segments.refresh.plan import Plan, fail
from segments.refresh.records import newest_clock
from segments.statements import FEW, Kept, holds

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
        concerned = [pk for pk in level if pending.get(pk)]
        defer([pk for pk in concerned if pk in plan.refreshing], pending)
        concerned = [pk for pk in concerned if pk not in plan.refreshing]
        if not concerned:
            continue
        outcome.segments += len(concerned)
        matches, concerned = _matches(plan, {pk: frozenset(pending[pk]) for pk in concerned}, now=moment)
        members = _members(sorted(set().union(*(pending[pk] for pk in concerned))))
        sizes: dict[int, tuple[int, int]] = {}
        entered: list[tuple[int, int, str, str]] = []
        left: list[tuple[int, int, str, str]] = []
        for pk in concerned:
            moved = {
                contact_id: reason
                for contact_id, reason in pending[pk].items()
                if ((pk, contact_id) in matches) != ((pk, contact_id) in members)
            }
            if not moved:
                continue
            come = [(pk, contact_id, *reason) for contact_id, reason in moved.items() if (pk, contact_id) in matches]
            gone = [(pk, contact_id, *reason) for contact_id, reason in moved.items() if (pk, contact_id) in members]
            sizes[pk] = (len(come), len(gone))
            entered += come
            left += gone
            for dependent in plan.dependents(pk):
                for contact_id in moved:
                    pending.setdefault(dependent, {}).setdefault(contact_id, (Cause.SEGMENT, f"segment:{pk}"))
        if sizes:
            write(moves_of(entered), moves_of(left), sizes, now=moment)
        outcome.entered += len(entered)
        outcome.left += len(left)
    return outcome


def defer(segment_ids: Sequence[int], pending: Pending) -> None:
    """Put what is pending for segments under full refresh back into the change log."""
    if segment_ids:
        Change.objects.bulk_create(
            Change(contact_id=contact_id, key=f"evaluate:{pk}") for pk in segment_ids for contact_id in pending[pk]
        )


def _matches(
    plan: Plan, contacts_of: dict[int, frozenset[int]], *, now: datetime
) -> tuple[set[tuple[int, int]], list[int]]:
    """Who of each segment's contacts fulfils its definition, and the segments that could be asked."""
    found: set[tuple[int, int]] = set()
    sound: list[int] = []
    for contact_ids, segment_ids in _asked_together(contacts_of):
        some, answered = _asked({pk: plan.kept[pk] for pk in segment_ids}, contact_ids, now=now)
        found |= some
        sound += answered
    return found, sound


def _asked_together(contacts_of: dict[int, frozenset[int]]) -> Iterator[tuple[list[int], list[int]]]:
    """Contacts, and the segments that are asked about them in one statement.

    For few contacts asking more than is needed costs less than another statement does.
    """
    everybody = frozenset().union(*contacts_of.values())
    if len(everybody) <= FEW:
        yield sorted(everybody), list(contacts_of)
        return
    segments_of: dict[frozenset[int], list[int]] = {}
    for pk, contact_ids in contacts_of.items():
        segments_of.setdefault(contact_ids, []).append(pk)
    for contact_ids, segment_ids in segments_of.items():
        yield sorted(contact_ids), segment_ids


def _asked(kept: dict[int, Kept], contact_ids: list[int], *, now: datetime) -> tuple[set[tuple[int, int]], list[int]]:
    """Who fulfils which definition, and the segments that could be asked: one that fails does not stop the others."""
    try:
        with transaction.atomic():
            return holds(kept, contact_ids, now=now), list(kept)
    except DatabaseError:
        found: set[tuple[int, int]] = set()
        sound = []
        for pk, one in kept.items():
            try:
                with transaction.atomic():
                    found |= holds({pk: one}, contact_ids, now=now)
                sound.append(pk)
            except DatabaseError as error:
                fail(pk, error, now=now)
        return found, sound


def _members(contact_ids: list[int]) -> set[tuple[int, int]]:
    among = among_contacts("contact_id", connection.vendor, many=len(contact_ids) > FEW)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT segment_id, contact_id FROM segments_membership WHERE {among}",
            [CONTACT_IDS.bind(contact_ids, connection.vendor)],
        )
        return set(cursor.fetchall())
