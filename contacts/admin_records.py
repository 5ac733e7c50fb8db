"""What administrators only read of contacts: events, their removals, devices, the change log, and arrivals."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import AutocompleteSelectFilter, TextFilter
from unfold.decorators import display

from contacts.models import Arrival, Change, Event, EventRemoval, Visitor, Watched
from crm.model_admin import DaysFilter, RecordAdmin


class TypeFilter(TextFilter):
    title = gettext_lazy("type, such as purchase")
    parameter_name = "type"

    def queryset(self, request: HttpRequest, events: QuerySet[Event]) -> QuerySet[Event]:
        return events.filter(type=self.value().strip()) if self.value() else events


@admin.register(Event)
class EventAdmin(RecordAdmin):
    """Events, newest last written first; those of one type or one contact by when they happened, as the indexes go."""

    list_display = ("type", "contact", "occurred_at", "received_at", "value", "key")
    list_select_related = ("contact",)
    list_filter = (TypeFilter, ("contact", AutocompleteSelectFilter), ("occurred_at", DaysFilter))
    search_fields = ("key__exact",)
    search_help_text = gettext_lazy("Search by idempotency key")
    sortable_by = ()

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        narrowed = {"type", "contact__id__exact"} & {name for name, value in request.GET.items() if value}
        return ("-occurred_at", "-id") if narrowed else ("-id",)


@admin.register(EventRemoval)
class EventRemovalAdmin(RecordAdmin):
    """When old events were removed, and how many."""

    list_display = ("begun_at", "before", "removed")
    sortable_by = ()


@admin.register(Visitor)
class VisitorAdmin(RecordAdmin):
    """The further devices of contacts."""

    list_display = ("key", "contact", "since")
    list_select_related = ("contact",)
    search_fields = ("key__exact",)
    search_help_text = gettext_lazy("Search by visitor key")
    sortable_by = ()


class OfContactAdmin(RecordAdmin):
    """Rows that name a contact by its id alone, because it may be gone."""

    @display(description=gettext_lazy("contact"))
    def contact_link(self, row: Change | Arrival) -> SafeString:
        url = reverse("admin:contacts_contact_change", args=[row.contact_id])
        return format_html('<a class="text-link" href="{}">{}</a>', url, row.contact_id)


@admin.register(Change)
class ChangeAdmin(OfContactAdmin):
    """The change log: what the segments have not taken account of yet. Mostly it is empty."""

    list_display = ("id", "key", "contact_link")
    search_fields = ("key__startswith",)
    search_help_text = gettext_lazy("Search by the beginning of the key")
    sortable_by = ()


@admin.register(Arrival)
class ArrivalAdmin(OfContactAdmin):
    """What happened to contacts and workflows have not taken in yet. Mostly it is empty."""

    list_display = ("id", "key", "contact_link", "event_id")
    search_fields = ("key__startswith",)
    search_help_text = gettext_lazy("Search by the beginning of the key")
    sortable_by = ()


@admin.register(Watched)
class WatchedAdmin(RecordAdmin):
    """What workflows listen to."""

    list_display = ("key",)
    sortable_by = ()
