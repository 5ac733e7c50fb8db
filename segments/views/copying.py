"""Saving a segment as a copy, or its members of this moment as a static segment."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from crm.models import Job
from crm.requests import Request
from crm.roles import requires
from segments.clock import today
from segments.compiler import describe
from segments.copying import free_name, save_as_copy, save_as_snapshot
from segments.editing import fill
from segments.faults import DefinitionError
from segments.forms import SegmentForm
from segments.models import Segment
from segments.views.filling import filled

Making = Callable[..., tuple[Segment, Job | None]]


@require_http_methods(["GET", "HEAD", "POST"])
@requires("segments.add_segment", "segments.add_membership")
def copy(request: Request, pk: int) -> HttpResponse:
    source = get_object_or_404(Segment.objects.live(), pk=pk)
    name = _("Copy of %(segment)s") % {"segment": source.name}
    return _made(request, source, save_as_copy, Segment(kind=source.kind), name)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("segments.add_segment", "segments.add_membership")
def snapshot(request: Request, pk: int) -> HttpResponse:
    source = get_object_or_404(Segment.objects.live().defined(), pk=pk)
    name = _("%(segment)s on %(day)s") % {"segment": source.name, "day": date_format(today(timezone.now()))}
    return _made(request, source, save_as_snapshot, Segment(kind=Segment.Kind.STATIC), name)


def _made(request: Request, source: Segment, make: Making, new: Segment, name: str) -> HttpResponse:
    """Ask for the name of the new segment, and make it."""
    if request.method != "POST":
        initial = {"name": free_name(name), "description": source.description, "is_test": source.is_test}
        return _page(request, source, new, SegmentForm(segment=new, initial=initial))
    form = SegmentForm(request.POST, segment=new)
    if not form.is_valid():
        return _page(request, source, new, form, status=422)
    try:
        with transaction.atomic():
            made, _job = make(source, **form.cleaned_data, now=timezone.now(), user=request.user)
    except DefinitionError as error:
        return _page(request, source, new, form, status=422, error=error)
    except IntegrityError:
        looking_again = SegmentForm(request.POST, segment=new)
        if looking_again.is_valid():
            raise
        # Somebody else took the name since the form looked first.
        return _page(request, source, new, looking_again, status=422)
    messages.success(request, _("“%(segment)s” was saved.") % {"segment": made.name})
    if not made.is_static:
        filled(request, lambda: fill(made, now=timezone.now(), user=request.user))
    return HttpResponseRedirect(reverse("segments:detail", args=[made.pk]), status=303)


def _page(
    request: Request, source: Segment, new: Segment, form: SegmentForm, *, status: int = 200, **context: Any
) -> HttpResponse:
    context |= {
        "nav": "segments",
        "segment": source,
        "form": form,
        "is_snapshot": new.is_static and not source.is_static,
        "sentence": "" if new.is_static else describe(source.conditions),
    }
    return render(request, "segments/copy.html", context, status=status)
