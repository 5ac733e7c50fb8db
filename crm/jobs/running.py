"""Doing a job: taking it up so that nobody else does, telling its progress, and how it ends."""

from __future__ import annotations

import logging
import os
import socket
import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from crm.jobs.kinds import KINDS
from crm.jobs.life import sign_of_life
from crm.jobs.queue import queue, queue_next
from crm.models import Job, JobLine

logger = logging.getLogger(__name__)

CLAIM_LOCK = 0x4A4F4253  # on a PostgreSQL server: held by who takes a job up


class Interrupted(Exception):
    """A job's function does not go on. Not a failure: let it pass."""


class Unfinished(Interrupted):
    """Raised by a job's function that has done a part of it: the rest follows when the queue hands it out again."""


class Cancelled(Interrupted):
    """Somebody asked to cancel the job."""


class Lost(Interrupted):
    """The job was taken from this worker, which seemed dead, or was deleted: what it does now is no longer wanted."""


def run_job(job_id: int) -> None:
    """Do the job, unless another worker does it or it is over.

    A failure is kept on the job and raised again, so that the queue's own record shows it too.
    """
    job = _claim(job_id, now=timezone.now())
    if job is None:
        return
    try:
        with sign_of_life(job.claim):
            _do(job)
    finally:
        queue_next(now=timezone.now())


def _claim(job_id: int, *, now: datetime) -> Job | None:
    """Take up a queued job; None when it is not to be had, or when enough are under way here: then it waits."""
    here = _this_cluster()
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CLAIM_LOCK])
        queued = Job.objects.filter(pk=job_id, state=Job.State.QUEUED)
        if Job.objects.filter(state=Job.State.RUNNING, worker=here).count() >= _at_once():
            queued.update(queued_at=None)
            return None
        taken = queued.update(
            state=Job.State.RUNNING,
            claim=uuid.uuid4(),
            worker=here,
            attempts=F("attempts") + 1,
            started_at=Coalesce("started_at", Value(now)),
            speed=None,
            error="",
        )
        return Job.objects.select_related("user").get(pk=job_id) if taken else None


def _at_once() -> int:
    """How many jobs a worker's processes do at the same time: one process is kept free for what is quickly done."""
    return max(1, int(settings.Q_CLUSTER["workers"]) - 1)


def _this_cluster() -> str:
    """The processes that one worker program started on this machine."""
    return f"{socket.gethostname()[:80]}/{os.getppid()}"


def _do(job: Job) -> None:
    try:
        KINDS[job.kind].function(job, now=timezone.now())
    except Unfinished:
        _put_back(job, now=timezone.now())
    except Cancelled:
        finish(job, Job.State.CANCELLED, now=timezone.now())
    except Lost:
        logger.warning("job %s goes on elsewhere", job.pk)
    except Exception as error:
        finish(job, Job.State.FAILED, now=timezone.now(), error=str(error) or type(error).__name__)
        raise
    else:
        finish(job, Job.State.DONE, now=timezone.now())


def _put_back(job: Job, *, now: datetime) -> None:
    ours = _ours(job)
    if ours.filter(cancel_requested_at=None).update(state=Job.State.QUEUED, claim=None, attempts=0, queued_at=now):
        queue(job.pk)
    else:
        finish(job, Job.State.CANCELLED, now=now)


def _ours(job: Job) -> Any:
    return Job.objects.filter(pk=job.pk, claim=job.claim)


def progress(job: Job, done: int, total: int, message: str = "") -> None:
    """Tell how far the job is: ``done`` of ``total`` units, and what it is doing.

    To be called between batches, outside a transaction. Raises `Cancelled` when somebody asked to cancel the job, and
    `Lost` when another worker does it by now.
    """
    speed = job.pace.after(done, total)
    changes = {"done": done, "total": total, "message": message[:255], "speed": speed}
    if not _ours(job).filter(cancel_requested_at=None).update(**changes):
        _ours(job).update(**changes)
        raise Cancelled if _ours(job).exists() else Lost


def hold(job: Job) -> None:
    """Within a transaction: nobody else takes the job over before it ends. Raises `Lost` when somebody has.

    For work that must not be done twice even if the worker was thought dead: call it first in the transaction of every
    batch.
    """
    if _ours(job).select_for_update(of=("self",)).values_list("pk", flat=True).first() is None:
        raise Lost


def log(job: Job, text: str) -> None:
    """Add a line to the job's log, which its page shows with the time."""
    JobLine.objects.create(job=job, at=timezone.now(), text=text)


def finish(job: Job, state: Job.State, *, now: datetime, error: str = "") -> None:
    """Mark the job as over, unless another worker does it by now."""
    _ours(job).update(state=state, finished_at=now, error=error, speed=None, cancel_requested_at=None)
