"""Removing the files of imports and the rows that they refused, when they are no longer needed."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import QuerySet

from contacts.imports import refused
from contacts.imports.models import Import

DRAFTS = (Import.State.DRAFT, Import.State.CHECKED)


def remove_old(*, now: datetime) -> int:
    """Remove the uploaded files and refused rows of imports of `IMPORT_FILES_DAYS` ago; returns how many imports.

    Drafts of that age go as a whole; of the others it stays known what they were and who came with them.
    """
    limit = now - timedelta(days=settings.IMPORT_FILES_DAYS)
    old = Import.objects.exclude(pk__in=Import.objects.under_way()).filter(created_at__lt=limit)
    drafts = list(old.filter(state__in=DRAFTS))
    over = list(_with_remains(old.exclude(state__in=DRAFTS).filter(started_at__lt=limit)))
    for import_run in [*drafts, *over]:
        refused.forget(import_run)
        if import_run.file:
            import_run.file.delete(save=False)
    Import.objects.filter(pk__in=[one.pk for one in over]).update(file="")
    Import.objects.filter(pk__in=[one.pk for one in drafts], state__in=DRAFTS).delete()
    return len(drafts) + len(over)


def _with_remains(imports: QuerySet[Import]) -> QuerySet[Import]:
    return imports.exclude(file="", refused_rows__isnull=True).distinct()
