"""What workflows add to the pages of contacts: a tab of the profile with the workflows a contact went through."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from contacts.models import Contact
from contacts.profile import PROFILE_TABS, Tab
from crm.paging import Order, page
from crm.requests import Request
from workflows.models import Run

PAGE_SIZE = 25
LATEST_FIRST = Order("started", ("started_at",), descending=True)


def register() -> None:
    """Called once, when the app is ready."""
    PROFILE_TABS.add(WorkflowsTab())


class WorkflowsTab(Tab):
    key = "workflows"
    label = _("Workflows")
    permission = "workflows.view_run"
    template = "workflows/_runs_of_contact.html"

    def context(self, request: Request, contact: Contact) -> dict[str, Any]:
        runs = Run.objects.filter(contact=contact, workflow__deleted_at__isnull=True)
        runs = runs.select_related("workflow", "version").defer("workflow__draft", "version__graph")
        return {"page": page(runs, LATEST_FIRST, size=PAGE_SIZE, query=request.GET)}
