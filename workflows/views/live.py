"""The live view of a workflow: its figures, the contacts behind them, the paths of contacts, and incidents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from crm.paging import Order, page
from crm.requests import Request
from crm.roles import requires
from workflows.cards import Card, cards_of, name_of
from workflows.graph import parse
from workflows.incidents import decide, open_incidents
from workflows.live import PASSED, SHOWN, picture_with, rows_of, runs_at, steps_at
from workflows.models import Incident, Run, Version, Workflow
from workflows.nodes.base import NodeContext
from workflows.paths import path_of

MOST_VERSIONS = 50
AT_ONCE = 1_000  # incidents decided about together
PAGE_SIZE = 25
LATEST_FIRST = Order("latest", ("arrived_at",), descending=True)
NEWEST_INCIDENTS = Order("newest", ("at",), descending=True)
OF_LIVE = ("version", "after", "before")


@require_safe
@requires("workflows.view_workflow", "workflows.view_run")
def live(request: Request, pk: int) -> HttpResponse:
    """The figures of a version, which ask for themselves again."""
    workflow = get_object_or_404(Workflow.objects.live().select_related("version").defer("draft"), pk=pk)
    version = _version(request, workflow)
    versions = list(Version.objects.filter(workflow=workflow).defer("graph").order_by("-pk")[:MOST_VERSIONS])
    context: dict[str, Any] = {"nav": "workflows", "workflow": workflow, "version": version, "versions": versions}
    if version:
        graph = parse(version.graph)
        cards = cards_of(graph, NodeContext(graph, workflow_id=pk), [])
        rows = rows_of(version, graph, cards)
        context |= {"rows": rows, "live": picture_with(rows, graph, cards)}
        if request.user.has_perm("workflows.view_incident"):
            incidents = open_incidents(pk).select_related("run__contact")
            shown: Any = page(incidents, NEWEST_INCIDENTS, size=PAGE_SIZE, query=request.GET, few=True)
            context |= {"incident_page": shown, "incidents": [(one, _step_of(one, cards)) for one in shown.rows]}
    return render(request, "workflows/_live.html" if request.htmx else "workflows/live.html", context)


def _step_of(incident: Incident, cards: Mapping[str, Card]) -> str:
    """The name of the step where it happened, if the version has it."""
    return cards[incident.node].label if incident.node in cards else ""


def _version(request: Request, workflow: Workflow) -> Version | None:
    """The version in the address, or the one in force, or the newest."""
    asked = request.GET.get("version", "")
    versions = Version.objects.filter(workflow=workflow)
    if asked:
        if not (asked.isascii() and asked.isdecimal() and len(asked) < 10):
            raise Http404
        return get_object_or_404(versions, number=asked)
    return workflow.version or versions.order_by("-pk").first()


@require_safe
@requires("workflows.view_workflow", "workflows.view_run", "contacts.view_contact")
def contacts_at(request: Request, pk: int, node_id: str) -> HttpResponse:
    """The contacts behind a figure of a node."""
    workflow = get_object_or_404(Workflow.objects.live().select_related("version").defer("draft"), pk=pk)
    version, what = _version(request, workflow), request.GET.get("show", PASSED)
    if version is None or what not in SHOWN:
        raise Http404
    graph = parse(version.graph)
    if node_id not in graph.nodes:
        raise Http404
    node, port = graph.nodes[node_id], request.GET.get("port", "")
    card = cards_of(graph, NodeContext(graph, workflow_id=pk), [])[node_id]
    rows: Any = steps_at(version, node_id, port) if what == PASSED else runs_at(version, node_id, what)
    shown: Any = page(rows, LATEST_FIRST, size=PAGE_SIZE, query=request.GET, few=True)
    context = {
        "nav": "workflows",
        "workflow": workflow,
        "version": version,
        "node": name_of(node, card),
        "what": what,
        "way": next((way.label for way in card.ports if way.key == port), ""),
        "page": shown,
        "rows": [(row.run, row) if what == PASSED else (row, None) for row in shown.rows],
    }
    return render(request, "workflows/contacts_at.html", context)


@require_safe
@requires("workflows.view_workflow", "workflows.view_run", "contacts.view_contact")
def path(request: Request, pk: int, run_id: int) -> HttpResponse:
    """One contact's path, step by step."""
    runs = Run.objects.filter(workflow__deleted_at__isnull=True).select_related("contact", "version", "workflow")
    run = get_object_or_404(runs.defer("workflow__draft"), pk=run_id, workflow=pk)
    context = {"nav": "workflows", "workflow": run.workflow, "run": run, "path": path_of(run), "now": timezone.now()}
    return render(request, "workflows/path.html", context)


@require_POST
@requires("workflows.change_incident")
def decide_incidents(request: Request, pk: int) -> HttpResponse:
    """Try an incident again or leave it: the one that is named, or all of the workflow."""
    workflow = get_object_or_404(Workflow.objects.live().defer("draft"), pk=pk)
    named = request.POST.get("incident", "")
    incidents = open_incidents(pk)
    if named:
        if not (named.isascii() and named.isdecimal() and len(named) < 18):
            raise Http404
        incidents = incidents.filter(pk=named)
    again = "again" in request.POST
    done = decide(list(incidents[:AT_ONCE]), again=again, user=request.user, now=timezone.now())
    if not done:
        messages.info(request, _("Nothing was left to decide."))
    elif again:
        messages.success(request, ngettext("%(n)s is tried again.", "%(n)s are tried again.", done) % {"n": done})
    else:
        messages.success(
            request, ngettext("%(n)s was left as it is.", "%(n)s were left as they are.", done) % {"n": done}
        )
    where = urlencode({name: request.GET[name] for name in OF_LIVE if name in request.GET})
    live_view = reverse("workflows:live", args=[workflow.pk])
    return HttpResponseRedirect(f"{live_view}?{where}" if where else live_view, status=303)
