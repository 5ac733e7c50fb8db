"""A new workflow, and the name, description, folder and test segment of one."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from crm.requests import Request
from crm.roles import requires
from workflows.drafting import create, describe
from workflows.forms import WorkflowForm, folders
from workflows.models import Workflow


@require_http_methods(["GET", "HEAD", "POST"])
@requires("workflows.add_workflow")
def new(request: Request) -> HttpResponse:
    """Name a new workflow, then draw it."""
    return _form_page(request, Workflow(folder=request.GET.get("folder", "")[:100]))


@require_http_methods(["GET", "HEAD", "POST"])
@requires("workflows.change_workflow")
def edit(request: Request, pk: int) -> HttpResponse:
    return _form_page(request, get_object_or_404(Workflow.objects.live(), pk=pk))


def _form_page(request: Request, workflow: Workflow) -> HttpResponse:
    form = WorkflowForm(request.POST if request.method == "POST" else None, workflow=workflow)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                saved = _save(request, workflow, form.cleaned_data)
        except IntegrityError:
            form = WorkflowForm(request.POST, workflow=workflow)
            if form.is_valid():
                raise
        else:
            return HttpResponseRedirect(reverse("workflows:canvas", args=[saved.pk]), status=303)
    context = {"nav": "workflows", "workflow": workflow, "form": form, "folders": folders()}
    return render(request, "workflows/details.html", context, status=422 if form.is_bound else 200)


def _save(request: Request, workflow: Workflow, values: dict[str, Any]) -> Workflow:
    if workflow._state.adding:
        return create(**values, now=timezone.now(), user=request.user)
    describe(workflow, **values, now=timezone.now(), user=request.user)
    messages.success(request, _("“%(workflow)s” was saved.") % {"workflow": workflow.name})
    return workflow
