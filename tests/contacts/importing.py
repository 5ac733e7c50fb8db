"""Imports from texts, done at once: what a page and the worker do with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.core.files.base import ContentFile

from contacts.imports import checking, drafting, running, undoing
from contacts.imports.models import Import
from crm import jobs
from crm.models import Job


def draft(
    content: str,
    *,
    now: datetime,
    kind: str = Import.Kind.CONTACTS,
    name: str = "people.csv",
    targets: Sequence[str] | Mapping[str, str] | None = None,
    **options: Any,
) -> Import:
    """A draft of a CSV file that is given as text with indented lines. ``targets`` are those of its columns."""
    text = "\n".join(line.strip() for line in content.strip().splitlines()) + "\n"
    import_run = drafting.begin(ContentFile(text.encode(), name=name), name=name, kind=kind, user=None, now=now)
    if targets is not None:
        import_run.mapping = [
            {"target": targets.get(column, "") if isinstance(targets, Mapping) else targets[place]}
            for place, column in enumerate(import_run.columns)
        ]
    import_run.options = import_run.options | options
    drafting.save_draft(import_run)
    return import_run


class Ticking:
    """A clock that a second passes on whenever it is read: no two batches are written at the same moment."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def do(job: Job, *, now: datetime) -> Import:
    """Do a job of an import as the worker does; the import as it is then."""
    kind = {
        checking.JOB: checking.check_job,
        running.JOB: running.import_job,
        undoing.JOB: undoing.undo_job,
    }[job.kind]
    kind(job, now=now, clock=Ticking(now))
    jobs.finish(job, Job.State.DONE, now=now)
    return Import.objects.get(pk=job.params["import"])


def checked(import_run: Import, *, now: datetime) -> Import:
    return do(checking.start(import_run, user=None, now=now), now=now)


def run(import_run: Import, *, now: datetime) -> Import:
    return do(running.start(import_run, user=None, now=now), now=now)


def undone(import_run: Import, *, now: datetime) -> Import:
    return do(undoing.start(import_run, user=None, now=now), now=now)


def counts(import_run: Import, *names: str) -> Mapping[str, int]:
    """The numbers of an import that are not 0."""
    return {name: number for name, number in import_run.counts.items() if number}


def refusals(import_run: Import) -> list[tuple[int, str, str]]:
    rows: Iterable[Any] = import_run.refused_rows.order_by("pk").values_list("line", "kind", "column")
    return list(rows)
