"""Deleting a workflow, and making a copy of one."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from crm.requests import Request
from crm.roles import requires
from workflows.deletion import delete_workflow
from workflows.drafting import create, free_name
from workflows.models import Run, Workflow


@require_http_methods(["GET", "HEAD", "POST"])
@requires("workflows.delete_workflow")
def delete(request: Request, pk: int) -> HttpResponse:
    """Ask, with how many contacts are inside, and delete."""
    workflow = get_object_or_404(Workflow.objects.live(), pk=pk)
    if request.method == "POST":
        delete_workflow(workflow, now=timezone.now(), user=request.user)
        messages.success(request, _("“%(workflow)s” was deleted.") % {"workflow": workflow.name})
        return HttpResponseRedirect(reverse("workflows:list"), status=303)
    inside = Run.objects.inside().real().filter(workflow=workflow).count()
    return render(request, "workflows/delete.html", {"nav": "workflows", "workflow": workflow, "inside": inside})


@require_POST
@requires("workflows.add_workflow")
def duplicate(request: Request, pk: int) -> HttpResponse:
    """Make a copy of the draft as a new workflow."""
    workflow = get_object_or_404(Workflow.objects.live().select_related("test_segment"), pk=pk)
    copy = create(
        name=free_name(_("%(workflow)s (copy)") % {"workflow": workflow.name}),
        description=workflow.description,
        folder=workflow.folder,
        test_segment=workflow.test_segment,
        draft=workflow.draft,
        now=timezone.now(),
        user=request.user,
    )
    messages.success(request, _("This is the copy of “%(workflow)s”.") % {"workflow": workflow.name})
    return HttpResponseRedirect(reverse("workflows:canvas", args=[copy.pk]), status=303)
