"""The administrators' pages of emails: to be searched and read."""

from django.contrib import admin
from unfold.contrib.filters.admin import AutocompleteSelectFilter, BooleanRadioFilter, ChoicesCheckboxFilter

from campaigns.models import Content, Message
from crm.model_admin import DaysFilter, RecordAdmin


@admin.register(Content)
class ContentAdmin(RecordAdmin):
    list_display = ("name", "subject", "kind", "source", "workflow", "created_at")
    list_filter = (("kind", ChoicesCheckboxFilter), ("created_at", DaysFilter))
    search_fields = ("name", "subject", "source")
    sortable_by = ("created_at",)


@admin.register(Message)
class MessageAdmin(RecordAdmin):
    list_display = (
        *("created_at", "to", "content", "state", "reason", "attempts"),
        *("sent_at", "opened_at", "clicked_at", "bounced_at"),
    )
    list_select_related = ("content",)
    list_filter = (
        ("state", ChoicesCheckboxFilter),
        ("content", AutocompleteSelectFilter),
        ("contact", AutocompleteSelectFilter),
        ("is_test", BooleanRadioFilter),
        ("created_at", DaysFilter),
    )
    search_fields = ("to__exact", "key__exact")
    sortable_by = ()
