"""What people ask for: that a job is done, that it stops, that it is tried again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from crm.jobs.kinds import KINDS, kind_of
from crm.jobs.queue import queue
from crm.models import Job, JobLine, User


class NotPossible(ValueError):
    """The job cannot be cancelled, or not be tried again: its kind does not allow it, or its state no longer does."""


def start(
    kind: str, *, title: str, now: datetime, user: User | None = None, subject: str = "", params: dict[str, Any]
) -> Job:
    """Queue a job; a worker takes it up once the current transaction has committed.

    ``params`` must be JSON. Raises `UnknownKey` for an unregistered kind.
    """
    job = Job.objects.create(
        kind=KINDS[kind].key,
        title=title[:255],
        subject=subject,
        params=params,
        user=user,
        created_at=now,
        queued_at=now,
    )
    queue(job.pk)
    return job


def may_be_changed_by(job: Job, user: User) -> bool:
    """Whether this user may cancel the job and have it tried again: whose it is, and administrators."""
    return job.user_id == user.pk or user.has_perm("crm.change_job")


def cancel(job: Job, *, user: User | None, now: datetime) -> None:
    """Cancel a job: at once while it is queued, else as soon as its function tells its progress.

    Asking twice is as good as once. Raises `NotPossible`.
    """
    kind = kind_of(job)
    if kind is None or not kind.cancellable:
        raise NotPossible(_("This job cannot be cancelled."))
    with transaction.atomic():
        current = Job.objects.select_for_update(of=("self",)).get(pk=job.pk)
        if current.is_over:
            raise NotPossible(_("This job is over already."))
        if current.cancel_requested_at is not None:
            return
        if current.state == Job.State.QUEUED:
            current.state, current.finished_at = Job.State.CANCELLED, now
        else:
            current.cancel_requested_at = now
        current.save(update_fields=["state", "finished_at", "cancel_requested_at"])
        _note(current, _("Cancelled by %(user)s") if user else _("Cancelled"), user, now=now)
    job.refresh_from_db()


def retry(job: Job, *, user: User | None, now: datetime) -> Job:
    """Have a job tried again that failed or was cancelled; it stays the job of whoever started it.

    Raises `NotPossible`.
    """
    kind = kind_of(job)
    if kind is None or not kind.retryable:
        raise NotPossible(_("This job cannot be tried again."))
    with transaction.atomic():
        again = Job.objects.filter(pk=job.pk, state__in=[Job.State.FAILED, Job.State.CANCELLED])
        if not again.update(
            state=Job.State.QUEUED,
            queued_at=now,
            claim=None,
            attempts=0,
            cancel_requested_at=None,
            started_at=None,
            finished_at=None,
            error="",
            message="",
            seen=False,
        ):
            raise NotPossible(_("Only a job that failed or was cancelled can be tried again."))
        _note(job, _("Tried again by %(user)s") if user else _("Tried again"), user, now=now)
        queue(job.pk)
    job.refresh_from_db()
    return job


def _note(job: Job, text: str, user: User | None, *, now: datetime) -> None:
    name = (user.get_full_name() or user.get_username()) if user else ""
    JobLine.objects.create(job=job, at=now, text=text % {"user": name})
