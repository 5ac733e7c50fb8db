"""Looking after jobs: those whose worker died go on elsewhere, and those long over are removed."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.jobs.life import silent
from crm.jobs.queue import queue, queue_next
from crm.models import Job, JobLine

logger = logging.getLogger(__name__)

MOST_ATTEMPTS = 5
MISLAID = timedelta(seconds=90)  # after which a queued job is handed out again: a queue in memory may have lost it
KEPT = timedelta(days=90)


def sweep(*, now: datetime) -> int:
    """Hand out again the jobs whose worker died, and those that the queue lost; returns how many of either."""
    running = list(Job.objects.filter(state=Job.State.RUNNING))
    number = sum(_take_back(job, now=now) for job in silent(running))
    queue_next(now=now)
    mislaid = Job.objects.filter(state=Job.State.QUEUED, queued_at__lt=now - MISLAID).values_list("pk", flat=True)
    for job_id in list(mislaid):
        Job.objects.filter(pk=job_id).update(queued_at=now)
        queue(job_id)
        number += 1
    return number


def _take_back(job: Job, *, now: datetime) -> bool:
    """Take a job from a dead worker. Only one taker succeeds, and not if the worker lives and is done by now."""
    with transaction.atomic():
        theirs = Job.objects.filter(pk=job.pk, state=Job.State.RUNNING, claim=job.claim)
        if theirs.filter(~Q(cancel_requested_at=None)).update(state=Job.State.CANCELLED, finished_at=now, claim=None):
            return False
        if job.attempts >= MOST_ATTEMPTS:
            text = ngettext(
                "The worker died while doing this, %(number)s time.",
                "The worker died while doing this, %(number)s times.",
                job.attempts,
            )
            theirs.update(
                state=Job.State.FAILED, finished_at=now, claim=None, error=text % {"number": job.attempts}, speed=None
            )
            return False
        if not theirs.update(state=Job.State.QUEUED, queued_at=now, claim=None, speed=None):
            return False
        logger.warning("the worker of job %s died; the job is handed out again", job.pk)
        JobLine.objects.create(job=job, at=now, text=_("The worker died. The work goes on in another one."))
        queue(job.pk)
    return True


def remove_old(*, now: datetime) -> int:
    """Remove the jobs that were over 90 days ago, with their logs; returns how many jobs."""
    old = Job.objects.filter(finished_at__lt=now - KEPT)
    removed = 0
    while job_ids := list(old.order_by("pk").values_list("pk", flat=True)[:1_000]):
        with transaction.atomic():
            removed += Job.objects.filter(pk__in=job_ids).delete()[1].get("crm.Job", 0)
    return removed
