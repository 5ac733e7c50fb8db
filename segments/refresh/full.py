"""Full refresh: one set difference inside the database between who matches and who is a member.

The evaluation runs outside any write transaction, so that nobody waits for it; only writing the difference takes the
memberships lock. Meanwhile the segment carries a token: changes that concern it wait in the change log, and a
refresh that finds another token than its own (a newer definition, another worker) drops its work.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from time import monotonic, perf_counter, sleep
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from contacts.changes import watch_imports
from contacts.models import Import
from crm.models import Job
from segments.ledger import Moves, memberships_lock, tell_dependents, write
from segments.models import Cause, RefreshRun, Segment
from segments.references import gone, imports_of, readers_of, refuse
from segments.refresh.by_change import apply_changes
from segments.refresh.owner import is_gone, this_process
from segments.refresh.plan import Plan, fail, is_small
from segments.refresh.records import newest_clock
from segments.statements import kept, matching_sql

logger = logging.getLogger(__name__)

Report = Callable[[int, int, str], None]

REFRESH_JOB = "segments.refresh"
LEASE = timedelta(minutes=11)  # a little longer than the worker lets a task run that is no job
RETRY = timedelta(minutes=5)
PAUSE = 0.2  # seconds


def silent(done: int, total: int, message: str) -> None:
    """Report progress to nobody."""


def refresh_segment(segment: Segment, *, now: datetime, report: Report = silent) -> RefreshRun | None:
    """Make the segment's memberships equal to its definition at ``now``, and its dependents' with them.

    ``report`` is told the progress. Returns the run, or None when the work was dropped because the definition changed
    or another refresh of the segment began meanwhile, or the segment was deleted. Raises ValueError for a static
    segment, and what went wrong otherwise, after keeping it on the segment.
    """
    if segment.is_static:
        raise ValueError("a static segment has no definition to refresh from")
    run = _refresh(segment.pk, now=now, report=report)
    apply_changes(now=now)
    plan = Plan.of_all(now=now)
    refresh_due(now=now, only=readers_of(segment.pk, {pk: one.keys for pk, one in plan.kept.items()}))
    return run


def refresh_due(*, now: datetime, only: set[int] | None = None) -> int:
    """Refresh the segments that are waiting for it, those that they read first.

    Waiting are those marked stale, and those whose refresh was killed or did not end within its lease. A job that
    refreshes a segment may take longer: others see to it that it goes on. One that failed is tried again after a few
    minutes. Those that wait because many moved in a segment that they read follow in the same run. Returns how many
    were refreshed; a failure is kept on its segment and does not stop the others.
    """
    due_ids = _due_ids(now=now, only=only)
    if not due_ids:
        return 0
    refreshed = 0
    for segment_id in Plan.of_all(now=now).in_order():
        if segment_id not in due_ids:
            continue
        try:
            refreshed += _refresh(segment_id, now=now, report=silent) is not None
        except Exception:
            logger.exception("segment %s failed and is tried again later", segment_id)
        due_ids = _due_ids(now=now, only=only)
    apply_changes(now=now)
    return refreshed


def settle(*, now: datetime) -> None:
    """Bring all segments up to date with what has been written, however much that is.

    What another worker is refreshing meanwhile is waited for: changes that came since it began follow when it is done.
    """
    deadline = monotonic() + LEASE.total_seconds()
    while True:
        apply_changes(now=now)
        refresh_due(now=now)
        if not Segment.objects.live().filter(refresh_token__isnull=False).exists() or monotonic() > deadline:
            return
        sleep(PAUSE)


def _due_ids(*, now: datetime, only: set[int] | None) -> set[int]:
    waiting = Segment.objects.live().defined().filter(Q(stale=True) | Q(refresh_token__isnull=False))
    due_ids = {segment.pk for segment in waiting.defer("definition") if _is_due(segment, now=now)}
    if due_ids:
        working = Job.objects.filter(state=Job.State.RUNNING, kind=REFRESH_JOB).values_list("subject", flat=True)
        due_ids -= {int(subject.removeprefix("segment:")) for subject in working}
    return due_ids if only is None else due_ids & only


def _is_due(segment: Segment, *, now: datetime) -> bool:
    if segment.refresh_token is None:
        return segment.failed_at is None or segment.failed_at < now - RETRY
    started = segment.refresh_started_at
    return started is None or started < now - LEASE or is_gone(segment.refresh_owner)


def _refresh(segment_id: int, *, now: datetime, report: Report) -> RefreshRun | None:
    started = perf_counter()
    segment = _begin(segment_id, now=now)
    if segment is None:
        return None
    now = segment.refresh_started_at or now
    try:
        if missing := gone(kept(segment).keys):
            raise refuse(missing)
        watch_imports(imports_of(kept(segment).keys))
        report(1, 4, _("Finding the contacts that match"))
        with difference(segment, now=now) as moves:
            report(3, 4, _("Writing who entered and who left"))
            return _finish(segment, moves, now=now, started=started)
    except Exception as error:
        fail(segment_id, error, now=now, token=segment.refresh_token)
        RefreshRun.objects.create(
            kind=RefreshRun.Kind.FULL,
            cause=_cause(segment),
            segment_id=segment_id,
            started_at=now,
            milliseconds=round(1000 * (perf_counter() - started)),
            error=str(error),
        )
        raise


def _begin(segment_id: int, *, now: datetime) -> Segment | None:
    """Mark the segment as being refreshed; from here on changes that concern it wait."""
    with memberships_lock():
        Segment.objects.live().defined().filter(pk=segment_id).update(
            refresh_token=uuid.uuid4(),
            refresh_started_at=newest_clock(now),
            refresh_owner=this_process(),
            stale=False,
        )
        return Segment.objects.live().defined().filter(pk=segment_id).first()


def _cause(segment: Segment) -> str:
    return segment.refresh_cause or Cause.REFRESH


def _finish(segment: Segment, moves: Difference, *, now: datetime, started: float) -> RefreshRun | None:
    cause, detail = _cause(segment), segment.refresh_detail
    with memberships_lock():
        ours = Segment.objects.live().filter(pk=segment.pk, refresh_token=segment.refresh_token)
        unchanged = ours.filter(version=segment.version)
        if not unchanged.exists():
            logger.info("refresh of segment %s dropped: it is no longer the newest", segment.pk)
            ours.update(refresh_token=None, stale=True)
            return None
        moves.leave_out_changed([f"evaluate:{segment.pk}"])
        moves.leave_out_deleted()
        entered, left = moves.counts()
        come, gone = moves.entered(cause, detail), moves.left(cause, detail)
        write(come, gone, {segment.pk: (entered, left)}, now=now)
        dependents = Segment.objects.filter(pk__in=Plan.of_all(now=now).dependents(segment.pk))
        if segment.refresh_cause and entered + left:
            # What moves there moves for the same cause, which the change log could not tell.
            dependents.filter(refresh_cause="").update(refresh_cause=cause, refresh_detail=detail)
            dependents.update(stale=True)
        elif is_small(entered + left):
            tell_dependents(segment.pk, come)
            tell_dependents(segment.pk, gone)
        else:
            dependents.update(stale=True)
        unchanged.update(
            refresh_cause="",
            refresh_detail="",
            refresh_token=None,
            refresh_started_at=None,
            refresh_owner="",
            refreshed_at=now,
            swept_at=now,
            error="",
            failed_at=None,
        )
        return RefreshRun.objects.create(
            kind=RefreshRun.Kind.FULL,
            cause=cause,
            segment=segment,
            started_at=now,
            milliseconds=round(1000 * (perf_counter() - started)),
            entered=entered,
            left=left,
        )


@dataclass
class Difference:
    """Who is to enter and who is to leave a segment, in a temporary table of ``contact_id, entering``."""

    table: str
    segment_id: int

    @cached_property
    def imports(self) -> dict[int, str]:
        """The imports that are under way, by id, with their names: who came with one moves because of it."""
        return dict(Import.objects.filter(state=Import.State.RUNNING).order_by("pk").values_list("pk", "name"))

    def counts(self) -> tuple[int, int]:
        """How many are to enter and how many to leave."""
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT entering, COUNT(*) FROM {self.table} GROUP BY entering")
            counts = {bool(entering): count for entering, count in cursor.fetchall()}
        return counts.get(True, 0), counts.get(False, 0)

    def entered(self, cause: str, detail: str = "") -> Moves:
        return self._moves(cause, detail, "entering")

    def left(self, cause: str, detail: str = "") -> Moves:
        return self._moves(cause, detail, "NOT entering")

    def leave_out_changed(self, keys: Iterable[str]) -> None:
        """Take out the contacts with such changes in the log: they are looked at when these are applied."""
        keys = sorted(keys)
        places = ", ".join(["%s"] * len(keys))
        self._leave_out(f"SELECT contact_id FROM contacts_change WHERE key IN ({places})", keys)

    def leave_out_deleted(self) -> None:
        """Take out the contacts that were deleted since; they are members no more."""
        self._leave_out(
            "SELECT contact_id FROM contacts_change WHERE key = 'contact'"
            " AND NOT EXISTS (SELECT 1 FROM contacts_contact c WHERE c.id = contacts_change.contact_id)",
            [],
        )

    def _leave_out(self, contact_ids: str, params: list[str]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {self.table} WHERE contact_id IN ({contact_ids})", params)

    def _moves(self, cause: str, detail: str, which: str) -> Moves:
        text_sql, segment_sql = ("%s::text", "%s::bigint") if connection.vendor == "postgresql" else ("%s", "%s")
        imports = self.imports if cause == Cause.REFRESH else {}
        joins = "".join(
            f" LEFT JOIN contacts_contactimport run_{pk} ON run_{pk}.import_run_id = {pk}"
            f" AND run_{pk}.contact_id = {self.table}.contact_id"
            for pk in imports
        )
        is_in = [f"WHEN run_{pk}.contact_id IS NOT NULL THEN" for pk in imports]
        causes = "".join(f" {came} '{Cause.IMPORT}'" for came in is_in)
        details = "".join(f" {came} %s" for came in is_in)
        return Moves(
            f"SELECT {segment_sql} AS segment_id, {self.table}.contact_id,"
            f" CASE{causes} WHEN true THEN {text_sql} END AS cause,"
            f" CASE{details} WHEN true THEN {text_sql} END AS detail"
            f" FROM {self.table}{joins} WHERE {which}",
            [self.segment_id, str(cause), *imports.values(), detail],
        )


@contextmanager
def difference(segment: Segment, *, now: datetime) -> Iterator[Difference]:
    """The difference between who matches at ``now`` and who is a member, while the context lasts."""
    table = f"muster_difference_{uuid.uuid4().hex}"
    matching, params = matching_sql(segment, now=now)
    members = "SELECT contact_id FROM segments_membership WHERE segment_id = %s"
    compare = _compare_on_postgresql if connection.vendor == "postgresql" else _compare_on_sqlite
    compare(table, matching, params, members, segment.pk)
    try:
        yield Difference(table, segment.pk)
    finally:
        if not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute(f"DROP TABLE IF EXISTS {table}")


def _compare_on_sqlite(table: str, matching: str, params: Sequence[Any], members: str, segment_id: int) -> None:
    matches = f"{table}_matches"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE {matches} (contact_id INTEGER PRIMARY KEY)")
        cursor.execute(f"INSERT INTO {matches} {matching} ORDER BY 1", params)
        cursor.execute(f"CREATE TEMP TABLE {table} (contact_id INTEGER PRIMARY KEY, entering INTEGER NOT NULL)")
        cursor.execute(
            f"INSERT INTO {table} SELECT contact_id, 1 FROM (SELECT contact_id FROM {matches} EXCEPT {members})",
            [segment_id],
        )
        cursor.execute(
            f"INSERT INTO {table} SELECT contact_id, 0 FROM ({members} EXCEPT SELECT contact_id FROM {matches})",
            [segment_id],
        )
        cursor.execute(f"DROP TABLE {matches}")


def _compare_on_postgresql(table: str, matching: str, params: Sequence[Any], members: str, segment_id: int) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        # Sets of ids are hashed; with the default of 4 MB they would be sorted on disk from some ten thousands on.
        cursor.execute("SET LOCAL work_mem = '128MB'")
        cursor.execute(f"CREATE TEMP TABLE {table} (contact_id bigint, entering boolean)")
        cursor.execute(
            f"INSERT INTO {table} SELECT COALESCE(m.id, s.contact_id), s.contact_id IS NULL"
            f" FROM ({matching}) m FULL JOIN ({members}) s ON s.contact_id = m.id"
            " WHERE m.id IS NULL OR s.contact_id IS NULL",
            [*params, segment_id],
        )
