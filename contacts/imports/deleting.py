"""Deleting drafts: imports that nothing has been written of."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from contacts.imports.drafting import UnderWay
from contacts.imports.models import Import, RefusedRow


def delete_draft(import_run: Import) -> None:
    """Delete a draft with its file and what its check found. Raises `UnderWay` when it has begun meanwhile."""
    file = import_run.file
    with transaction.atomic():
        RefusedRow.objects.filter(import_run=import_run).delete()
        drafts = Import.objects.filter(pk=import_run.pk, state__in=[Import.State.DRAFT, Import.State.CHECKED])
        _number, deleted = drafts.delete()
        if not deleted:
            raise UnderWay(_("This import has begun and can no longer be deleted."))
        if file:
            transaction.on_commit(lambda: file.delete(save=False))
