"""What people see of the work that brings a segment's members up to date."""

from collections.abc import Callable, Iterable

from django.contrib import messages
from django.db import DatabaseError
from django.utils.translation import gettext as _

from crm.models import Job
from crm.requests import Request
from segments.faults import DefinitionError
from segments.models import Segment


def filled(request: Request, fill: Callable[[], Job | None]) -> Job | None:
    """Call what fills a segment. A failure is kept on the segment, where its page shows it; here it is announced."""
    try:
        return fill()
    except (DatabaseError, DefinitionError):
        messages.warning(request, _("The members could not be brought up to date. Muster tries again in some minutes."))
        return None


def jobs_of(segments: Iterable[Segment]) -> dict[int, Job]:
    """The job in progress of each segment that has one, by the segment's id; one query."""
    subjects = {f"segment:{segment.pk}": segment.pk for segment in segments}
    jobs = Job.objects.in_progress().filter(subject__in=subjects).order_by("pk")
    return {subjects[job.subject]: job for job in jobs}
