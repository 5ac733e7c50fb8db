"""Workers that do the job of an import in processes of their own, and can be killed."""

from __future__ import annotations

import multiprocessing
import os
import sys
from datetime import timedelta
from multiprocessing.process import BaseProcess

from django.db import connections
from django.utils import timezone

from contacts.imports.models import Import
from crm import jobs
from crm.models import Job

PATIENCE = 60
FORK = multiprocessing.get_context("fork")


def start_worker(job: Job) -> BaseProcess:
    """A process that does the job. It is forked, which takes no time; no connection may be open then."""
    connections.close_all()
    process = FORK.Process(target=_work, args=(job.pk,))
    process.start()
    return process


def _work(job_id: int) -> None:
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    jobs.run_job(job_id)
    connections.close_all()
    os._exit(0)


def kill_after(process: BaseProcess, seconds: float) -> bool:
    """Kill a worker with SIGKILL, unless it is done before; whether it was killed."""
    process.join(seconds)
    process.kill()
    process.join(PATIENCE)
    return process.exitcode != 0


def finish(job: Job) -> Import:
    """Let a worker do what is left of the job; the import as it is then."""
    process = start_worker(job)
    process.join(PATIENCE)
    assert process.exitcode == 0
    job.refresh_from_db()
    assert job.state == Job.State.DONE, job.error
    return Import.objects.get(pk=job.params["import"])


def take_back(job: Job) -> None:
    """What the sweep does with the job of a dead worker."""
    now = timezone.now() - timedelta(seconds=1)
    Job.objects.filter(pk=job.pk).update(state=Job.State.QUEUED, claim=None, queued_at=now)
