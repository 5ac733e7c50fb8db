"""Importing and exporting small tables in the administrators' site, with django-import-export's screens.

What marketing staff bring in and take out at any size has pages of its own; this is for administrators, in one request,
and therefore bounded in rows. Files are read by the same readers as those pages', so a hostile one is refused alike.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import tablib
from django.conf import settings
from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from import_export.admin import ImportExportMixin
from import_export.formats.base_formats import XLSX, Format
from import_export.tmp_storages import CacheStorage
from unfold.contrib.import_export.forms import ImportForm, SelectableFieldsExportForm

from contacts.imports.sources import UnreadableFile, detect, open_table
from crm.csv_files import BYTE_ORDER_MARK, as_cell
from crm.models import User

ADMINISTRATORS = "contacts.change_contactfield"  # what only administrators may
MINUTES_TO_CONFIRM = 60


class TooManyRows(ValueError):
    """A table has more rows than one request may take."""

    def __init__(self) -> None:
        text = _("There are more than %(number)s rows, which is the most here. Muster's own pages take any number.")
        super().__init__(text % {"number": number_format(settings.ADMIN_FILE_ROWS, force_grouping=True)})


class AnyTable(Format):
    """A file that is to be imported: what it is shows in it."""

    def __init__(self, encoding: str | None = None) -> None:
        """Which ``encoding`` the text has is found out."""

    def get_title(self) -> str:
        return str(gettext_lazy("CSV, XLSX or JSON lines"))

    def can_import(self) -> bool:
        return True

    def create_dataset(self, in_stream: bytes | None) -> tablib.Dataset:
        """The rows as texts. Raises `UnreadableFile` and `TooManyRows`."""
        if in_stream is None:
            raise UnreadableFile(_("The file is gone, because nobody confirmed in time. Upload it again."))
        file = io.BytesIO(in_stream)
        table = open_table(file, replace(detect(file, ""), header=True))
        dataset = tablib.Dataset(headers=[column.strip() for column in table.columns])
        for row in table.rows():
            if row.problem:
                raise UnreadableFile(_("Line %(line)s: %(problem)s") % {"line": row.line, "problem": row.problem})
            if len(dataset) == settings.ADMIN_FILE_ROWS:
                raise TooManyRows
            dataset.append(row.cells)
        return dataset


class CsvFile(Format):
    def get_title(self) -> str:
        return "CSV"

    def get_extension(self) -> str:
        return "csv"

    def get_content_type(self) -> str:
        return "text/csv; charset=utf-8"

    def can_export(self) -> bool:
        return True

    def export_data(self, dataset: tablib.Dataset, **kwargs: Any) -> bytes:
        lines = io.StringIO()
        table = csv.writer(lines)
        table.writerow([as_cell(header) for header in dataset.headers])
        table.writerows([as_cell(value) for value in row] for row in dataset)
        return (BYTE_ORDER_MARK + lines.getvalue()).encode()


class XlsxFile(XLSX):
    def can_import(self) -> bool:
        return False

    def export_data(self, dataset: tablib.Dataset, **kwargs: Any) -> Any:
        rows = [[as_cell(value) for value in row] for row in dataset]
        return super().export_data(tablib.Dataset(*rows, headers=[as_cell(header) for header in dataset.headers]))


class WhileConfirming(CacheStorage):
    """Keeps an uploaded file until its import is confirmed, but not for long."""

    CACHE_LIFETIME = 60 * MINUTES_TO_CONFIRM


class TablesAdmin(ImportExportMixin):
    """Adds *Import* and *Export* to the list of a model."""

    import_form_class = ImportForm
    export_form_class = SelectableFieldsExportForm
    import_formats = [AnyTable]
    export_formats = [CsvFile, XlsxFile]
    tmp_storage_class = WhileConfirming

    def has_import_permission(self, request: HttpRequest) -> bool:
        return self._is_administrator(request, "add", "change")

    def has_export_permission(self, request: HttpRequest) -> bool:
        return self._is_administrator(request, "view")

    def _is_administrator(self, request: HttpRequest, *actions: str) -> bool:
        opts = self.opts
        wanted = [f"{opts.app_label}.{action}_{opts.model_name}" for action in actions]
        return request.user.has_perms([ADMINISTRATORS, *wanted])

    # Importing

    def add_data_read_fail_error_to_form(self, form: Any, e: Exception) -> None:
        form.add_error("import_file", _in_words(e))

    def get_import_data_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_import_data_kwargs(**kwargs), "rollback_on_validation_errors": True}

    def import_action(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        response = super().import_action(request, **kwargs)
        result = response.context_data.get("result")
        if result and len(result.valid_rows()) < len(result.rows) and "confirm_form" in response.context_data:
            text = _("All %(total)s rows can be imported. Shown are the first %(shown)s.")
            total = number_format(result.total_rows, force_grouping=True)
            messages.info(request, text % {"total": total, "shown": len(result.valid_rows())})
        return response

    def process_import(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        try:
            return super().process_import(request, **kwargs)
        except (UnreadableFile, TooManyRows) as error:
            messages.error(request, str(error))
            return self._again()

    def process_result(self, result: Any, request: HttpRequest) -> HttpResponse:
        """Everything was imported, or nothing: something may have changed since it was checked."""
        if not result.has_errors() and not result.has_validation_errors():
            response: HttpResponse = super().process_result(result, request)
            return response
        text = _("Nothing was imported: the table was right when it was checked, and no longer is. Try again.")
        messages.error(request, text)
        return self._again()

    def _again(self) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:{}_{}_import".format(*self.get_model_info())), status=303)

    # Exporting

    def get_export_data(self, file_format: Format, request: HttpRequest, queryset: QuerySet, **kwargs: Any) -> Any:
        rows = list(queryset[: settings.ADMIN_FILE_ROWS + 1])
        if len(rows) > settings.ADMIN_FILE_ROWS:
            raise TooManyRows
        data = super().get_export_data(file_format, request, rows, **kwargs)
        self._log_export(request, len(rows), str(file_format.get_title()))
        return data

    def _log_export(self, request: HttpRequest, number: int, name: str) -> None:
        """Who took which data out, beside what administrators change."""
        opts = self.opts
        text = ngettext("%(number)d row of %(model)s", "%(number)d rows of %(model)s", number)
        LogEntry.objects.create(
            user=cast(User, request.user),
            content_type=ContentType.objects.get_for_model(opts.model),
            object_repr=text % {"number": number, "model": opts.verbose_name_plural},
            action_flag=CHANGE,
            change_message=_("Exported as %(format)s.") % {"format": name},
        )


def _in_words(error: Exception) -> str:
    if isinstance(error, UnreadableFile | TooManyRows):
        return str(error)
    raise error  # the readers refuse what they cannot read: anything else is a fault of theirs


def unknown_columns(headers: Sequence[str], known: Sequence[str]) -> str:
    """What to tell about columns that nothing belongs to; empty when all belong to something."""
    unknown = [header for header in headers if header not in known]
    text = ngettext(
        "There is no field %(names)s. The first line has to name the fields by their keys.",
        "There are no fields %(names)s. The first line has to name the fields by their keys.",
        len(unknown),
    )
    return text % {"names": ", ".join(f"“{name}”" for name in unknown)} if unknown else ""
