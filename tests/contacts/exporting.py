"""Exports that are done at once: what the pages and the worker do with them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.files.storage import default_storage

from contacts.exports import drafting, running
from contacts.exports.formats import FORMATS
from contacts.exports.models import Export
from contacts.exports.source import as_data
from contacts.exports.types import EXPORT_TYPES
from crm import jobs
from crm.models import Job, User

EVERYBODY = {"whose": ["all"]}


def started(
    kind: str = "contacts",
    *,
    user: User,
    now: datetime,
    columns: Sequence[str] | None = None,
    rows: dict[str, list[str]] | None = None,
    format: str = "csv",
    **options: str,
) -> Export:
    """An export that is waiting for the worker, with the options that its format has at first and those given."""
    export = drafting.begin(EXPORT_TYPES[kind], user=user, now=now)
    form = drafting.rows_form(export, as_data(EVERYBODY if rows is None else rows), user=user)
    assert form.is_valid(), form.errors
    drafting.choose_rows(export, form)
    if columns is not None:
        drafting.choose_columns(export, columns, EXPORT_TYPES[kind].properties())
    fields = FORMATS[format].options().fields
    at_first = {name: [str(field.initial)] for name, field in fields.items()}
    export.format, export.format_options = format, at_first | {name: [value] for name, value in options.items()}
    export.save()
    running.start(export, user=user, now=now)
    return export


def write(export: Export, *, now: datetime) -> Export:
    """Do the job as the worker does; the export as it is then."""
    job = Job.objects.get(pk=export.job_id)
    running.export_job(job, now=now)
    jobs.finish(job, Job.State.DONE, now=now)
    return Export.objects.get(pk=export.pk)


def exported(kind: str = "contacts", *, user: User, now: datetime, **chosen: Any) -> Export:
    """A finished export; see `started`."""
    return write(started(kind, user=user, now=now, **chosen), now=now)


def content(export: Export) -> bytes:
    with default_storage.open(export.file) as file:
        return bytes(file.read())


def lines(export: Export, encoding: str = "utf-8-sig", delimiter: str = ",") -> list[list[str]]:
    """The rows of a CSV file, the head among them."""
    return list(csv.reader(io.StringIO(content(export).decode(encoding), newline=""), delimiter=delimiter))


def files() -> set[str]:
    """The names of all files of exports, whole or not."""
    folder = Path(default_storage.path("exports"))
    return {path.name for path in folder.iterdir()} if folder.exists() else set()
