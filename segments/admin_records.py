"""The administrators' pages of the records that the engine keeps: transitions, days and runs."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import (
    AutocompleteSelectFilter,
    ChoicesCheckboxFilter,
    DropdownFilter,
    RangeDateFilter,
)
from unfold.decorators import display

from crm.model_admin import DaysFilter, RecordAdmin
from segments.models import RefreshRun, SegmentDay, SegmentVersion, Transition

MOVE_LABELS = {Transition.Kind.ENTERED: "success", Transition.Kind.LEFT: "danger"}


@admin.register(Transition)
class TransitionAdmin(RecordAdmin):
    """The ledger of who entered and left; of one segment or contact by time, as the indexes go."""

    list_display = ("at", "move_label", "contact", "segment", "cause", "detail")
    list_select_related = ("contact", "segment")
    list_filter = (
        ("segment", AutocompleteSelectFilter),
        ("contact", AutocompleteSelectFilter),
        ("kind", ChoicesCheckboxFilter),
        ("cause", ChoicesCheckboxFilter),
        ("at", DaysFilter),
    )
    sortable_by = ()

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        narrowed = request.GET.get("segment__id__exact") or request.GET.get("contact__id__exact")
        return ("-at", "-id") if narrowed else ("-id",)

    @display(description=gettext_lazy("kind"), label=MOVE_LABELS)
    def move_label(self, transition: Transition) -> tuple[str, str]:
        return transition.kind, transition.get_kind_display()


@admin.register(SegmentVersion)
class SegmentVersionAdmin(RecordAdmin):
    list_display = ("saved_at", "segment", "version", "kind", "saved_by", "restored_from")
    list_select_related = ("segment", "saved_by")
    list_filter = (
        ("segment", AutocompleteSelectFilter),
        ("saved_by", AutocompleteSelectFilter),
        ("saved_at", DaysFilter),
    )
    sortable_by = ()


@admin.register(SegmentDay)
class SegmentDayAdmin(RecordAdmin):
    list_display = ("day", "segment", "entered", "left")
    list_select_related = ("segment",)
    list_filter = (("segment", AutocompleteSelectFilter), ("day", RangeDateFilter))


class FailedFilter(DropdownFilter):
    title = gettext_lazy("outcome")
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("failed", gettext_lazy("Failed")),
            ("repaired", gettext_lazy("Repaired differences")),
            ("moved", gettext_lazy("Contacts entered or left")),
        ]

    def queryset(self, request: HttpRequest, runs: QuerySet[RefreshRun]) -> QuerySet[RefreshRun]:
        outcomes = {
            "failed": ~Q(error=""),
            "repaired": Q(differences__gt=0),
            "moved": Q(entered__gt=0) | Q(left__gt=0),
        }
        return runs.filter(outcomes[self.value()]) if self.value() in outcomes else runs


@admin.register(RefreshRun)
class RefreshRunAdmin(RecordAdmin):
    list_display = (
        *("started_at", "kind", "segment", "segments", "cause", "milliseconds", "examined", "entered", "left"),
        *("differences", "outcome"),
    )
    list_select_related = ("segment",)
    list_filter = (
        ("segment", AutocompleteSelectFilter),
        ("kind", ChoicesCheckboxFilter),
        FailedFilter,
        ("started_at", DaysFilter),
    )
    sortable_by = ("started_at",)

    @display(description=gettext_lazy("outcome"), label={"ok": "success", "failed": "danger"})
    def outcome(self, run: RefreshRun) -> tuple[str, str]:
        return ("failed", _("Failed")) if run.error else ("ok", _("OK"))
