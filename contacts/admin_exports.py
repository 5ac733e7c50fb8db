"""Exports in the administrators' site: who took which data out, when, and who downloaded it."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from contacts.models import Export, ExportDownload, PropertySet
from crm.model_admin import DaysFilter, RecordAdmin


@admin.register(Export)
class ExportAdmin(RecordAdmin):
    list_display = (
        "title",
        "user",
        "started_at",
        "format",
        "rows",
        "size_in_words",
        "number_of_downloads",
        "removed_at",
    )
    list_select_related = ("user",)
    list_filter = (("user", AutocompleteSelectFilter), ("started_at", DaysFilter))
    search_fields = ("title",)
    search_help_text = gettext_lazy("Search by title")
    sortable_by = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Export]:
        exports: Any = super().get_queryset(request)
        found: QuerySet[Export] = exports.started().annotate(number=Count("downloads"))
        return found

    @display(description=gettext_lazy("size"))
    def size_in_words(self, export: Export) -> str:
        return str(filesizeformat(export.size)) if export.finished_at else ""

    @display(description=gettext_lazy("downloads"))
    def number_of_downloads(self, export: Any) -> int:
        return int(export.number)


@admin.register(ExportDownload)
class ExportDownloadAdmin(RecordAdmin):
    list_display = ("export", "user", "at")
    list_select_related = ("export", "user")
    list_filter = (("user", AutocompleteSelectFilter), ("at", DaysFilter))
    search_fields = ("export__title",)
    search_help_text = gettext_lazy("Search by title")
    sortable_by = ()


@admin.register(PropertySet)
class PropertySetAdmin(RecordAdmin):
    list_display = ("name", "type", "user", "saved_at")
    list_select_related = ("user",)
    search_fields = ("name",)
    sortable_by = ()
