"""Writing an export in the worker: a file appears when it is whole, and goes when its time is over."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import BinaryIO

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.bulk_actions import Grouped
from contacts.exports.columns import Chunk, Column, columns_of
from contacts.exports.formats import FORMATS
from contacts.exports.models import Export
from contacts.exports.snapshot import snapshot
from contacts.exports.source import RowsForm, as_data
from contacts.exports.types import EXPORT_TYPES
from crm import jobs
from crm.models import Job, User

JOB = "contacts.export"
BETWEEN_REPORTS = 1.0  # seconds
DRAFTS_KEPT = timedelta(days=2)
UNFINISHED = ".part-"


class NotExportable(ValueError):
    """What the export needs is gone; the text says what."""


def start(export: Export, *, user: User, now: datetime) -> Job:
    """Have a draft written by the worker."""
    with transaction.atomic():
        job = jobs.start(
            JOB,
            title=_("Export: %(title)s") % {"title": export.title},
            params={"export": export.pk},
            user=user,
            now=now,
        )
        export.job, export.started_at = job, now
        export.save(update_fields=["job", "started_at"])
    return job


def url_of(job: Job) -> str:
    return reverse("contacts:export", args=[job.params["export"]])


def export_job(job: Job, *, now: datetime) -> None:
    """Write the file. After a crash it begins anew, for a moment of its own, and what was half written is gone."""
    export = Export.objects.select_related("user").get(pk=job.params["export"])
    if export.finished_at:
        return
    place = Path(default_storage.path(export.file))
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _remove_unfinished(place)
    unfinished = place.with_name(f"{place.name}{UNFINISHED}{job.claim}")
    try:
        with open(unfinished, "xb", opener=_private) as file:
            rows, note = _write(export, file, job)
            file.flush()
            os.fsync(file.fileno())
        with transaction.atomic():
            jobs.hold(job)
            size = unfinished.stat().st_size
            unfinished.replace(place)
            expires = now + timedelta(days=settings.EXPORT_KEEP_DAYS)
            Export.objects.filter(pk=export.pk).update(
                rows=rows, size=size, note=note, moment=now, finished_at=now, expires_at=expires
            )
    finally:
        unfinished.unlink(missing_ok=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _remove_unfinished(place: Path) -> None:
    for left in place.parent.glob(f"{place.name}{UNFINISHED}*"):
        left.unlink(missing_ok=True)


def _write(export: Export, file: BinaryIO, job: Job) -> tuple[int, str]:
    """Write all rows; returns how many they are, and what is to be known about the file."""
    kind, format = EXPORT_TYPES[export.type], FORMATS[export.format]
    form = rows_form_of(export)
    options = format.options(as_data(export.format_options))
    if not form.is_valid() or not options.is_valid():
        errors = [*form.errors.values(), *options.errors.values()]
        raise NotExportable(
            _("This cannot be exported any more: %s") % " ".join(str(text) for one in errors for text in one)
        )
    columns = columns_of(export.columns, kind.properties(), by_key=kind.by_key or format.by_key)
    if not columns:
        raise NotExportable(_("None of the chosen properties exists any more."))
    told = _Told(job, kind.count(form))
    with snapshot() as taken:
        note = format.write(file, columns, told.chunks(kind.chunks(form, columns, taken)), options.cleaned_data)
    told.tell(last=True)
    return told.rows, note


def rows_form_of(export: Export) -> RowsForm:
    """The form of what was chosen. Raises `NotExportable` when whoever made the export may not do so any more."""
    kind = EXPORT_TYPES[export.type]
    user = export.user
    if user is None or not user.is_active or not user.has_perm("contacts.add_export") or not kind.is_for(user):
        raise NotExportable(_("Who made this export may not do so any more."))
    return kind.rows_form(as_data(export.options), user=user)


class _Told:
    """Counts rows as they pass, and tells how many now and then."""

    def __init__(self, job: Job, total: int) -> None:
        self.rows = 0
        self._job = job
        self._total = total
        self._next = 0.0

    def chunks(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        for chunk in chunks:
            self.tell()
            yield chunk
            self.rows += len(chunk[0])

    def tell(self, *, last: bool = False) -> None:
        if not last and monotonic() < self._next:
            return
        total = self.rows if last else max(self._total, self.rows)
        text = ngettext("%(count)s row written", "%(count)s rows written", self.rows)
        jobs.progress(self._job, self.rows, total, text % {"count": Grouped(self.rows)})
        self._next = monotonic() + BETWEEN_REPORTS


def column_names(export: Export) -> list[str]:
    """The names of the chosen properties that still exist, as the file has them."""
    return [column.name for column in _columns(export)]


def _columns(export: Export) -> Sequence[Column]:
    kind, format = EXPORT_TYPES[export.type], FORMATS[export.format]
    return columns_of(export.columns, kind.properties(), by_key=kind.by_key or format.by_key)


def remove_file(export: Export, *, now: datetime) -> None:
    """Remove the file; the row stays as a record of it."""
    default_storage.delete(export.file)
    Export.objects.filter(pk=export.pk, removed_at=None).update(removed_at=now)


def remove_old(*, now: datetime) -> int:
    """Remove the files whose time is over, drafts that nobody went on with, and what killed workers left.

    Returns how many files of finished exports were removed.
    """
    removed = 0
    for export in Export.objects.filter(expires_at__lte=now, removed_at=None).iterator():
        remove_file(export, now=now)
        removed += 1
    Export.objects.filter(started_at=None, created_at__lt=now - DRAFTS_KEPT).delete()
    _remove_left_over(now=now)
    return removed


def _remove_left_over(*, now: datetime) -> None:
    folder = Path(default_storage.path("exports"))
    for left in folder.glob(f"*{UNFINISHED}*"):
        with suppress(FileNotFoundError):  # it was finished, or another worker removed it
            if left.stat().st_mtime < (now - timedelta(days=1)).timestamp():
                left.unlink()
