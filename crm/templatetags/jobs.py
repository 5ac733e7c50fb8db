"""What templates ask about jobs."""

from django import template
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.jobs import kind_of, may_be_changed_by
from crm.models import Job, User

register = template.Library()

LEAST_TOTAL = 100  # what is counted in fewer units are its steps, and "one step a minute" tells nobody anything


@register.filter
def kind_label(job: Job) -> str:
    """The kind of a job in words."""
    kind = kind_of(job)
    return str(kind.label) if kind else job.kind


@register.filter
def url_of(job: Job) -> str:
    """Where people see what the job is about; empty when there is no such place."""
    kind = kind_of(job)
    return kind.url(job) if kind and kind.url else ""


@register.filter
def can_be_cancelled_by(job: Job, user: User) -> bool:
    kind = kind_of(job)
    possible = kind is not None and kind.cancellable and not job.is_over and not job.is_being_cancelled
    return possible and may_be_changed_by(job, user)


@register.filter
def can_be_retried_by(job: Job, user: User) -> bool:
    kind = kind_of(job)
    possible = kind is not None and kind.retryable and job.state in {Job.State.FAILED, Job.State.CANCELLED}
    return possible and may_be_changed_by(job, user)


@register.filter
def speed(job: Job) -> str:
    """How fast a running job gets on, in words; empty when that says nothing."""
    if job.state != Job.State.RUNNING or job.total < LEAST_TOTAL or not job.speed:
        return ""
    number = job.speed if job.speed < 10 else round(job.speed)
    decimals = 1 if job.speed < 10 else 0
    return _("%(number)s per second") % {"number": number_format(number, decimals, use_l10n=True, force_grouping=True)}


@register.filter
def time_left(job: Job) -> str:
    """How long a running job will still take, in words; empty when that cannot be told."""
    seconds = job.seconds_left
    if seconds is None or job.total < LEAST_TOTAL:
        return ""
    if seconds < 60:
        return _("less than a minute left")
    if seconds < 3600:
        minutes = round(seconds / 60)
        return ngettext("about %(number)d minute left", "about %(number)d minutes left", minutes) % {"number": minutes}
    hours = round(seconds / 3600)
    return ngettext("about %(number)d hour left", "about %(number)d hours left", hours) % {"number": hours}
