"""The administrators' pages of what is kept about Facebook. The secrets of the connection are on none of them."""

from django.contrib import admin
from unfold.contrib.filters.admin import AutocompleteSelectFilter, BooleanRadioFilter, ChoicesCheckboxFilter

from crm.model_admin import DaysFilter, RecordAdmin
from segments.models import FacebookAudience, FacebookConnection, FacebookExport, FacebookMember


@admin.register(FacebookConnection)
class FacebookConnectionAdmin(RecordAdmin):
    list_display = ("account_name", "account_id", "connected_at", "connected_by")
    list_select_related = ("connected_by",)
    fields = ("account_name", "account_id", "connected_at", "connected_by")


@admin.register(FacebookAudience)
class FacebookAudienceAdmin(RecordAdmin):
    list_display = ("name", "audience_id", "account_id", "segment", "in_step", "created_at", "compared_at")
    list_select_related = ("segment",)
    list_filter = (("segment", AutocompleteSelectFilter), ("in_step", BooleanRadioFilter))
    search_fields = ("name", "audience_id")


@admin.register(FacebookMember)
class FacebookMemberAdmin(RecordAdmin):
    list_display = ("id", "audience", "contact", "sent_at")
    list_select_related = ("audience", "contact")
    list_filter = (("audience", AutocompleteSelectFilter), ("contact", AutocompleteSelectFilter))
    sortable_by = ()


@admin.register(FacebookExport)
class FacebookExportAdmin(RecordAdmin):
    list_display = (
        *("started_at", "kind", "segment_name", "audience_name", "user", "received", "invalid", "removed"),
        *("finished_at", "error"),
    )
    list_select_related = ("user",)
    list_filter = (
        ("segment", AutocompleteSelectFilter),
        ("kind", ChoicesCheckboxFilter),
        ("user", AutocompleteSelectFilter),
        ("started_at", DaysFilter),
    )
    sortable_by = ()
