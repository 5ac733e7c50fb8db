"""Background work: jobs that somebody started, and periodic tasks that start themselves.

An app registers what it can do (`KINDS`, `PERIODIC`) when it is loaded. The worker (django-q2) runs `run_job` and
the periodic functions. A job's function must be idempotent: after a crash the queue hands it out again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django_q.models import Schedule
from django_q.tasks import async_task

from crm.models import Job, User
from crm.registry import Registry


@dataclass(frozen=True)
class Kind:
    """What a job of this kind does: ``function(job, now=…)``."""

    key: str
    function: Callable[..., None]


@dataclass(frozen=True)
class Periodic:
    """A task that runs every ``minutes`` or at a ``cron`` time. ``function`` is a dotted path without arguments."""

    key: str
    function: str
    minutes: int | None = None
    cron: str | None = None


KINDS: Registry[Kind] = Registry("kind of job")
PERIODIC: Registry[Periodic] = Registry("periodic task")


class Unfinished(Exception):
    """Raised by a job's function that has done a part of it: the rest follows when the queue hands it out again.

    For work that takes longer than the worker lets a task run.
    """


def start(
    kind: str, *, title: str, now: datetime, user: User | None = None, subject: str = "", params: dict[str, Any]
) -> Job:
    """Queue a job; the worker takes it up once the current transaction has committed.

    ``params`` must be JSON. Raises `UnknownKey` for an unregistered kind.
    """
    job = Job.objects.create(
        kind=KINDS[kind].key, title=title[:255], subject=subject, params=params, user=user, created_at=now
    )
    transaction.on_commit(lambda: _queue(job.pk))
    return job


def _queue(job_id: int) -> None:
    async_task("crm.jobs.run_job", job_id, task_name=f"job-{job_id}")


def run_job(job_id: int) -> None:
    """Do the job. A failure is kept on the job and raised again, so that the queue's own record shows it too."""
    job = Job.objects.get(pk=job_id)
    if job.is_over:
        return
    Job.objects.filter(pk=job_id).update(state=Job.State.RUNNING, started_at=timezone.now(), error="")
    try:
        KINDS[job.kind].function(job, now=timezone.now())
    except Unfinished:
        _queue(job_id)
        return
    except Exception as error:
        finish(job, Job.State.FAILED, now=timezone.now(), error=str(error) or type(error).__name__)
        raise
    finish(job, Job.State.DONE, now=timezone.now())


def progress(job: Job, done: int, total: int, message: str = "") -> None:
    """Tell how far the job is: ``done`` of ``total`` units, and what it is doing."""
    Job.objects.filter(pk=job.pk).update(done=done, total=total, message=message[:255])


def finish(job: Job, state: Job.State, *, now: datetime, error: str = "") -> None:
    """Mark the job as over."""
    Job.objects.filter(pk=job.pk).update(state=state, finished_at=now, error=error)


def ensure_schedules() -> None:
    """Make the schedules of all periodic tasks equal to what is registered; running it again changes nothing."""
    for task in PERIODIC:
        timing = (
            {"schedule_type": Schedule.CRON, "cron": task.cron, "minutes": None}
            if task.cron
            else {"schedule_type": Schedule.MINUTES, "minutes": task.minutes, "cron": None}
        )
        Schedule.objects.update_or_create(name=task.key, defaults={"func": task.function, "repeats": -1, **timing})


def next_runs(*keys: str) -> dict[str, datetime]:
    """When the periodic tasks of these keys run next; without those that have no schedule."""
    schedules = Schedule.objects.filter(name__in=keys, next_run__isnull=False)
    return dict(schedules.values_list("name", "next_run"))
