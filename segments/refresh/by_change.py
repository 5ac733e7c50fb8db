"""Refresh by change: take the change log and look again at the contacts in it, for the segments that it concerns."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime
from time import perf_counter

from django.core.cache import cache
from django.db import OperationalError, connection
from django.db.models import Count
from django_q.tasks import async_task

from contacts.json_rows import in_values, values_parameter
from contacts.models import Change
from segments.ledger import memberships_lock
from segments.models import Cause, RefreshRun, Segment
from segments.refresh.evaluate import Outcome, Pending, Reason, bring_up_to_date
from segments.refresh.plan import Plan, is_small
from segments.statements import Kept

logger = logging.getLogger(__name__)

BATCH = 2_000  # rows of the log that one transaction takes
AT_COMMIT = 500  # rows up to which the writer brings segments up to date itself
PATIENCE = 2.0  # seconds that a page waits for another writer of memberships

# The oldest rows, with the name of the import under way that the contact came with; nobody looks when none is.
# Asked after every write of a contact: a queryset would take longer to compile than this takes.
WAITING = """
    SELECT id, contact_id, key, CASE WHEN EXISTS (SELECT 1 FROM contacts_import WHERE state = 'running') THEN (
        SELECT i.name FROM contacts_contactimport c JOIN contacts_import i ON i.id = c.import_run_id
        WHERE c.contact_id = contacts_change.contact_id AND i.state = 'running' LIMIT 1
    ) END
    FROM contacts_change {but} ORDER BY id LIMIT %s
"""

CAUSES = {"contact": Cause.EDIT, "field": Cause.EDIT, "event": Cause.EVENT, "list": Cause.LIST, "import": Cause.IMPORT}


def at_commit(*, now: datetime) -> None:
    """Bring segments up to date after a write, so that the page that follows is already right.

    More than a page's worth of changes, or a lock that others hold for long, is left to the worker.
    """
    waiting = _waiting(AT_COMMIT + 1)
    if not waiting:
        return
    if waiting <= AT_COMMIT:
        try:
            _apply_batches(now=now, patience=PATIENCE)
            return
        except OperationalError as error:
            logger.info("changes are left to the worker: %s", error)
    if cache.add("segments.apply_changes.queued", True, timeout=60):
        async_task("segments.tasks.apply_changes", task_name="apply-changes")


def apply_changes(*, now: datetime) -> int:
    """Take everything in the change log and bring the segments that it concerns up to date.

    Returns how many rows of the log were taken. Each batch is one transaction, which takes the rows away together with
    what follows from them: a crash loses nothing and applies nothing twice. A log that concerns too many contacts
    marks the segments for a full refresh instead (`refresh_due`).
    """
    return _apply_batches(now=now) if _waiting(1) else 0


def _apply_batches(*, now: datetime, patience: float | None = None) -> int:
    total, taken = 0, BATCH
    while taken >= BATCH:
        taken = _apply_batch(now=now, patience=patience)
        total += taken
    return total


def _apply_batch(*, now: datetime, patience: float | None) -> int:
    started = perf_counter()
    with memberships_lock(patience=patience):
        plan = Plan.of_all(now=now)
        rows = _oldest(but=[f"evaluate:{pk}" for pk in plan.refreshing])
        if not rows:
            return 0
        if len(rows) == BATCH and _waiting(BATCH + 1) > BATCH and not is_small(_contacts_concerned()):
            return _mark_stale(plan)
        _delete([pk for pk, _contact, _key, _run in rows])
        imported = {contact_id: run for _pk, contact_id, _key, run in rows if run}
        pending = _pending(plan, ((contact_id, key) for _pk, contact_id, key, _run in rows), imported)
        if pending:
            outcome = bring_up_to_date(plan, pending, now=now)
            _record(outcome, now=now, started=started)
    return len(rows)


def concerns(kept: Kept, segment_id: int, key: str) -> bool:
    """Whether a change of this key can change who is in the segment."""
    return key == "contact" or key in kept.keys or key == f"evaluate:{segment_id}"


def _pending(plan: Plan, changes: Iterable[tuple[int, str]], imported: Mapping[int, str]) -> Pending:
    """For each segment the contacts to look at again, with the cause that the ledger will name.

    ``imported`` are the contacts of imports that are under way, with the names of these.
    """
    keys_of: dict[int, set[str]] = {}
    for contact_id, key in changes:
        keys_of.setdefault(contact_id, set()).add(key)
    contacts_of: dict[tuple[frozenset[str], str | None], list[int]] = {}  # many had the same happen to them
    for contact_id, keys in keys_of.items():
        contacts_of.setdefault((frozenset(keys), imported.get(contact_id)), []).append(contact_id)
    all_keys = set().union(*keys_of.values())
    pending: Pending = {}
    for segment_id, kept in plan.kept.items():
        relevant = {key for key in all_keys if concerns(kept, segment_id, key)}
        for (alike, run), contact_ids in contacts_of.items() if relevant else ():
            if named := alike & relevant:
                reason = (Cause.IMPORT, run) if run else _reason(named)
                pending.setdefault(segment_id, {}).update(dict.fromkeys(contact_ids, reason))
    return pending


def _reason(keys: frozenset[str]) -> Reason:
    named = sorted(key for key in keys if not key.startswith("evaluate:"))
    if not named:
        return Cause.REFRESH, ""
    kind = named[0].partition(":")[0]
    return CAUSES.get(kind, Cause.SEGMENT), ", ".join(named)[:200]


def _mark_stale(plan: Plan) -> int:
    """Empty the whole log and mark every segment that it concerns for a full refresh."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Exactly the rows that are seen are deleted, whatever other writers commit meanwhile.
            cursor.execute(
                "WITH gone AS (DELETE FROM contacts_change RETURNING key) SELECT key, COUNT(*) FROM gone GROUP BY key"
            )
            counts = dict(cursor.fetchall())
        else:
            cursor.execute("SELECT key, COUNT(*) FROM contacts_change GROUP BY key")
            counts = dict(cursor.fetchall())
            cursor.execute("DELETE FROM contacts_change")
    stale = [pk for pk, kept in plan.kept.items() if any(concerns(kept, pk, key) for key in counts)]
    Segment.objects.filter(pk__in=stale).update(stale=True)
    return int(sum(counts.values()))


def _delete(pks: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM contacts_change WHERE {in_values('id')}", [values_parameter(pks)])


def _waiting(most: int) -> int:
    """How many rows are in the log, counted no further than ``most``."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM (SELECT 1 FROM contacts_change LIMIT %s) waiting", [most])
        return int(cursor.fetchone()[0])


def _oldest(*, but: list[str]) -> list[tuple[int, int, str, str | None]]:
    """The next rows of the log: id, contact, key, and the import. Those with the keys ``but`` wait."""
    sql = WAITING.format(but=f"WHERE NOT ({in_values('key')})" if but else "")
    with connection.cursor() as cursor:
        cursor.execute(sql, [*([values_parameter(but)] if but else []), BATCH])
        return list(cursor.fetchall())


def _contacts_concerned() -> int:
    """How many contacts are in the log, counted no further than where it no longer matters."""
    oldest = Change.objects.order_by("pk")[:1_000_000]
    return oldest.aggregate(number=Count("contact_id", distinct=True))["number"] or 0


def _record(outcome: Outcome, *, now: datetime, started: float) -> None:
    RefreshRun.objects.create(
        kind=RefreshRun.Kind.CHANGES,
        segments=outcome.segments,
        started_at=now,
        milliseconds=round(1000 * (perf_counter() - started)),
        examined=outcome.examined,
        entered=outcome.entered,
        left=outcome.left,
    )
