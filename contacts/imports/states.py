"""How the state of an import follows its job when that fails, is cancelled, or dies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db.models import Q
from django.urls import reverse

from contacts.imports.models import Import
from crm import jobs
from crm.models import Job

CHECKING, RUNNING, UNDOING = Import.State.CHECKING, Import.State.RUNNING, Import.State.UNDOING
AFTER_FAILURE = {CHECKING: Import.State.DRAFT, RUNNING: Import.State.FAILED, UNDOING: Import.State.DONE}
AFTER_CANCELLING = {CHECKING: Import.State.DRAFT, RUNNING: Import.State.CANCELLED, UNDOING: Import.State.DONE}


@contextmanager
def following(job: Job, state: Import.State) -> Iterator[Import | None]:
    """The import of a job, in ``state`` while the job does it; None when it was deleted or is done already.

    A job that is tried again takes up an import that failed or was cancelled.
    """
    known = Import.objects.filter(pk=job.params["import"], job=job)
    again = Q(state__in=[AFTER_FAILURE[state], AFTER_CANCELLING[state]], finished_at=None, undone_at=None)
    if state == UNDOING:
        again = Q(state=AFTER_FAILURE[state])
    if not known.filter(Q(state=state) | again).update(state=state, error=""):
        yield None
        return
    import_run = known.select_related("user").get()
    try:
        yield import_run
    except jobs.Cancelled:
        end(import_run, AFTER_CANCELLING[state])
        raise
    except jobs.Interrupted:
        raise
    except Exception as error:
        end(import_run, AFTER_FAILURE[state], error=str(error) or type(error).__name__)
        raise


def url_of(job: Job) -> str:
    """The page of the import that a job is about."""
    return reverse("contacts:import", args=[job.params["import"]])


def end(import_run: Import, state: Import.State, *, error: str = "") -> None:
    """The job no longer does it."""
    Import.objects.filter(pk=import_run.pk).update(state=state, error=error)


def catch_up(*, now: datetime) -> int:
    """Bring the states of imports in line whose job ended without them: cancelled in the queue, or given up."""
    over = [Job.State.FAILED, Job.State.CANCELLED]
    number = 0
    for import_run in Import.objects.under_way().filter(job__state__in=over).select_related("job"):
        job = import_run.job
        assert job
        table = AFTER_CANCELLING if job.state == Job.State.CANCELLED else AFTER_FAILURE
        state = Import.State(import_run.state)
        ours = Import.objects.filter(pk=import_run.pk, state=state, job=job)
        number += ours.update(state=table[state], error=job.error)
    return number
