"""The analytics of a segment: the page, its parts that take a while, the contacts behind a bar, the tables as files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_safe
from django_htmx.http import replace_url

from crm.csv_files import csv_response
from crm.paging import Order, page
from crm.requests import Request
from crm.roles import requires
from segments.analytics.comparison import compare
from segments.analytics.freshness import freshness
from segments.analytics.history import SHOWN, history, moved_between
from segments.analytics.overlap import MOST, Overlap, overlap
from segments.analytics.tables import Table, amounts_table, moves_table, overlap_table, shares_table, size_table
from segments.analytics.upset import upset
from segments.models import Segment, Transition
from segments.views.happenings import happenings

UNITS = {"day": gettext_lazy("Day"), "week": gettext_lazy("Week"), "month": gettext_lazy("Month")}
SUGGESTED = 3
MOVED = 25
NEWEST_FIRST = Order("at", ("at",), descending=True)
PERMISSIONS = ("segments.view_segment", "contacts.view_contact")


@dataclass(frozen=True)
class Choice:
    """Another segment that the overlap can be asked for."""

    segment: Segment
    is_chosen: bool


@require_safe
@requires(*PERMISSIONS)
def analytics(request: Request, pk: int) -> HttpResponse:
    """The page. What takes a while in large accounts comes after it; with ``complete`` it is part of the page."""
    now = timezone.now()
    segment = _segment(pk)
    unit = _unit(request)
    periods = history(segment, unit, now=now)
    context: dict[str, Any] = {
        "nav": "segments",
        "segment": segment,
        "unit": unit,
        "units": UNITS.items(),
        "periods": periods,
        "entered": sum(one.entered for one in periods),
        "left": sum(one.left for one in periods),
        "freshness": freshness(segment, now=now),
        "is_complete": "complete" in request.GET,
    }
    if context["is_complete"]:
        context |= {"comparison": compare(segment)} | _overlap(request, segment)
    return render(request, "segments/analytics.html", context)


@require_safe
@requires(*PERMISSIONS)
def comparison(request: Request, pk: int) -> HttpResponse:
    segment = _segment(pk)
    return render(request, "segments/_comparison.html", {"segment": segment, "comparison": compare(segment)})


@require_safe
@requires(*PERMISSIONS)
def overlaps(request: Request, pk: int) -> HttpResponse:
    """The overlap with the segments that were chosen; the address of the page keeps the choice."""
    segment = _segment(pk)
    response = render(request, "segments/_overlap.html", {"segment": segment} | _overlap(request, segment))
    if "segment" not in request.GET:
        return response
    address, _question_mark, query = (request.htmx.current_url_abs_path or "").partition("?")
    kept = QueryDict(query, mutable=True)
    kept.setlist("segment", request.GET.getlist("segment"))
    return replace_url(response, f"{address}?{kept.urlencode()}") if address else response


@require_safe
@requires(*PERMISSIONS)
def moved(request: Request, pk: int) -> HttpResponse:
    """The contacts who entered or left on some days."""
    segment = _segment(pk)
    asked = MovedForm(request.GET)
    if not asked.is_valid():
        raise Http404(_("There is no such period."))
    kind, first, last = (asked.cleaned_data[name] for name in ("kind", "first", "last"))
    transitions = page(moved_between(segment, kind, first, last), NEWEST_FIRST, size=MOVED, query=request.GET)
    context = {
        "nav": "segments",
        "segment": segment,
        "kind": kind,
        "first": first,
        "last": last,
        "page": transitions,
        "happenings": happenings(transitions.rows),
    }
    fragment = request.htmx.target == "happenings"
    return render(request, "segments/_happenings.html" if fragment else "segments/moved.html", context)


class MovedForm(forms.Form):
    """What a bar of the chart stands for: who entered or left from the first day to the last, both included."""

    kind = forms.ChoiceField(choices=Transition.Kind)
    first = forms.DateField(input_formats=["%Y-%m-%d"])
    last = forms.DateField(input_formats=["%Y-%m-%d"])


@require_safe
@requires(*PERMISSIONS)
def export(request: Request, pk: int, table: str) -> HttpResponse:
    """One of the tables as a CSV file, with the choices that the page has in its address."""
    if table not in TABLES:
        raise Http404(_("There is no such table."))
    segment = _segment(pk)
    made = TABLES[table](request, segment)
    return csv_response(f"{slugify(segment.name) or f'segment-{pk}'}-{table}", made.header, made.rows)


TABLES: dict[str, Callable[[Request, Segment], Table]] = {
    "size": lambda request, segment: size_table(history(segment, _unit(request), now=timezone.now())),
    "moves": lambda request, segment: moves_table(history(segment, _unit(request), now=timezone.now())),
    "reach": lambda request, segment: shares_table(_("Reachable by email"), compare(segment).reach),
    "purchases": lambda request, segment: amounts_table(compare(segment).amounts),
    "buyers": lambda request, segment: shares_table(_("Buyers"), compare(segment).buyers),
    "countries": lambda request, segment: shares_table(_("Country"), compare(segment).countries),
    "languages": lambda request, segment: shares_table(_("Language"), compare(segment).languages),
    "overlap": lambda request, segment: overlap_table(_chosen_overlap(request, segment)),
}


def _segment(pk: int) -> Segment:
    return get_object_or_404(Segment.objects.live().defer("definition"), pk=pk)


def _unit(request: Request) -> str:
    unit = request.GET.get("by", "")
    return unit if unit in SHOWN else "day"


def _overlap(request: Request, segment: Segment) -> dict[str, Any]:
    choices = _choices(request, segment)
    chosen = [choice.segment for choice in choices if choice.is_chosen]
    context: dict[str, Any] = {"choices": choices, "overlap": None, "overlap_error": ""}
    if len(chosen) > MOST:
        text = ngettext("Choose at most %(count)d segment.", "Choose at most %(count)d segments.", MOST)
        context["overlap_error"] = text % {"count": MOST}
    elif chosen and segment.size:
        found = overlap(segment, chosen)
        context |= {"overlap": found, "upset": upset(found)}
    return context


def _chosen_overlap(request: Request, segment: Segment) -> Overlap:
    chosen = [choice.segment for choice in _choices(request, segment) if choice.is_chosen]
    return overlap(segment, chosen[:MOST])


def _choices(request: Request, segment: Segment) -> list[Choice]:
    """The other segments. The largest are suggested to somebody who has chosen none."""
    others = list(Segment.objects.live().exclude(pk=segment.pk).only("name", "size"))
    chosen = {int(text) for text in request.GET.getlist("segment") if text.isdecimal() and len(text) < 19}
    if not any(other.pk in chosen for other in others):
        largest = sorted(others, key=lambda other: (-other.size, other.pk))
        chosen = {other.pk for other in largest[:SUGGESTED] if other.size}
    return [Choice(other, other.pk in chosen) for other in others]
