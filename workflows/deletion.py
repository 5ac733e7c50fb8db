"""Deleting workflows: nobody enters any more, and who is inside leaves."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from crm.models import User
from workflows import activation
from workflows.models import Appointment, Run, Workflow


def delete_workflow(workflow: Workflow, *, now: datetime, user: User | None) -> None:
    """Delete a workflow. The runs of those inside end; what happened in it stays on record."""
    with transaction.atomic():
        current = Workflow.objects.live().filter(pk=workflow.pk)
        if not current.update(deleted_at=now, deleted_by=user):
            return
        Run.objects.inside().filter(workflow=workflow).update(
            state=Run.State.EXITED, reason=_("The workflow was deleted")[:200], ended_at=now, due_at=None, awaits=""
        )
        Appointment.objects.filter(version__workflow=workflow).delete()
        activation.listen()
    workflow.refresh_from_db()
