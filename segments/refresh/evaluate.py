"""Looking at a few contacts again, for the segments they may have entered or left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import DatabaseError, connection, transaction

from contacts.models import Change
from segments.context import CONTACT_IDS, among_contacts
from segments.ledger import moves_of, write
from segments.models import Cause
from segments.refresh.plan import Plan, fail
from segments.refresh.records import newest_clock
from segments.statements import Statement, verdicts

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
        contact_ids = sorted(set().union(*(pending[pk] for pk in concerned)))
        holds, concerned = _verdicts({pk: plan.kept[pk].few for pk in concerned}, contact_ids, now=moment)
        members = _members(contact_ids)
        sizes: dict[int, tuple[int, int]] = {}
        entered: list[tuple[int, int, str, str]] = []
        left: list[tuple[int, int, str, str]] = []
        for pk in concerned:
            moved = {
                contact_id: reason
                for contact_id, reason in pending[pk].items()
                if ((pk, contact_id) in holds) != ((pk, contact_id) in members)
            }
            if not moved:
                continue
            come = [(pk, contact_id, *reason) for contact_id, reason in moved.items() if (pk, contact_id) in holds]
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


def _verdicts(
    statements: dict[int, Statement], contact_ids: list[int], *, now: datetime
) -> tuple[set[tuple[int, int]], list[int]]:
    """Who fulfils which definition, and the segments that could be asked: one that fails does not stop the others."""
    try:
        with transaction.atomic():
            return verdicts(statements, contact_ids, now=now), list(statements)
    except DatabaseError:
        found: set[tuple[int, int]] = set()
        sound = []
        for pk, statement in statements.items():
            try:
                with transaction.atomic():
                    found |= verdicts({pk: statement}, contact_ids, now=now)
                sound.append(pk)
            except DatabaseError as error:
                fail(pk, error, now=now)
        return found, sound


def _members(contact_ids: list[int]) -> set[tuple[int, int]]:
    among = among_contacts("contact_id", connection.vendor)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT segment_id, contact_id FROM segments_membership WHERE {among}",
            [CONTACT_IDS.bind(contact_ids, connection.vendor)],
        )
        return set(cursor.fetchall())
