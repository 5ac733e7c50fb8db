"""How many contacts are in workflows, have finished them, and started lately."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q

from workflows.models import Run

LATELY = timedelta(days=30)


@dataclass(frozen=True)
class Numbers:
    """Runs of a workflow, without tests: those inside now, those that came to the end or reached the goal, those that
    started within `LATELY`."""

    inside: int = 0
    finished: int = 0
    started: int = 0


def numbers_of(workflow_ids: Collection[int], *, now: datetime) -> dict[int, Numbers]:
    """The numbers of each workflow; one query."""
    found = (
        Run.objects.real()
        .filter(workflow__in=list(workflow_ids))
        .order_by()
        .values("workflow_id")
        .annotate(
            inside=Count("pk", filter=Q(state=Run.State.WAITING)),
            finished=Count("pk", filter=Q(state__in=[Run.State.FINISHED, Run.State.GOAL])),
            started=Count("pk", filter=Q(started_at__gt=now - LATELY)),
        )
    )
    numbers = {row.pop("workflow_id"): Numbers(**row) for row in found}
    return {pk: numbers.get(pk, Numbers()) for pk in workflow_ids}
