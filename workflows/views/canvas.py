"""The canvas: the page on which a workflow is drawn, and the saving of its draft."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm.requests import Request
from crm.roles import requires
from workflows.cards import UNKNOWN_ICON, board_of, kinds, palette
from workflows.drafting import ChangedMeanwhile, create, differs_from_version, free_name, save_draft
from workflows.graph import Graph, MalformedGraph, parse
from workflows.graph_edits import in_order
from workflows.models import Workflow
from workflows.nodes.base import NodeContext
from workflows.views.words import words_of_canvas

NODE = "NODE"


@require_safe
@requires("workflows.view_workflow")
def canvas(request: Request, pk: int) -> HttpResponse:
    """The canvas; without JavaScript, the list of the steps."""
    workflow = get_object_or_404(Workflow.objects.live().select_related("version"), pk=pk)
    graph = parse(workflow.draft)
    board = board_of(graph, NodeContext(graph, workflow_id=pk))
    may_edit = request.user.has_perm("workflows.change_workflow")
    known = kinds()
    data = {
        "number": workflow.draft_number,
        "graph": workflow.draft,
        **board,
        "kinds": {kind.key: kind.as_json() for kind in known},
        "mayEdit": may_edit,
        "addresses": {
            "draft": reverse("workflows:draft", args=[pk]),
            "node": reverse("workflows:node", args=[pk, NODE]),
            "keep": reverse("workflows:keep", args=[pk]),
        },
        "words": words_of_canvas(),
    }
    icons = sorted({kind.icon for kind in known} | {UNKNOWN_ICON})
    context = _page(workflow, graph, board) | {"data": data, "palette": palette(), "icons": icons, "may_edit": may_edit}
    return render(request, "workflows/canvas.html", context)


@require_safe
@requires("workflows.view_workflow")
def steps(request: Request, pk: int) -> HttpResponse:
    """The nodes as a list, each with a link to its settings."""
    workflow = get_object_or_404(Workflow.objects.live().select_related("version"), pk=pk)
    graph = parse(workflow.draft)
    board = board_of(graph, NodeContext(graph, workflow_id=pk))
    context = _page(workflow, graph, board) | {"may_edit": request.user.has_perm("workflows.change_workflow")}
    return render(request, "workflows/steps.html", context)


def _page(workflow: Workflow, graph: Graph, board: dict[str, Any]) -> dict[str, Any]:
    cards = board["cards"]
    return {
        "nav": "workflows",
        "workflow": workflow,
        "has_changed": differs_from_version(workflow),
        "faults": board["faults"],
        "rows": [
            {
                "node": node,
                "card": cards[node.id],
                "ways": [
                    (way, [(end, cards[end]) for end in graph.all_after(node.id, way["key"])])
                    for way in cards[node.id]["ports"]
                ],
            }
            for node in in_order(graph)
        ],
    }


@require_http_methods(["PUT"])
@requires("workflows.change_workflow")
def draft(request: Request, pk: int) -> HttpResponse:
    """Save the draft as the canvas has it; answers with its number, its cards and its faults."""
    workflow = get_object_or_404(Workflow.objects.live(), pk=pk)
    try:
        number, graph = _received(request)
        number = save_draft(workflow, graph, number=number, now=timezone.now(), user=request.user)
    except MalformedGraph as error:
        return JsonResponse({"message": str(error)}, status=400)
    except ChangedMeanwhile as meanwhile:
        return JsonResponse({"message": who_saved(meanwhile.saved)}, status=409)
    return JsonResponse({"number": number, **board_of(graph, NodeContext(graph, workflow_id=pk))})


@require_POST
@requires("workflows.add_workflow")
def keep(request: Request, pk: int) -> HttpResponse:
    """Keep a draft that cannot be saved any more as a workflow of its own; answers with its address."""
    workflow = get_object_or_404(Workflow.objects.live().select_related("test_segment"), pk=pk)
    try:
        _number, graph = _received(request)
        kept = create(
            name=free_name(_("%(workflow)s (my version)") % {"workflow": workflow.name}),
            description=workflow.description,
            folder=workflow.folder,
            test_segment=workflow.test_segment,
            draft=graph.as_json(),
            now=timezone.now(),
            user=request.user,
        )
    except MalformedGraph as error:
        return JsonResponse({"message": str(error)}, status=400)
    return JsonResponse({"address": reverse("workflows:canvas", args=[kept.pk])}, status=201)


def _received(request: Request) -> tuple[int, Graph]:
    try:
        sent = json.loads(request.body)
    except (ValueError, RecursionError):
        sent = None
    if not isinstance(sent, dict) or type(sent.get("number")) is not int:
        raise MalformedGraph(_("A draft is sent with its number and its graph."))
    return sent["number"], parse(sent.get("graph"))


def who_saved(workflow: Workflow) -> str:
    """Who saved the draft last, and when, in words."""
    when = formats.date_format(timezone.localtime(workflow.updated_at), "DATETIME_FORMAT")
    user = workflow.updated_by
    if user is None:
        return _("Somebody else saved this workflow meanwhile (%(when)s).") % {"when": when}
    who = user.get_full_name() or user.get_username()
    return _("%(who)s saved this workflow meanwhile (%(when)s).") % {"who": who, "when": when}
