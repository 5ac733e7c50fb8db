"""Activating, pausing, resuming and finishing a workflow."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from crm.requests import Request
from crm.roles import requires
from workflows import activation
from workflows.activation import CannotActivate, WrongState
from workflows.cards import board_of
from workflows.drafting import differs_from_version
from workflows.forms import LifeForm
from workflows.graph import parse
from workflows.models import Run, Workflow
from workflows.nodes.base import NodeContext

STAY, MOVE = "stay", "move"
GO_ON, END = "go_on", "end"


@require_http_methods(["GET", "HEAD", "POST"])
@requires("workflows.change_workflow")
def activate(request: Request, pk: int) -> HttpResponse:
    """What activating the draft does: asked and done, or what must be put right first."""
    workflow = get_object_or_404(Workflow.objects.live().select_related("version"), pk=pk)
    graph = parse(workflow.draft)
    board = board_of(graph, NodeContext(graph, workflow_id=pk))
    inside = _inside(workflow) if workflow.version_id else 0
    form = _form_of(request, _("The contacts inside"), _moving()) if inside else None
    status = 200
    if request.method == "POST":
        status = 422
        if form is None or form.is_valid():
            move = form is not None and form.cleaned_data["answer"] == MOVE
            try:
                version = activation.activate(workflow, now=timezone.now(), user=request.user, move=move)
            except CannotActivate:
                pass  # What is wrong is on the page.
            else:
                text = _("“%(workflow)s” is active: version %(number)s.")
                messages.success(request, text % {"workflow": workflow.name, "number": version.number})
                return _to_canvas(workflow)
    context = {
        "nav": "workflows",
        "workflow": workflow,
        "faults": board["faults"],
        "cards": board["cards"],
        "inside": inside,
        "form": form,
        "has_changed": differs_from_version(workflow),
    }
    return render(request, "workflows/activate.html", context, status=status)


def _moving() -> list[tuple[str, str]]:
    return [
        (STAY, _("Go on in their version, as it was when they came to it")),
        (MOVE, _("Are moved to the new version, where their step still exists")),
    ]


@require_POST
@requires("workflows.change_workflow")
def pause(request: Request, pk: int) -> HttpResponse:
    text = _("“%(workflow)s” is paused: everybody inside stays where they are.")
    return _changed(request, pk, activation.pause, text)


@require_POST
@requires("workflows.change_workflow")
def resume(request: Request, pk: int) -> HttpResponse:
    return _changed(request, pk, activation.resume, _("“%(workflow)s” goes on."))


def _changed(request: Request, pk: int, change: Any, text: str) -> HttpResponse:
    workflow = get_object_or_404(Workflow.objects.live(), pk=pk)
    try:
        change(workflow, now=timezone.now(), user=request.user)
        messages.success(request, text % {"workflow": workflow.name})
    except WrongState as error:
        messages.error(request, str(error))
    return _to_canvas(workflow)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("workflows.change_workflow")
def finish(request: Request, pk: int) -> HttpResponse:
    """Ask what becomes of the contacts inside, and finish."""
    workflow = get_object_or_404(Workflow.objects.live().select_related("version"), pk=pk)
    inside = _inside(workflow)
    answers = [(GO_ON, _("Go on to the end of their way")), (END, _("Leave the workflow now"))]
    form = _form_of(request, _("The contacts inside"), answers) if inside else None
    if request.method == "POST" and (form is None or form.is_valid()):
        end_runs = form is not None and form.cleaned_data["answer"] == END
        try:
            activation.finish(workflow, now=timezone.now(), user=request.user, end_runs=end_runs)
            messages.success(request, _("“%(workflow)s” is finished.") % {"workflow": workflow.name})
        except WrongState as error:
            messages.error(request, str(error))
        return _to_canvas(workflow)
    context = {"nav": "workflows", "workflow": workflow, "inside": inside, "form": form}
    return render(request, "workflows/finish.html", context, status=422 if request.method == "POST" else 200)


def _inside(workflow: Workflow) -> int:
    return Run.objects.inside().real().filter(workflow=workflow).count()


def _form_of(request: Request, label: str, answers: list[tuple[str, str]]) -> LifeForm:
    return LifeForm(request.POST if request.method == "POST" else None, label=label, answers=answers)


def _to_canvas(workflow: Workflow) -> HttpResponse:
    return HttpResponseRedirect(reverse("workflows:canvas", args=[workflow.pk]), status=303)
