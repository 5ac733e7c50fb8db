"""Jobs: how far one is and what came of it; cancelling it and trying it again."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from crm import jobs
from crm.models import Job
from crm.requests import Request
from crm.roles import requires

LONGEST_LOG = 200


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
    if job.is_over and not job.seen and job.user_id == request.user.pk:
        Job.objects.filter(pk=pk).update(seen=True)
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
