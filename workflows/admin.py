"""The administrators' pages of workflows, of their versions and of what they show on the shop's site: to be read.

Workflows are made and changed on their own pages alone, which check them. `Count` has a primary key of several columns,
which Django's admin cannot show: the live view has its figures.
"""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import (
    AutocompleteSelectFilter,
    BooleanRadioFilter,
    ChoicesCheckboxFilter,
    DropdownFilter,
)
from unfold.decorators import display

from crm.model_admin import DaysFilter, RecordAdmin
from workflows import admin_records  # noqa: F401  # registers itself
from workflows.exchange import without_what_stays_here
from workflows.graph import parse
from workflows.models import Appointment, Cursor, Version, WebContent, WebDesign, Workflow

STATE_LABELS = {
    Workflow.State.ACTIVE: "success",
    Workflow.State.PAUSED: "warning",
    Workflow.State.FINISHED: "info",
}


def graph_in_lines(graph: Any) -> SafeString:
    """A stored graph to be read, without what is nobody's business, such as secrets."""
    stored = without_what_stays_here(parse(graph)).as_json()
    text = json.dumps(stored, indent=2, ensure_ascii=False)
    return format_html('<pre class="whitespace-pre-wrap break-words text-xs">{}</pre>', text)


class DeletedFilter(DropdownFilter):
    """Deleted workflows are kept, because of what happened in them."""

    title = gettext_lazy("use")
    parameter_name = "deleted"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("no", gettext_lazy("In use")), ("yes", gettext_lazy("Deleted"))]

    def queryset(self, request: HttpRequest, workflows: QuerySet[Workflow]) -> QuerySet[Workflow]:
        if self.value() not in ("no", "yes"):
            return workflows
        return workflows.filter(deleted_at__isnull=self.value() == "no")


@admin.register(Workflow)
class WorkflowAdmin(RecordAdmin):
    list_display = ("name", "state_label", "canvas", "folder", "updated_at", "updated_by", "deleted_at")
    list_select_related = ("updated_by",)
    list_filter = (
        ("state", ChoicesCheckboxFilter),
        DeletedFilter,
        ("updated_by", AutocompleteSelectFilter),
        ("updated_at", DaysFilter),
    )
    search_fields = ("name", "description", "folder")
    sortable_by = ("name", "updated_at")
    fields = (
        *("name", "description", "folder", "state", "canvas", "version", "test_segment"),
        *("created_at", "created_by", "updated_at", "updated_by", "deleted_at", "deleted_by"),
        *("draft_number", "draft_in_lines"),
    )
    readonly_fields = ("canvas", "draft_in_lines")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Workflow]:
        return super().get_queryset(request).defer("draft")

    def view_on_site(self, workflow: Workflow) -> str | None:
        return None if workflow.deleted_at else reverse("workflows:canvas", args=[workflow.pk])

    @display(description=gettext_lazy("state"), label=STATE_LABELS)
    def state_label(self, workflow: Workflow) -> Any:
        return _("Deleted") if workflow.deleted_at else (workflow.state, workflow.get_state_display())

    @display(description=gettext_lazy("canvas"))
    def canvas(self, workflow: Workflow) -> SafeString | str:
        url = self.view_on_site(workflow)
        return format_html('<a class="text-link" href="{}">{}</a>', url, _("Canvas")) if url else ""

    @display(description=gettext_lazy("draft"))
    def draft_in_lines(self, workflow: Workflow) -> SafeString:
        return graph_in_lines(workflow.draft)


@admin.register(Version)
class VersionAdmin(RecordAdmin):
    list_display = ("number", "workflow", "is_test", "saved_at", "saved_by")
    list_select_related = ("workflow", "saved_by")
    list_filter = (
        ("workflow", AutocompleteSelectFilter),
        ("is_test", BooleanRadioFilter),
        ("saved_by", AutocompleteSelectFilter),
        ("saved_at", DaysFilter),
    )
    search_fields = ("workflow__name",)
    search_help_text = gettext_lazy("Search by the name of the workflow")
    sortable_by = ()
    fields = ("workflow", "number", "is_test", "saved_at", "saved_by", "graph_in_lines")
    readonly_fields = ("graph_in_lines",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Version]:
        return super().get_queryset(request).defer("graph", "workflow__draft")

    @display(description=gettext_lazy("graph"))
    def graph_in_lines(self, version: Version) -> SafeString:
        return graph_in_lines(version.graph)


@admin.register(Appointment)
class AppointmentAdmin(RecordAdmin):
    """When workflows let contacts in by the clock next."""

    list_display = ("due_at", "version", "node")
    list_select_related = ("version",)
    ordering = ("due_at",)
    sortable_by = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Appointment]:
        return super().get_queryset(request).defer("version__graph")


@admin.register(Cursor)
class CursorAdmin(RecordAdmin):
    """How far workflows have read the ledger of segments."""

    list_display = ("consumer", "position")
    sortable_by = ()


@admin.register(WebDesign)
class WebDesignAdmin(RecordAdmin):
    list_display = ("name", "kind", "title", "slot", "source", "created_at")
    list_filter = (("kind", ChoicesCheckboxFilter), ("created_at", DaysFilter))
    search_fields = ("name", "title", "source")
    sortable_by = ("created_at",)


@admin.register(WebContent)
class WebContentAdmin(RecordAdmin):
    """What was sent to visitors of the shop's site, the newest first."""

    list_display = ("created_at", "contact", "design", "shown_at", "clicked_at", "closed_at", "expires_at")
    list_select_related = ("contact", "design")
    list_filter = (("contact", AutocompleteSelectFilter), ("design", AutocompleteSelectFilter))
    search_fields = ("key__exact",)
    search_help_text = gettext_lazy("Search by key")
    sortable_by = ()
