"""Deleting segments, and restoring them for as long as they are kept."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from crm.paging import Order, page
from crm.requests import Request
from crm.roles import requires
from segments.editing import KEPT_DELETED, InUse, NameTaken, delete_segment, restore_segment
from segments.forms import DeleteForm
from segments.models import Segment
from segments.uses import forbidding_uses, uses_of
from segments.views.filling import filled

PAGE_SIZE = 25
LATEST_FIRST = Order("deleted", ("deleted_at",), descending=True)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("segments.delete_segment")
def delete(request: Request, pk: int) -> HttpResponse:
    """Ask, and delete. A segment that is used says where, and wants the consent ticked, or cannot be deleted."""
    segment = get_object_or_404(Segment.objects.live(), pk=pk)
    uses = uses_of([segment])[segment.pk]
    forbidding = forbidding_uses(segment)
    form = DeleteForm(request.POST if request.method == "POST" else None, use_required_attribute=False)
    if request.method == "POST" and (not uses or form.is_valid()):
        try:
            delete_segment(segment, now=timezone.now(), user=request.user)
        except InUse as error:
            forbidding = error.uses
        else:
            messages.success(request, _deleted_message(segment))
            return HttpResponseRedirect(reverse("segments:list"), status=303)
    context: dict[str, Any] = {
        "nav": "segments",
        "segment": segment,
        "uses": uses,
        "forbidding": forbidding,
        "form": form if uses else None,
        "days": KEPT_DELETED.days,
    }
    return render(request, "segments/delete.html", context, status=422 if request.method == "POST" else 200)


def _deleted_message(segment: Segment) -> str:
    return format_html(
        '{} <a href="{}">{}</a>',
        _("“%(segment)s” was deleted. Its contacts are still there.") % {"segment": segment.name},
        reverse("segments:restore", args=[segment.pk]),
        _("Restore"),
    )


@require_safe
@requires("segments.view_segment")
def deleted_list(request: Request) -> HttpResponse:
    now = timezone.now()
    shown = page(_restorable(now).select_related("deleted_by"), LATEST_FIRST, size=PAGE_SIZE, query=request.GET)
    context = {
        "nav": "segments",
        "page": shown,
        "rows": [(segment, _days_left(segment, now)) for segment in shown.rows],
        "days": KEPT_DELETED.days,
    }
    return render(request, "segments/deleted.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("segments.change_segment")
def restore(request: Request, pk: int) -> HttpResponse:
    now = timezone.now()
    segment = get_object_or_404(_restorable(now).select_related("deleted_by"), pk=pk)
    context: dict[str, Any] = {"nav": "segments", "segment": segment, "days_left": _days_left(segment, now)}
    if request.method != "POST":
        return render(request, "segments/restore.html", context)
    try:
        filled(request, lambda: restore_segment(segment, now=now, user=request.user))
    except NameTaken:
        return render(request, "segments/restore.html", {**context, "is_name_taken": True}, status=422)
    messages.success(request, _("“%(segment)s” was restored.") % {"segment": segment.name})
    return HttpResponseRedirect(reverse("segments:detail", args=[segment.pk]), status=303)


def _restorable(now: datetime) -> Any:
    return Segment.objects.deleted().filter(deleted_at__gte=now - KEPT_DELETED).defer("definition")


def _days_left(segment: Segment, now: datetime) -> int:
    """How many days a deleted segment can still be restored; a day that has begun counts whole."""
    assert segment.deleted_at
    left = segment.deleted_at + KEPT_DELETED - now
    return -(-left // timedelta(days=1))
