"""Runs that people begin, to test a draft or to see what it would do: as if what its entries wait for had happened."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from workflows.engine.frozen import frozen
from workflows.engine.moving import count_passed
from workflows.models import Run, Version


def entries_of(version: Version) -> list[str]:
    """The ids of the nodes at which contacts enter: the triggers behind Start, or Start itself."""
    graph = frozen([version.pk])[version.pk]
    start = graph.graph.start
    return [node.id for node, _trigger in graph.entries] or ([start.id] if start else [])


def enter(version: Version, entries: Collection[str], contact_ids: Collection[int], *, key: str, now: datetime) -> None:
    """Begin a run of every contact at every one of the entries, without asking what Start allows.

    Doing it again with the same ``key`` begins nothing.
    """
    before = Run.objects.filter(version=version).count()
    Run.objects.bulk_create(
        (
            Run(
                workflow_id=version.workflow_id,
                version=version,
                contact_id=contact_id,
                key=f"{key}:{node}",
                is_test=version.is_test,
                node=node,
                arrived_at=now,
                due_at=now,
                woken=True,
                started_at=now,
            )
            for contact_id in sorted(contact_ids)
            for node in entries
        ),
        ignore_conflicts=True,
    )
    start = frozen([version.pk])[version.pk].graph.start
    begun = Run.objects.filter(version=version).count() - before
    if start and start.id not in entries and begun:
        count_passed({(version.pk, start.id, "next"): (begun, 0)})
