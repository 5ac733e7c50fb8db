"""The page of a segment: what it is, who came and went, and the work on it; and where it is used."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.db.models import Sum
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from crm.paging import Order, page
from crm.requests import Request
from crm.roles import requires
from segments.clock import today
from segments.compiler import describe
from segments.editing import fill
from segments.kinds import OFFERED
from segments.models import RefreshRun, Segment, SegmentDay, Transition
from segments.uses import uses_of
from segments.views.filling import filled, jobs_of
from segments.views.happenings import happenings
from segments.views.members import MemberSearch, newest_members

TRANSITIONS = 20
RUNS = 8
WEEK = timedelta(days=7)
NEWEST_FIRST = Order("at", ("at",), descending=True)


@require_safe
@requires("segments.view_segment")
def detail(request: Request, pk: int) -> HttpResponse:
    now = timezone.now()
    segment = _with_people(pk, now=now)
    job = jobs_of([segment]).get(segment.pk)
    transitions = page(Transition.objects.filter(segment=segment), NEWEST_FIRST, size=TRANSITIONS, query=request.GET)
    context: dict[str, Any] = {
        "nav": "segments",
        "segment": segment,
        "job": job,
        "is_worked_on": _is_worked_on(segment, job is not None),
        "sentence": "" if segment.is_static else describe(segment.conditions),
        "week": _week(segment, now=now),
        "uses": sum(len(places) for _source, places in uses_of([segment])[segment.pk]),
        "page": transitions,
        "happenings": happenings(transitions.rows),
        "runs": RefreshRun.objects.filter(segment=segment)[:RUNS],
        "offered": OFFERED,
    }
    if segment.is_static:
        context["search"] = MemberSearch(segment, request.GET.get("find", ""))
        context["members"] = newest_members(segment)
    fragment = request.htmx.target == "happenings"
    return render(request, "segments/_happenings.html" if fragment else "segments/detail.html", context)


def _with_people(pk: int, *, now: datetime) -> Segment:
    segments = Segment.objects.live().with_change(now=now).select_related("created_by", "updated_by")
    return get_object_or_404(segments, pk=pk)


def _is_worked_on(segment: Segment, has_job: bool) -> bool:
    return has_job or segment.state in (Segment.State.WAITING, Segment.State.REFRESHING)


def _week(segment: Segment, *, now: datetime) -> dict[str, int]:
    """How many entered and left in the last 7 days, today included."""
    days = SegmentDay.objects.filter(segment=segment, day__gt=today(now) - WEEK)
    return days.aggregate(entered=Sum("entered", default=0), left=Sum("left", default=0))


@require_safe
@requires("segments.view_segment")
def progress(request: Request, pk: int) -> HttpResponse:
    """The work on a segment, which asks for itself again; when it is done, the page is shown anew."""
    segment = get_object_or_404(Segment.objects.live(), pk=pk)
    job = jobs_of([segment]).get(segment.pk)
    if not _is_worked_on(segment, job is not None):
        return HttpResponseClientRefresh()
    return render(request, "segments/_progress.html", {"segment": segment, "job": job})


@require_POST
@requires("segments.change_segment")
def refresh(request: Request, pk: int) -> HttpResponse:
    """Make the members equal to the definition now."""
    segment = get_object_or_404(Segment.objects.live().defined(), pk=pk)
    if jobs_of([segment]):
        messages.info(request, _("“%(segment)s” is being refreshed already.") % {"segment": segment.name})
    else:
        filled(request, lambda: fill(segment, now=timezone.now(), user=request.user))
    return HttpResponseRedirect(reverse("segments:detail", args=[segment.pk]), status=303)


@require_safe
@requires("segments.view_segment")
def uses(request: Request, pk: int) -> HttpResponse:
    segment = get_object_or_404(Segment.objects.live(), pk=pk)
    context = {"nav": "segments", "segment": segment, "uses": uses_of([segment])[segment.pk]}
    return render(request, "segments/uses.html", context)
