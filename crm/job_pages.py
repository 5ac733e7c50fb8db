"""Jobs: the list, the bell, how far one is and what came of it; cancelling it and trying it again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from crm import jobs
from crm.models import Job, User
from crm.paging import Order, page
from crm.requests import Request
from crm.roles import requires

PAGE_SIZE = 25
NEWEST_FIRST = Order("created_at", ("created_at",), descending=True)
LONGEST_LOG = 200

IN_PROGRESS = "in_progress"
STATES: dict[str, tuple[str | Promise, Q]] = {
    "": (gettext_lazy("All"), Q()),
    IN_PROGRESS: (gettext_lazy("In progress"), Q(state__in=[Job.State.QUEUED, Job.State.RUNNING])),
    **{state: (state.label, Q(state=state)) for state in (Job.State.DONE, Job.State.FAILED, Job.State.CANCELLED)},
}
"""What the list can be narrowed to: the value in the address, its label and the condition."""

LATELY = timedelta(days=3)
LOOKED_AT = 50  # jobs of which the bell knows
SHOWN = 8


@require_safe
@requires("crm.view_job")
def job_list(request: Request) -> HttpResponse:
    """The user's own jobs; everybody's for those who may change them."""
    state = request.GET.get("state", "")
    if state not in STATES:
        raise Http404
    everybody = "everybody" in request.GET
    if everybody and not request.user.has_perm("crm.change_job"):
        raise PermissionDenied
    found = Job.objects.select_related("user").filter(STATES[state][1])
    found = found if everybody else found.filter(user=request.user)
    rows = page(found, NEWEST_FIRST, size=PAGE_SIZE, query=request.GET, few=not everybody)
    _see([job for job in rows.rows if job.user_id == request.user.pk], request.user)
    context = {
        "nav": "jobs",
        "page": rows,
        "everybody": everybody,
        "state": state,
        "states": [(key, label) for key, (label, _condition) in STATES.items()],
        "goes_on": any(not job.is_over for job in rows.rows),
    }
    return render(request, "crm/jobs.html", context)


def _see(shown: list[Job], user: User) -> None:
    """The user has seen that these of their jobs are over."""
    news = [job.pk for job in shown if job.is_over and not job.seen]
    if news:
        Job.objects.filter(pk__in=news, user=user).update(seen=True)


@dataclass(frozen=True)
class Bell:
    """The jobs of a user that are in progress or were over lately."""

    jobs: list[Job]

    @classmethod
    def of(cls, user: User, *, now: datetime) -> Bell:
        lately = Q(state__in=[Job.State.QUEUED, Job.State.RUNNING]) | Q(finished_at__gt=now - LATELY)
        return cls(list(Job.objects.filter(lately, user=user)[:LOOKED_AT]))

    @property
    def goes_on(self) -> bool:
        return any(not job.is_over for job in self.jobs)

    @property
    def unseen(self) -> int:
        return sum(job.is_over and not job.seen for job in self.jobs)

    @property
    def shown(self) -> list[Job]:
        """Those in progress first, then the others, the newest of each first."""
        return sorted(self.jobs, key=lambda job: job.is_over)[:SHOWN]


@require_safe
def bell(request: HttpRequest) -> HttpResponse:
    """What replaces the plain link of the page head, or its list when only that is asked for again.

    It is asked for in the background: somebody who was signed out meanwhile keeps the page with what they typed.
    """
    if not request.user.has_perm("crm.view_job"):
        return HttpResponse(status=204)
    request = cast(Request, request)
    template = "crm/_bell_jobs.html" if "jobs" in request.GET else "crm/_bell.html"
    return render(
        request, template, {"bell": Bell.of(request.user, now=timezone.now()), "again": "jobs" in request.GET}
    )


@require_POST
@requires("crm.view_job")
def look_at_bell(request: Request) -> HttpResponse:
    """The bell was opened: what it shows has been seen."""
    found = Bell.of(request.user, now=timezone.now())
    fragment = render(request, "crm/_bell_jobs.html", {"bell": found, "again": True, "open": True})
    _see(found.jobs, request.user)
    return fragment


@require_safe
@requires("crm.view_job")
def job_page(request: Request, pk: int) -> HttpResponse:
    job = _job(request, pk)
    lines = list(job.lines.order_by("-pk")[:LONGEST_LOG])
    context = {"nav": "jobs", "job": job, "lines": lines[::-1], "kind": jobs.kind_of(job)}
    return render(request, "crm/job.html", context)


@require_safe
@requires("crm.view_job")
def state(request: Request, pk: int) -> HttpResponse:
    """The card that asks for itself again until the job is over; then it may ask for the page around it."""
    job = _job(request, pk)
    reload = "reload" in request.GET
    if reload and job.is_over:
        return HttpResponseClientRefresh()
    return render(request, "crm/_job.html", {"job": job, "reload": reload})


def _job(request: Request, pk: int) -> Job:
    """The job. Whose it is has seen that it is over once it was shown."""
    job = get_object_or_404(Job.objects.select_related("user"), pk=pk)
    if job.user_id == request.user.pk:
        _see([job], request.user)
    return job


@require_POST
@requires("crm.view_job")
def cancel(request: Request, pk: int) -> HttpResponse:
    job = _changeable_job(request, pk)
    try:
        jobs.cancel(job, user=request.user, now=timezone.now())
    except jobs.NotPossible as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, _("“%(job)s” is being cancelled. What was done until now stays.") % {"job": job})
    return _back(request, job)


@require_POST
@requires("crm.view_job")
def retry(request: Request, pk: int) -> HttpResponse:
    job = _changeable_job(request, pk)
    try:
        jobs.retry(job, user=request.user, now=timezone.now())
    except jobs.NotPossible as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, _("“%(job)s” is tried again.") % {"job": job})
    return _back(request, job)


def _changeable_job(request: Request, pk: int) -> Job:
    job = get_object_or_404(Job, pk=pk)
    if not jobs.may_be_changed_by(job, request.user):
        raise PermissionDenied
    return job


def _back(request: Request, job: Job) -> HttpResponse:
    """To the page that the button stood on."""
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        target = reverse("job", args=[job.pk])
    return HttpResponseRedirect(target, status=303)
