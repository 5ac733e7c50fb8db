"""Handing jobs to the queue."""

from datetime import datetime

from django.db import transaction
from django_q.tasks import async_task

from crm.models import Job

FOREVER = -1  # the queue ends other tasks after some minutes (see the settings); a job may take hours


def queue(job_id: int) -> None:
    """Let a worker take the job up once the current transaction has committed. Twice is as good as once."""
    transaction.on_commit(
        lambda: async_task("crm.jobs.run_job", job_id, task_name=f"job-{job_id}", timeout=FOREVER) and None
    )


def queue_next(*, now: datetime) -> None:
    """Hand out the oldest of the jobs that found every worker busy."""
    waiting = Job.objects.filter(state=Job.State.QUEUED, queued_at=None).order_by("pk").values_list("pk", flat=True)
    for job_id in waiting[:1]:
        if Job.objects.filter(pk=job_id, state=Job.State.QUEUED, queued_at=None).update(queued_at=now):
            queue(job_id)
