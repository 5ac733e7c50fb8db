"""Imports in the administrators' site: what came in when, which rows were refused, and how columns are mapped."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesCheckboxFilter

from contacts.models import Import, RefusedRow, SavedMapping
from crm.model_admin import DaysFilter, RecordAdmin


@admin.register(Import)
class ImportAdmin(RecordAdmin):
    list_display = ("name", "kind", "state", "user", "rows", "created", "updated", "refused", "created_at")
    list_select_related = ("user",)
    list_filter = (
        ("kind", ChoicesCheckboxFilter),
        ("state", ChoicesCheckboxFilter),
        ("user", AutocompleteSelectFilter),
        ("created_at", DaysFilter),
    )
    search_fields = ("name",)
    search_help_text = gettext_lazy("Search by name")
    sortable_by = ()


@admin.register(RefusedRow)
class RefusedRowAdmin(RecordAdmin):
    list_display = ("import_run", "line", "column", "reason")
    list_select_related = ("import_run",)
    list_filter = (("import_run", AutocompleteSelectFilter),)
    ordering = ("-id",)
    sortable_by = ()


@admin.register(SavedMapping)
class SavedMappingAdmin(RecordAdmin):
    list_display = ("kind", "fingerprint", "user", "used_at")
    list_select_related = ("user",)
    list_filter = (("kind", ChoicesCheckboxFilter), ("used_at", DaysFilter))
    sortable_by = ()
