"""The steps of a new export: type, rows, properties, output format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from contacts.exports import running
from contacts.exports.columns import grouped
from contacts.exports.drafting import (
    FormatForm,
    SetForm,
    begin,
    choose_columns,
    choose_rows,
    rearranged,
    rows_form,
    save_set,
)
from contacts.exports.models import Export, PropertySet
from contacts.exports.types import EXPORT_TYPES, ExportType
from crm.requests import Request
from crm.roles import requires

# None of them is the name of a method of forms, which it would hide from scripts.
ACTIONS = ("add", "group", "leave_out", "up", "down")
STEPS = (
    ("", gettext_lazy("Type")),
    ("export_rows", gettext_lazy("Rows")),
    ("export_properties", gettext_lazy("Properties")),
    ("export_format", gettext_lazy("Output format")),
)


@dataclass(frozen=True)
class Step:
    """A step as the pages show it; ``url`` leads back to one that is done."""

    number: int
    label: str | Promise
    url: str
    is_current: bool
    is_done: bool


def _steps(current: int, export: Export | None = None) -> list[Step]:
    return [
        Step(
            number,
            label,
            reverse(f"contacts:{name}", args=[export.pk]) if export and name and number < current else "",
            number == current,
            number < current,
        )
        for number, (name, label) in enumerate(STEPS, start=1)
    ]


def _draft(request: Request, pk: int) -> tuple[Export, ExportType[Any]]:
    """A draft of the user and its type. Raises PermissionDenied for a type that is not theirs any more."""
    export = get_object_or_404(Export, pk=pk, user=request.user, started_at=None)
    kind = EXPORT_TYPES[export.type]
    if not kind.is_for(request.user):
        raise PermissionDenied
    return export, kind


def _go_to(step: str, export: Export) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse(f"contacts:{step}", args=[export.pk]), status=303)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("contacts.add_export")
def new(request: Request) -> HttpResponse:
    """Choose what to export. The address may carry what the contact list shows, or a segment."""
    types = [one for one in EXPORT_TYPES if one.is_for(request.user)]
    query, segment = request.GET.get("filter", ""), request.GET.get("segment", "")
    posted = request.POST.get("type", "")
    chosen = next((one for one in types if one.key == posted), None)
    if chosen:
        begun = begin(chosen, user=request.user, now=timezone.now(), query=query, segment=segment)
        return _go_to("export_rows", begun)
    context = {
        "nav": "exports",
        "types": types,
        "current": request.GET.get("type", "contacts"),
        "is_wrong": request.method == "POST",
        "steps": _steps(1),
    }
    return render(request, "contacts/exports/new.html", context, status=422 if request.method == "POST" else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("contacts.add_export")
def rows(request: Request, pk: int) -> HttpResponse:
    export, kind = _draft(request, pk)
    form = rows_form(export, request.POST if request.method == "POST" else None, user=request.user)
    if form.is_valid():
        choose_rows(export, form)
        return _go_to("export_properties", export)
    context = {"nav": "exports", "export": export, "type": kind, "form": form, "steps": _steps(2, export)}
    return render(request, "contacts/exports/rows.html", context, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("contacts.add_export")
def properties(request: Request, pk: int) -> HttpResponse:
    """Every button posts the whole form: the order as it is shown, and what the button does with it."""
    export, kind = _draft(request, pk)
    if not export.title:
        return _go_to("export_rows", export)
    known = kind.properties()
    naming = SetForm()
    if request.method == "POST":
        choose_columns(export, request.POST.getlist("column"), known)
        for action in ACTIONS:
            if action in request.POST:
                choose_columns(export, rearranged(export.columns, action, request.POST[action], known), known)
        naming = _sets(request, export)
        if "next" in request.POST and export.columns:
            return _go_to("export_format", export)
        if not request.htmx and not naming.errors and export.columns:
            return _go_to("export_properties", export)
    by_key = {one.key: one for one in known}
    chosen = [by_key[key] for key in export.columns if key in by_key]
    is_wrong = not chosen or bool(naming.errors)
    context = {
        "nav": "exports",
        "export": export,
        "type": kind,
        "chosen": chosen,
        "groups": [(name, [one for one in group if one not in chosen]) for name, group in grouped(known)],
        "sets": PropertySet.objects.filter(type=export.type),
        "naming": naming,
        "steps": _steps(3, export),
    }
    template = "contacts/exports/_properties.html" if request.htmx else "contacts/exports/properties.html"
    return render(request, template, context, status=422 if request.method == "POST" and is_wrong else 200)


def _sets(request: Request, export: Export) -> SetForm:
    """Use, save or delete a set of properties, if a button says so; returns the form of its name."""
    chosen = PropertySet.objects.filter(type=export.type, pk=_number(request.POST.get("set")))
    if "use_set" in request.POST:
        for one in chosen:
            choose_columns(export, one.columns, EXPORT_TYPES[export.type].properties())
    elif "delete_set" in request.POST:
        chosen.delete()
    elif "save_set" in request.POST:
        form = SetForm({"name": request.POST.get("name", "").strip()})
        if form.is_valid():
            save_set(export, form.cleaned_data["name"], user=request.user, now=timezone.now())
            return SetForm()
        return form
    return SetForm()


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 19 else 0


@require_http_methods(["GET", "HEAD", "POST"])
@requires("contacts.add_export")
def output_format(request: Request, pk: int) -> HttpResponse:
    """The last step: a POST starts the export."""
    export, kind = _draft(request, pk)
    if not export.title or not export.columns:
        return _go_to("export_properties" if export.title else "export_rows", export)
    form = FormatForm(export, request.POST if request.method == "POST" else None)
    if form.is_valid():
        form.save()
        running.start(export, user=request.user, now=timezone.now())
        messages.success(request, _("The export was started."))
        return _go_to("export", export)
    context = {
        "nav": "exports",
        "export": export,
        "type": kind,
        "form": form,
        "names": running.column_names(export),
        "steps": _steps(4, export),
    }
    return render(request, "contacts/exports/format.html", context, status=422 if form.is_bound else 200)
