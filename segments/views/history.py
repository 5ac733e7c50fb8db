"""The saved definitions of a segment: who changed what and when, and taking an earlier one back into use."""

from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from crm.paging import Order, Page, page
from crm.requests import Request
from crm.roles import requires
from segments.compiler import describe
from segments.context import Context
from segments.editing import fill, restore_version, usable
from segments.faults import DefinitionError
from segments.history import ChangeInWords, compare, in_words, words_at
from segments.models import Segment, SegmentVersion
from segments.versions import ChangedMeanwhile, token_of
from segments.views.filling import filled

PAGE_SIZE = 20
NEWEST_FIRST = Order("version", ("version",), descending=True)


@dataclass(frozen=True)
class Entry:
    """A version as the page shows it. ``changes`` compares it with ``earlier``, the one before it that was kept."""

    version: SegmentVersion
    sentence: str
    earlier: SegmentVersion | None
    is_restorable: bool
    changes: list[ChangeInWords] = field(default_factory=list)

    @property
    def became_plus(self) -> bool:
        return self.earlier is not None and self.earlier.kind != self.version.kind


@require_safe
@requires("segments.view_segment", "segments.view_segmentversion")
def history(request: Request, pk: int) -> HttpResponse:
    segment = _segment(pk)
    versions = page(segment.versions.select_related("saved_by"), NEWEST_FIRST, size=PAGE_SIZE, query=request.GET)
    context = {"nav": "segments", "segment": segment, "page": versions, "entries": _entries(segment, versions)}
    return render(request, "segments/history.html", context)


def _segment(pk: int) -> Segment:
    return get_object_or_404(Segment.objects.live().defined(), pk=pk)


def _entries(segment: Segment, versions: Page[SegmentVersion]) -> list[Entry]:
    context = Context()
    return [
        Entry(
            version=version,
            sentence=describe(version.definition, context=context),
            earlier=earlier,
            is_restorable=version.definition != segment.definition,
            changes=in_words(compare(earlier.definition, version.definition), context=context) if earlier else [],
        )
        for version, earlier in _with_earlier(versions)
    ]


def _with_earlier(versions: Page[SegmentVersion]) -> list[tuple[SegmentVersion, SegmentVersion | None]]:
    """Each version with the one before it; the last one's stands on the next page."""
    rows: list[SegmentVersion | None] = [*versions.rows]
    if versions.rows:
        last = versions.rows[-1]
        before = SegmentVersion.objects.filter(segment=last.segment_id, version__lt=last.version)
        rows.append(before.order_by("-version").first() if versions.next else None)
    return list(zip(versions.rows, rows[1:], strict=True))


@require_http_methods(["GET", "HEAD", "POST"])
@requires("segments.change_segment", "segments.view_segmentversion")
def restore(request: Request, pk: int, number: int) -> HttpResponse:
    """Ask, and save an earlier definition again. One that can no longer be used says why."""
    segment = _segment(pk)
    version = get_object_or_404(segment.versions.select_related("saved_by"), version=number)
    if request.method != "POST":
        return _asked(request, segment, version)
    now, expected = timezone.now(), request.POST.get("saved", "")
    try:
        changed = restore_version(segment, version, now=now, user=request.user, expected=expected)
    except DefinitionError:
        return _asked(request, segment, version, status=422)
    except ChangedMeanwhile as meanwhile:
        return _asked(request, meanwhile.saved, version, status=409)
    if changed:
        filled(request, lambda: fill(segment, now=timezone.now(), user=request.user))
        messages.success(request, _("Version %(number)s was restored.") % {"number": number})
    else:
        messages.info(request, _("The segment has these conditions already."))
    return HttpResponseRedirect(reverse("segments:history", args=[segment.pk]), status=303)


def _asked(request: Request, segment: Segment, version: SegmentVersion, *, status: int = 200) -> HttpResponse:
    """The page that asks, with what would change; ``segment`` as it is stored now."""
    words = Context()
    context: dict[str, Any] = {
        "nav": "segments",
        "segment": segment,
        "version": version,
        "sentence": describe(version.definition, context=words),
        "changes": in_words(compare(segment.conditions, version.definition), context=words),
        "faults": _faults(segment, version, words),
        "token": token_of(segment),
        "is_changed_meanwhile": status == 409,
    }
    return render(request, "segments/restore_version.html", context, status=status)


def _faults(segment: Segment, version: SegmentVersion, context: Context) -> list[tuple[str, str]]:
    """Why the definition cannot be used any more: each condition that is at fault, and what is wrong with it."""
    try:
        usable(version.definition, segment)
    except DefinitionError as error:
        return [(words_at(version.definition, fault.path, context=context), fault.message) for fault in error.faults]
    return []
