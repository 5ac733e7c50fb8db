"""More > Export segment to Facebook: the audiences that a segment fills, sending, keeping in step, and the file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db.models import Count, Max
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from crm.csv_files import streamed_csv_response
from crm.models import Job
from crm.requests import Request
from crm.roles import requires
from segments.facebook import connection, file, in_step, sending
from segments.facebook.client import Audience, FacebookFailure
from segments.facebook.forms import AudienceForm
from segments.facebook.people import sendable_of
from segments.models import FacebookAudience, FacebookConnection, FacebookExport, FacebookMember, Segment

LATEST = 10


@dataclass(frozen=True)
class Filled:
    """An audience as pages show it: how many are in it by Muster, what was sent last, and the job that sends now."""

    audience: FacebookAudience
    people: int
    latest: FacebookExport | None
    job: Job | None
    is_connected: bool


def filled(audiences: Iterable[FacebookAudience], connected: FacebookConnection | None) -> list[Filled]:
    """What is known of each audience; a constant number of queries."""
    audiences = list(audiences)
    members = FacebookMember.objects.filter(audience__in=audiences, sent_at__isnull=False, contact__isnull=False)
    people = dict(members.values_list("audience").annotate(number=Count("pk")))
    newest = FacebookExport.objects.filter(pk__in=_newest(audiences)).select_related("job", "user")
    latest = {export.audience_id: export for export in newest}
    jobs = {
        job.subject: job for job in Job.objects.in_progress().filter(subject__in=[one.subject for one in audiences])
    }
    return [
        Filled(
            audience,
            people.get(audience.pk, 0),
            latest.get(audience.pk),
            jobs.get(audience.subject),
            connected is not None and connected.account_id == audience.account_id,
        )
        for audience in audiences
    ]


@require_http_methods(["GET", "HEAD", "POST"])
@requires("segments.add_facebookexport")
def export(request: Request, pk: int) -> HttpResponse:
    """The audiences of the segment, and the form that sends it to another one."""
    segment = get_object_or_404(Segment.objects.live(), pk=pk)
    connected = connection.current()
    form, failure = _form(request) if connected else (None, "")
    if connected and form is not None and request.method == "POST" and form.is_valid():
        try:
            _send(request, segment, form, connected)
        except (FacebookFailure, sending.UnderWay) as problem:
            form.add_error(None, str(problem))
        else:
            return HttpResponseRedirect(reverse("segments:facebook", args=[segment.pk]), status=303)
    sendable = sendable_of(segment).count()
    context: dict[str, Any] = {
        "nav": "segments",
        "segment": segment,
        "connection": connected,
        "sendable": sendable,
        "left_out": max(0, segment.size - sendable),
        "audiences": filled(segment.facebook_audiences.all(), connected),
        "exports": segment.facebook_exports.select_related("user", "job")[:LATEST],
        "form": form,
        "failure": failure,
    }
    return render(request, "segments/facebook/export.html", context, status=422 if form and form.errors else 200)


def _form(request: Request) -> tuple[AudienceForm | None, str]:
    """The form with the audiences of the ad account, or why Facebook does not tell them."""
    try:
        audiences = connection.client().audiences()
    except FacebookFailure as failure:
        return None, str(failure)
    taken = set(FacebookAudience.objects.values_list("audience_id", flat=True))
    free = [audience for audience in audiences if audience.id not in taken]
    return AudienceForm(request.POST if request.method == "POST" else None, audiences=free), ""


def _send(request: Request, segment: Segment, form: AudienceForm, connected: FacebookConnection) -> None:
    now = timezone.now()
    chosen = form.cleaned_data["audience"]
    if chosen:
        there = Audience(chosen, form.names[chosen])
    else:
        there = connection.client().create_audience(form.cleaned_data["name"], segment.name)
    audience = sending.use_audience(
        segment, account_id=connected.account_id, audience_id=there.id, name=there.name, now=now
    )
    in_step.switch(audience, on=form.cleaned_data["in_step"])
    sending.start(audience, kind=FacebookExport.Kind.SEND, now=now, user=request.user)


@require_POST
@requires("segments.add_facebookexport")
def send(request: Request, pk: int) -> HttpResponse:
    """Bring an audience in line with its segment now."""
    audience = get_object_or_404(_of_live_segments(), pk=pk)
    try:
        sending.start(audience, kind=FacebookExport.Kind.SEND, now=timezone.now(), user=request.user)
    except sending.UnderWay as problem:
        messages.info(request, str(problem))
    return _back(audience)


@require_POST
@requires("segments.add_facebookexport")
def switch(request: Request, pk: int) -> HttpResponse:
    """Keep an audience in step, or no longer: by the parameter ``on``."""
    audience = get_object_or_404(_of_live_segments(), pk=pk)
    on = bool(request.POST.get("on"))
    in_step.switch(audience, on=on)
    text = _("“%(audience)s” is kept in step from now on.") if on else _("“%(audience)s” is not kept in step any more.")
    messages.success(request, text % {"audience": audience.name})
    return _back(audience)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("segments.add_facebookexport")
def forget(request: Request, pk: int) -> HttpResponse:
    """Ask, and fill an audience no longer."""
    audience = get_object_or_404(FacebookAudience.objects.select_related("segment"), pk=pk)
    if request.method == "POST":
        try:
            in_step.forget(audience)
        except sending.UnderWay as problem:
            messages.warning(request, str(problem))
        else:
            messages.success(request, _("Muster fills “%(audience)s” no longer.") % {"audience": audience.name})
        return _back(audience)
    context = {"nav": "segments", "segment": audience.segment, "audience": audience, "back": _page_of(audience)}
    return render(request, "segments/facebook/forget.html", context)


@require_POST
@requires("segments.add_facebookexport")
def download(request: Request, pk: int) -> HttpResponseBase:
    """The hashed data as a file; who takes it is written down first."""
    segment = get_object_or_404(Segment.objects.live(), pk=pk)
    file.take_down_file(segment, now=timezone.now(), user=request.user)
    name = f"facebook-{slugify(segment.name) or segment.pk}"
    return streamed_csv_response(name, file.HEADER, file.rows(segment))


def _newest(audiences: list[FacebookAudience]) -> Any:
    """The ids of the newest export of each audience."""
    exports = FacebookExport.objects.filter(audience__in=audiences).order_by()
    return exports.values("audience").annotate(newest=Max("pk")).values("newest")


def _of_live_segments() -> Any:
    return FacebookAudience.objects.filter(segment__deleted_at__isnull=True, segment__isnull=False)


def _page_of(audience: FacebookAudience) -> str:
    if audience.segment_id is None or (audience.segment and audience.segment.deleted_at):
        return reverse("facebook")
    return reverse("segments:facebook", args=[audience.segment_id])


def _back(audience: FacebookAudience) -> HttpResponse:
    return HttpResponseRedirect(_page_of(audience), status=303)
