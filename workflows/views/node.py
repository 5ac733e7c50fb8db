"""A node's settings: the panel beside the canvas, and a page of its own without JavaScript."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods
from django_htmx.http import trigger_client_event

from crm.requests import Request
from crm.roles import requires
from workflows.cards import board_of, cards_of
from workflows.checking import faults_of
from workflows.drafting import ChangedMeanwhile, save_draft
from workflows.graph import Graph, GraphNode, MalformedGraph, parse
from workflows.graph_edits import with_settings, without_node
from workflows.models import Workflow
from workflows.nodes.base import NODES, Node, NodeContext, NodeForm, NodeGroup
from workflows.step_form import StepForm
from workflows.views.canvas import who_saved


@require_http_methods(["GET", "HEAD", "POST"])
@requires("workflows.view_workflow")
def node(request: Request, pk: int, node_id: str) -> HttpResponse:
    """The settings of a node, its note and its next steps: shown, or saved into the draft."""
    workflow = get_object_or_404(Workflow.objects.live(), pk=pk)
    graph = parse(workflow.draft)
    if node_id not in graph.nodes:
        raise Http404
    panel = Panel(request, workflow, graph, graph.nodes[node_id])
    if request.method != "POST":
        return panel.shown()
    if not panel.may_edit:
        raise PermissionDenied
    return panel.removed() if "remove_step" in request.POST else panel.updated()


class Panel:
    """The panel of one node of a draft, for one request."""

    def __init__(self, request: Request, workflow: Workflow, graph: Graph, node: GraphNode) -> None:
        self.request, self.workflow, self.graph, self.node = request, workflow, graph, node
        self.context = NodeContext(graph, workflow_id=workflow.pk)
        self.kind: Node | None = None
        if node.type in NODES:
            self.kind = NODES[node.type]
        self.faults = faults_of(graph, self.context)
        self.cards = cards_of(graph, self.context, self.faults)
        self.may_edit = request.user.has_perm("workflows.change_workflow")

    def shown(self) -> HttpResponse:
        """With the stored settings. What is wrong with them is shown at its field, unless nobody has set them yet."""
        form: NodeForm | None = None
        if self.kind and self.node.settings:
            form = self.kind.form.checked(self.node.settings, self.context)
        elif self.kind:
            form = self.kind.form(settings=self.node.settings, context=self.context)
        return self._page(form, self._step_form())

    def updated(self) -> HttpResponse:
        """Save what was posted, or show what is wrong with it; a form that asks for another form gets that."""
        if self.kind is None:
            raise Http404
        posted = self.request.POST
        form = self.kind.form(posted, settings=self.node.settings, context=self.context)
        step = self._step_form(posted)
        if "update" not in posted or form.is_being_edited:
            return self._page(form, step, is_being_edited=True)
        if not all([form.is_valid(), step.is_valid()]):
            return self._page(form, step, status=422)
        try:
            graph = with_settings(self.graph, self.node.id, form.stored(), step.cleaned_data["note"])
            graph = step.applied_to(graph)
            self._save(graph)
        except MalformedGraph as error:
            step.add_error(None, str(error))
            return self._page(form, step, status=422)
        except ChangedMeanwhile as meanwhile:
            if self.request.htmx:  # The canvas asks what to do: it is not what is stored any more either.
                return HttpResponse(who_saved(meanwhile.saved), content_type="text/plain; charset=utf-8", status=409)
            self.workflow = meanwhile.saved
            return self._page(form, step, status=409, conflict=who_saved(meanwhile.saved))
        if not self.request.htmx:
            messages.success(self.request, _("“%(node)s” was saved.") % {"node": self.kind.label})
            return HttpResponseRedirect(self._address("workflows:node", self.node.id), status=303)
        return self._with_saved_state(graph)

    def removed(self) -> HttpResponse:
        """Take the node out of the draft, for pages without JavaScript: the canvas does it by itself."""
        if self.node.type == NodeGroup.START and self.graph.start == self.node:
            messages.error(self.request, _("Start cannot be removed."))
            return HttpResponseRedirect(self._address("workflows:node", self.node.id), status=303)
        try:
            self._save(without_node(self.graph, self.node.id))
        except ChangedMeanwhile as meanwhile:
            messages.error(self.request, f"{who_saved(meanwhile.saved)} {_('Nothing was removed.')}")
            return HttpResponseRedirect(self._address("workflows:steps"), status=303)
        messages.success(self.request, _("“%(node)s” was removed.") % {"node": self.cards[self.node.id].label})
        return HttpResponseRedirect(self._address("workflows:steps"), status=303)

    def _save(self, graph: Graph) -> None:
        number = self.request.POST.get("draft_number", "")
        looked_at = int(number) if number.isascii() and number.isdecimal() else 0
        save_draft(self.workflow, graph, number=looked_at, now=timezone.now(), user=self.request.user)

    def _with_saved_state(self, graph: Graph) -> HttpResponse:
        saved = Panel(self.request, self.workflow, graph, graph.nodes[self.node.id])
        state = {
            "number": self.workflow.draft_number,
            "graph": graph.as_json(),
            **board_of(graph, saved.context),
        }
        assert saved.kind
        form = saved.kind.form.checked(saved.node.settings, saved.context)
        response = saved._page(form, saved._step_form(), state=state)
        return trigger_client_event(response, "node-updated", {"number": self.workflow.draft_number}, after="swap")

    def _step_form(self, data: Any = None) -> StepForm:
        return StepForm(data, graph=self.graph, node=self.node, cards=self.cards)

    def _page(self, form: NodeForm | None, step: Form, *, status: int = 200, **context: Any) -> HttpResponse:
        # What is said at the fields, or would be of fields that nobody has filled in yet, is not said over them.
        at_fields = bool(form and form.is_bound) or not self.node.settings
        elsewhere = [one.message for one in self.faults if one.node == self.node.id and not (one.field and at_fields)]
        context |= {
            "nav": "workflows",
            "workflow": self.workflow,
            "node": self.node,
            "kind": self.kind,
            "card": self.cards[self.node.id],
            "form": form,
            "step": step,
            "faults": list(dict.fromkeys(elsewhere)),
            "may_edit": self.may_edit,
            "may_remove": self.may_edit and self.graph.start != self.node,
            "has_failed": status == 422,
        }
        template = "workflows/_panel.html" if self.request.htmx else "workflows/node.html"
        return render(self.request, template, context, status=status)

    def _address(self, name: str, *args: object) -> str:
        return reverse(name, args=[self.workflow.pk, *args])
