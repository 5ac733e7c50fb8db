"""A kind of job for tests: makes as many contacts as it is told to, one in each step, and never one twice."""

from collections.abc import Callable
from datetime import datetime

from django.db import transaction

from contacts.models import Contact
from crm import jobs
from crm.models import Job

KIND = "test.counting"


def counting(pause: Callable[[int], None]) -> Callable[..., None]:
    """The function of the kind. ``pause(step)`` is called within each step, before it is committed."""

    def count(job: Job, *, now: datetime) -> None:
        total = job.params["total"]
        for step in range(Contact.objects.count(), total):
            with transaction.atomic():
                jobs.hold(job)
                Contact.objects.create(external_id=f"C{step}")
                pause(step)
            jobs.progress(job, step + 1, total, f"{step + 1} counted")

    return count
