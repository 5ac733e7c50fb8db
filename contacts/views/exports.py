"""Contacts > Exports: what was exported, and an export with its file."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from contacts.exports import downloads, running
from contacts.exports.formats import FORMATS
from contacts.exports.models import Export
from contacts.exports.types import EXPORT_TYPES
from crm.paging import Order, page
from crm.requests import Request
from crm.roles import requires

PAGE_SIZE = 25
LATEST_DOWNLOADS = 20
NEWEST_FIRST = Order("created_at", ("created_at",), descending=True)


@dataclass(frozen=True)
class Line:
    """An export as the list shows it. ``link`` is where its file is, "" where there is none to be had."""

    export: Export
    type: str
    format: str
    link: str


@require_safe
@requires("contacts.view_export")
def exports(request: Request) -> HttpResponse:
    """The user's own exports; everybody's for administrators."""
    now = timezone.now()
    seen = Export.objects.started().seen_by(request.user).select_related("job", "user")
    shown = page(seen, NEWEST_FIRST, size=PAGE_SIZE, query=request.GET)
    lines = [
        Line(
            export,
            str(EXPORT_TYPES[export.type].label) if export.type in EXPORT_TYPES else export.type,
            str(FORMATS[export.format].label) if export.format in FORMATS else export.format,
            downloads.link_for(export, request.user) if export.is_downloadable(now=now) else "",
        )
        for export in shown.rows
    ]
    context = {
        "nav": "exports",
        "page": shown,
        "lines": lines,
        "sees_all": request.user.has_perm("contacts.view_exportdownload"),
        "is_worked_on": any(line.export.state in (Export.State.QUEUED, Export.State.RUNNING) for line in lines),
        "days": settings.EXPORT_KEEP_DAYS,
    }
    template = "contacts/exports/_list.html" if request.htmx.target == "exports" else "contacts/exports/list.html"
    return render(request, template, context)


def _seen(request: Request, pk: int) -> Export:
    """A started export that the user may see."""
    started = Export.objects.started().seen_by(request.user).select_related("job__user", "user")
    return get_object_or_404(started, pk=pk)


@require_safe
@requires("contacts.view_export")
def export(request: Request, pk: int) -> HttpResponse:
    """What is exported, how far it is, and the file. A draft goes on at its next step."""
    draft = Export.objects.filter(pk=pk, user=request.user, started_at=None).first()
    if draft is not None:
        step = "export_properties" if draft.title else "export_rows"
        return HttpResponseRedirect(reverse(f"contacts:{step}", args=[pk]))
    found = _seen(request, pk)
    is_there = found.is_downloadable(now=timezone.now())
    context = {
        "nav": "exports",
        "export": found,
        "type": EXPORT_TYPES[found.type],
        "format": FORMATS[found.format],
        "names": running.column_names(found),
        "link": downloads.link_for(found, request.user) if is_there else "",
    }
    if request.user.has_perm("contacts.view_exportdownload"):
        context["downloads"] = found.downloads.select_related("user")[:LATEST_DOWNLOADS]
    return render(request, "contacts/exports/export.html", context)


@require_safe
@requires("contacts.view_export")
def export_file(request: Request, pk: int, signed: str) -> HttpResponseBase:
    """The file, for whom the link was made and while it lasts. A link that is too old leads to the export's page."""
    found = _seen(request, pk)
    problem = ""
    if not found.is_downloadable(now=timezone.now()):
        problem = _("There is no file of this export.")
    elif not downloads.is_good(signed, found, request.user):
        problem = _("The link has expired. Here is a new one.")
    else:
        try:
            return downloads.download(found, user=request.user, now=timezone.now())
        except FileNotFoundError:
            problem = _("The file of this export is gone. Export anew.")
    messages.warning(request, problem)
    return HttpResponseRedirect(reverse("contacts:export", args=[pk]), status=303)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("contacts.view_export")
def remove_file(request: Request, pk: int) -> HttpResponse:
    """Ask, and remove the file before its time."""
    found = _seen(request, pk)
    if not found.is_downloadable(now=timezone.now()):
        return HttpResponseRedirect(reverse("contacts:export", args=[pk]), status=303)
    if request.method != "POST":
        return render(request, "contacts/exports/remove.html", {"nav": "exports", "export": found})
    running.remove_file(found, now=timezone.now())
    messages.success(request, _("The file was removed."))
    return HttpResponseRedirect(reverse("contacts:export", args=[pk]), status=303)
