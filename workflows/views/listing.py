"""Workflows: search, filter by state and folder, and how many contacts are in each."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from contacts.folding import Fold
from crm.requests import Request
from crm.roles import requires
from workflows.forms import folders
from workflows.models import Workflow
from workflows.numbers import numbers_of

PAGE_SIZE = 25


@require_safe
@requires("workflows.view_workflow")
def workflow_list(request: Request) -> HttpResponse:
    query, state, folder = (request.GET.get(name, "").strip() for name in ("q", "state", "folder"))
    state = state if state in Workflow.State.values else ""
    page = Paginator(_found(query, state, folder), PAGE_SIZE).get_page(request.GET.get("page"))
    workflows = list(page)
    numbers = numbers_of([workflow.pk for workflow in workflows], now=timezone.now())
    context = {
        "nav": "workflows",
        "query": query,
        "state": state,
        "states": [("", _("All")), *Workflow.State.choices],
        "folder": folder,
        "folders": folders(),
        "page": page,
        "rows": [(workflow, numbers[workflow.pk]) for workflow in workflows],
        "is_filtered": bool(query or state or folder),
    }
    return render(request, "workflows/list.html", context)


def _found(query: str, state: str, folder: str) -> QuerySet[Workflow]:
    workflows = Workflow.objects.live().defer("draft")
    if query:
        workflows = workflows.named(query)
    if state:
        workflows = workflows.filter(state=state)
    if folder:
        workflows = workflows.filter(folder=folder)
    return workflows.order_by(Fold("name"), "pk")
