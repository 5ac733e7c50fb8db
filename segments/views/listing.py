"""Contacts > Segments: filter, search, order, pages; and the state of a row while it is worked on."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.paginator import Paginator
from django.db.models import F, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from contacts.folding import Fold
from crm.models import Job
from crm.requests import Request
from crm.roles import requires
from segments.kinds import OFFERED
from segments.models import Segment
from segments.uses import uses_of
from segments.views.filling import jobs_of

PAGE_SIZE = 25

SORTS: dict[str, Any] = {"name": Fold("name"), "contacts": F("size"), "change": F("change"), "updated": F("updated_at")}
STARTS_ASCENDING = "name"
WAYS = [
    ("name", gettext_lazy("Name, A to Z")),
    ("-name", gettext_lazy("Name, Z to A")),
    ("-contacts", gettext_lazy("Contacts, highest first")),
    ("contacts", gettext_lazy("Contacts, lowest first")),
    ("-change", gettext_lazy("7 days, highest first")),
    ("change", gettext_lazy("7 days, lowest first")),
    ("-updated", gettext_lazy("Updated, newest first")),
    ("updated", gettext_lazy("Updated, oldest first")),
]


@dataclass(frozen=True)
class Row:
    """A segment in the list; ``uses`` are texts such as "2 segments"."""

    segment: Segment
    uses: list[str]
    job: Job | None


@dataclass(frozen=True)
class Heading:
    """The head of a column. ``sort`` is what the list is sorted by when it is pressed, "" where it cannot be."""

    label: str
    sort: str = ""
    sorted: str = "none"
    is_number: bool = False


@require_safe
@requires("segments.view_segment")
def segment_list(request: Request) -> HttpResponse:
    query, kind, sort = request.GET.get("q", "").strip(), request.GET.get("type", ""), request.GET.get("sort", "")
    kind = kind if kind in OFFERED else ""
    sort = sort if sort.removeprefix("-") in SORTS else STARTS_ASCENDING
    page = Paginator(_found(query, kind, sort, now=timezone.now()), PAGE_SIZE).get_page(request.GET.get("page"))
    segments = list(page)
    uses, jobs = uses_of(segments), jobs_of(segments)
    context: dict[str, Any] = {
        "nav": "segments",
        "query": query,
        "kind": kind,
        "kinds": [("", _("All")), *((offered.key.value, offered.label) for offered in OFFERED.values())],
        "sort": sort,
        "ways": WAYS,
        "page": page,
        "rows": [
            Row(segment, [_counted(source, places) for source, places in uses[segment.pk]], jobs.get(segment.pk))
            for segment in segments
        ],
        "headings": _headings(sort),
        "is_filtered": bool(query or kind),
        "offered": OFFERED,
    }
    return render(request, "segments/list.html", context)


def _found(query: str, kind: str, sort: str, *, now: datetime) -> QuerySet[Segment]:
    segments = Segment.objects.live().with_change(now=now).defer("definition")
    if query:
        segments = segments.named(query)
    if kind:
        segments = segments.filter(kind=kind)
    order = SORTS[sort.removeprefix("-")]
    return segments.order_by(order.desc() if sort.startswith("-") else order.asc(), "pk")


def _counted(source: Any, places: list[Any]) -> str:
    return str(source.counted % {"count": len(places)})


def _headings(sort: str) -> list[Heading]:
    return [
        _heading("name", _("Name"), sort),
        Heading(_("Type")),
        _heading("contacts", _("Contacts"), sort, is_number=True),
        _heading("change", _("7 days"), sort, is_number=True),
        Heading(_("Used in")),
        Heading(_("State")),
        _heading("updated", _("Updated"), sort),
    ]


def _heading(key: str, label: str, sort: str, *, is_number: bool = False) -> Heading:
    if sort.removeprefix("-") != key:
        return Heading(label, key if key == STARTS_ASCENDING else f"-{key}", is_number=is_number)
    if sort.startswith("-"):
        return Heading(label, key, "descending", is_number)
    return Heading(label, f"-{key}", "ascending", is_number)


@require_safe
@requires("segments.view_segment")
def state(request: Request, pk: int) -> HttpResponse:
    """The state of a segment in the list, with its numbers, which asks for itself again until the work is done."""
    segments = Segment.objects.live().with_change(now=timezone.now()).defer("definition")
    segment = get_object_or_404(segments, pk=pk)
    job = jobs_of([segment]).get(segment.pk)
    return render(request, "segments/_state_and_numbers.html", {"segment": segment, "job": job})
