"""How long what workflows leave behind is kept: after a while it is removed, a chunk at a time.

Runs stay as long as their contact: whether somebody may enter a workflow again depends on them. The figures of the live
view are counts of their own and stay too, and so do emails: what became of them is told by their rows alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain
from time import monotonic
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import CharField, Exists, Max, Min, Model, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Concat

from contacts.models import Contact
from contacts.rolling_off import CHUNK, let_others_write
from workflows.graph import parse
from workflows.models import Appointment, Count, Delivery, Incident, Run, Step, Version, WebContent
from workflows.nodes.actions_limits import Limits

KEPT = timedelta(days=90)
TESTS_KEPT = timedelta(days=30)
RUNS_AT_ONCE = 100  # with all their steps, in one transaction
RUNS_LOOKED_AT = 10_000
AT_WORK = 480.0  # seconds; the worker ends a task after ten minutes, and what is left can wait for the next night


def remove_old(*, now: datetime, seconds: float = AT_WORK) -> int:
    """Remove what has been kept for long enough; returns how many rows went.

    - steps and decided incidents of `WORKFLOW_HISTORY_DAYS` ago, but not the steps that limits of actions count,
    - deliveries that were done or given up 90 days ago, and web contents that expired as long ago,
    - tests of 30 days ago, except for the figures of the newest one of each workflow, and runs whose contact is gone.

    Each chunk is a transaction of its own. It ends after so many ``seconds``; the next time goes on.
    """
    until = monotonic() + seconds
    history = now - timedelta(days=settings.WORKFLOW_HISTORY_DAYS)
    removed = 0
    for number in chain(
        _deliveries(now - KEPT),
        _chunks(WebContent.objects.filter(expires_at__lt=now - KEPT), "created_at", now - KEPT),
        _chunks(Incident.objects.filter(closed_at__lt=history), "at", history),
        _tests_and_lost_runs(now - TESTS_KEPT),
        _steps(history),
    ):
        removed += number
        if number:
            let_others_write()
        if monotonic() > until:
            break
    return removed


def _chunks(rows: QuerySet[Any], moment: str, before: datetime) -> Iterator[int]:
    """Remove rows, in chunks of those whose ``moment`` is from before; tells of each chunk how many went.

    Rows are written in the order of this moment, so that of the whole table only its oldest part is looked at.
    """
    table = rows.model._default_manager.order_by("pk")
    last = 0
    while window := list(table.filter(pk__gt=last).values_list("pk", moment)[:CHUNK]):
        if min(at for _pk, at in window) >= before:
            return
        first, last = window[0][0], window[-1][0]
        yield _remove(rows.filter(pk__range=(first, last)))


def _remove(rows: QuerySet[Any]) -> int:
    """Remove rows in one transaction, without those that somebody else is about to change or to remove: two who do so
    in different orders would wait for each other in a circle.
    """
    table: type[Model] = rows.model
    found = list(rows.values_list("pk", flat=True))
    if not found:
        return 0
    with transaction.atomic():
        ids = list(_free(rows.filter(pk__in=found)).values_list("pk", flat=True))
        return table._default_manager.filter(pk__in=ids).delete()[0]


def _free(rows: QuerySet[Any]) -> QuerySet[Any]:
    """The rows that nobody else holds, held until the transaction ends."""
    if connection.features.has_select_for_update_skip_locked:
        rows = rows.select_for_update(skip_locked=True)
    return rows.order_by("pk")


def _deliveries(before: datetime) -> Iterator[int]:
    """Those that were tried for the last time before a moment, and those that nobody is there for any more."""
    is_open = Incident.objects.filter(
        run=OuterRef("run_id"),
        closed_at__isnull=True,
        subject=Concat(Value("delivery:"), Cast(OuterRef("pk"), CharField())),
    )
    is_over = Q(state__in=[Delivery.State.SENT, Delivery.State.FAILED], due_at__lt=before) & ~Exists(is_open)
    is_lost = ~Exists(Run.objects.filter(pk=OuterRef("run_id")))
    return _chunks(Delivery.objects.filter(is_over | is_lost, created_at__lt=before), "created_at", before)


def _steps(before: datetime) -> Iterator[int]:
    """Those of runs that ended before a moment, or that are gone."""
    lately = Run.objects.filter(Q(ended_at__isnull=True) | Q(ended_at__gte=before), pk=OuterRef("run_id"))
    workflow = Run.objects.filter(pk=OuterRef("run_id")).values(text=Cast("workflow_id", CharField()))
    steps = (
        Step.objects.filter(~Exists(lately), left_at__lt=before)
        .alias(place=Concat(Subquery(workflow), Value(":"), "node"))
        .exclude(acted=True, place__in=_counted_places())
    )
    return _chunks(steps, "left_at", before)


def _counted_places() -> list[str]:
    """The actions whose limits ask how often each contact has had them, as workflow and node; in any version."""
    versions = Version.objects.filter(is_test=False, workflow__deleted_at__isnull=True).order_by("pk")
    graphs = versions.values_list("workflow_id", "graph").iterator(chunk_size=100)
    nodes = ((workflow_id, node) for workflow_id, graph in graphs for node in parse(graph).nodes.values())
    return sorted({f"{workflow_id}:{node.id}" for workflow_id, node in nodes if _counts(Limits.of(node.settings))})


def _counts(limits: Limits) -> bool:
    return bool(limits.times or limits.pause)


def _tests_and_lost_runs(before: datetime) -> Iterator[int]:
    """Tests from before a moment, and runs whose contact was deleted while they began.

    Of the newest test of each workflow stays what its live view shows: its counts, and the runs that failed.
    """
    old = Version.objects.filter(is_test=True, saved_at__lt=before).order_by("pk")
    newer = Version.objects.filter(workflow=OuterRef("workflow"), is_test=True, pk__gt=OuterRef("pk"))
    gone = list(old.filter(Exists(newer)).values_list("pk", flat=True))
    newest = old.filter(~Exists(newer)).values("pk")
    is_lost = ~Exists(Contact.objects.filter(pk=OuterRef("contact_id")))
    is_of_test = Q(version__in=gone) | Q(version__in=newest) & ~Q(state=Run.State.FAILED)
    yield from _runs(Run.objects.filter(is_lost | Q(is_test=True) & is_of_test))
    for version_id in gone:
        yield _remove_version(version_id)


def _runs(runs: QuerySet[Run]) -> Iterator[int]:
    """Remove runs with what is kept about them, the newest first: tests are among these."""
    ends = Run.objects.aggregate(first=Min("pk"), last=Max("pk"))
    for top in range(ends["last"] or 0, (ends["first"] or 1) - 1, -RUNS_LOOKED_AT):
        found = list(runs.filter(pk__gt=top - RUNS_LOOKED_AT, pk__lte=top).values_list("pk", flat=True))
        yield 0
        for start in range(0, len(found), RUNS_AT_ONCE):
            yield _remove_runs(found[start : start + RUNS_AT_ONCE])


def _remove_runs(run_ids: list[int]) -> int:
    with transaction.atomic():
        ids = list(_free(Run.objects.filter(pk__in=run_ids)).values_list("pk", flat=True))
        kept_about = (Step, Delivery, Incident)
        removed = sum(model._default_manager.filter(run__in=ids)._raw_delete("default") for model in kept_about)
        return int(removed + Run.objects.filter(pk__in=ids)._raw_delete("default"))


def _remove_version(version_id: int) -> int:
    """Remove a version with its counts, unless a run of it is left because somebody held it."""
    version = Version.objects.filter(pk=version_id)
    with transaction.atomic():
        if Run.objects.filter(version=version_id, workflow__in=version.values("workflow")).exists():
            return 0
        for model in (Count, Appointment):
            model._default_manager.filter(version=version_id)._raw_delete("default")
        return int(version._raw_delete("default"))
