"""The administrators' pages of what workflows leave behind: runs, steps, deliveries, and incidents to decide about."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.contrib.filters.admin import (
    AutocompleteSelectFilter,
    BooleanRadioFilter,
    ChoicesCheckboxFilter,
    DropdownFilter,
    TextFilter,
)
from unfold.decorators import display

from contacts.models import Contact
from crm.model_admin import DaysFilter, RecordAdmin
from crm.requests import Request
from workflows.incidents import decide
from workflows.models import Delivery, Incident, Run, Step, Workflow

RUN_LABELS = {
    Run.State.WAITING: "info",
    Run.State.FINISHED: "success",
    Run.State.GOAL: "success",
    Run.State.EXITED: "warning",
    Run.State.FAILED: "danger",
}
DELIVERY_LABELS = {
    Delivery.State.QUEUED: "info",
    Delivery.State.SENDING: "warning",
    Delivery.State.SENT: "success",
    Delivery.State.FAILED: "danger",
}


@admin.register(Run)
class RunAdmin(RecordAdmin):
    """Runs, the newest first; those of one contact by when they began, as the indexes go."""

    list_display = ("id", "workflow", "contact", "state_label", "node", "started_at", "due_at", "ended_at", "reason")
    list_select_related = ("workflow", "contact")
    list_filter = (
        ("workflow", AutocompleteSelectFilter),
        ("contact", AutocompleteSelectFilter),
        ("state", ChoicesCheckboxFilter),
        ("is_test", BooleanRadioFilter),
    )
    sortable_by = ()
    fields = (
        *("workflow", "version", "contact", "state", "node", "reason", "path", "steps"),
        *("started_at", "arrived_at", "due_at", "ended_at", "key", "is_test", "awaits", "event_id", "values"),
        *("visit", "hops", "attempts", "woken"),
    )
    readonly_fields = ("path", "steps")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:
        return super().get_queryset(request).defer("workflow__draft")

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return ("-started_at", "-id") if request.GET.get("contact__id__exact") else ("-id",)

    def view_on_site(self, run: Run) -> str | None:
        return None if run.workflow.deleted_at else reverse("workflows:path", args=[run.workflow_id, run.pk])

    @display(description=gettext_lazy("state"), label=RUN_LABELS)
    def state_label(self, run: Run) -> tuple[str, str]:
        return run.state, run.get_state_display()

    @display(description=gettext_lazy("path"))
    def path(self, run: Run) -> SafeString | str:
        url = self.view_on_site(run)
        return format_html('<a class="text-link" href="{}">{}</a>', url, _("Path in words")) if url else ""

    @display(description=gettext_lazy("steps"))
    def steps(self, run: Run) -> SafeString:
        url = reverse("admin:workflows_step_changelist", query={RunFilter.parameter_name: run.pk})
        return format_html('<a class="text-link" href="{}">{}</a>', url, _("Steps of this run"))


class RunFilter(TextFilter):
    title = gettext_lazy("number of the run")
    parameter_name = "run"

    def queryset(self, request: HttpRequest, records: QuerySet[Any]) -> QuerySet[Any]:
        asked = (self.value() or "").strip()
        if not asked:
            return records
        is_number = asked.isascii() and asked.isdecimal() and len(asked) < 19
        return records.filter(run=asked) if is_number else records.none()


class OfRunAdmin(RecordAdmin):
    """Records of a run, with the workflow and the contact that it is of."""

    list_select_related: tuple[str, ...] = ("run__workflow", "run__contact")
    sortable_by = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("run__values", "run__workflow__draft")

    @display(description=gettext_lazy("workflow"))
    def workflow(self, record: Step | Delivery | Incident) -> Workflow:
        return record.run.workflow

    @display(description=gettext_lazy("contact"))
    def contact(self, record: Step | Delivery | Incident) -> Contact:
        return record.run.contact


@admin.register(Step)
class StepAdmin(OfRunAdmin):
    """Visits of nodes that are over, the newest first; those of one run in their order."""

    list_display = ("left_at", "workflow", "contact", "visit", "node", "port", "acted", "detail", "arrived_at")
    list_filter = (RunFilter, ("run__contact", AutocompleteSelectFilter))

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return ("run", "visit") if request.GET.get(RunFilter.parameter_name) else ("-id",)


@admin.register(Delivery)
class DeliveryAdmin(OfRunAdmin):
    """Webhooks and notes to staff, the newest first."""

    list_display = (
        *("created_at", "kind", "workflow", "node", "contact", "state_label", "attempts", "due_at", "sent_at"),
        "error",
    )
    list_filter = (RunFilter, ("state", ChoicesCheckboxFilter), ("created_at", DaysFilter))
    search_fields = ("key__exact",)
    search_help_text = gettext_lazy("Search by idempotency key")

    @display(description=gettext_lazy("state"), label=DELIVERY_LABELS)
    def state_label(self, delivery: Delivery) -> tuple[str, str]:
        return delivery.state, delivery.get_state_display()


class DecidedFilter(DropdownFilter):
    title = gettext_lazy("decision")
    parameter_name = "decided"
    FOUND = {"no": Q(closed_at__isnull=True), "yes": Q(closed_at__isnull=False)}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("no", gettext_lazy("To be decided")), ("yes", gettext_lazy("Decided"))]

    def queryset(self, request: HttpRequest, incidents: QuerySet[Incident]) -> QuerySet[Incident]:
        return incidents.filter(self.FOUND[self.value()]) if self.value() in self.FOUND else incidents


@admin.register(Incident)
class IncidentAdmin(OfRunAdmin):
    """What went wrong for good. It is decided about here as on the page of the live view."""

    list_display = ("at", "workflow", "node", "contact", "text", "subject", "closed_at", "closed_by")
    list_select_related = ("run__workflow", "run__contact", "closed_by")
    list_filter = (
        DecidedFilter,
        ("run__workflow", AutocompleteSelectFilter),
        RunFilter,
        ("at", DaysFilter),
    )
    actions = ("try_again", "leave")

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("workflows.change_incident")

    @admin.action(description=gettext_lazy("Try again"), permissions=["decide"])
    def try_again(self, request: Request, incidents: QuerySet[Incident]) -> None:
        done = decide(incidents, again=True, user=request.user, now=timezone.now())
        text = ngettext("%(number)d incident is tried again.", "%(number)d incidents are tried again.", done)
        self._say(request, text, done)

    @admin.action(description=gettext_lazy("Leave it"), permissions=["decide"])
    def leave(self, request: Request, incidents: QuerySet[Incident]) -> None:
        done = decide(incidents, again=False, user=request.user, now=timezone.now())
        text = ngettext("%(number)d incident was closed.", "%(number)d incidents were closed.", done)
        self._say(request, text, done)

    def _say(self, request: Request, text: str, done: int) -> None:
        if done:
            self.message_user(request, text % {"number": done}, messages.SUCCESS)
        else:
            self.message_user(request, _("Nothing was left to decide."), messages.INFO)
