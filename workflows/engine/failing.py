"""What happens when a node fails for a run: it is tried again, each time later, and then people decide."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction

from crm.models import User
from workflows.engine.moving import end
from workflows.models import Incident, Run
from workflows.nodes.base import Visit

BACKOFF = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2))


def try_later(run_ids: Iterable[int], text: str, *, now: datetime) -> None:
    """Let runs wait until their node is tried again; after the last time, an incident is kept and the run fails."""
    with transaction.atomic():
        runs = list(Run.objects.inside().filter(pk__in=list(run_ids)).select_for_update().order_by("pk"))
        for attempts in sorted({run.attempts for run in runs}):
            same = [run for run in runs if run.attempts == attempts]
            if attempts < len(BACKOFF):
                Run.objects.filter(pk__in=[run.pk for run in same]).update(
                    attempts=attempts + 1, due_at=now + BACKOFF[attempts], reason=text[:200]
                )
                continue
            Incident.objects.bulk_create([Incident(run=run, node=run.node, text=text, at=now) for run in same])
            end([run.pk for run in same], Run.State.FAILED, text, now=now)


def give_up(visits: Iterable[Visit], node_id: str, text: str, *, now: datetime) -> None:
    """Keep an incident for each visit; the caller ends the runs."""
    Incident.objects.bulk_create([Incident(run_id=one.run_id, node=node_id, text=text, at=now) for one in visits])


def try_again(incident: Incident, *, user: User | None, now: datetime) -> bool:
    """Let the failed run of an incident go on where it failed; False when somebody has decided already."""
    with transaction.atomic():
        if not _close(incident, user=user, now=now):
            return False
        return bool(
            Run.objects.filter(pk=incident.run_id, state=Run.State.FAILED).update(
                state=Run.State.WAITING, attempts=0, hops=0, due_at=now, ended_at=None, reason=""
            )
        )


def leave(incident: Incident, *, user: User | None, now: datetime) -> bool:
    """Close an incident and leave things as they are; False when somebody has decided already."""
    with transaction.atomic():
        return _close(incident, user=user, now=now)


def _close(incident: Incident, *, user: User | None, now: datetime) -> bool:
    still_open = Incident.objects.filter(pk=incident.pk, closed_at__isnull=True)
    return bool(still_open.update(closed_at=now, closed_by=user))
