"""Start another workflow: the contact enters it, if its Start lets the contact in."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.graph import Graph
from workflows.models import Run, Workflow
from workflows.nodes.actions import Action, done, passed_over
from workflows.nodes.actions_limits import LimitedForm
from workflows.nodes.base import NODES, Batch, Node, NodeContext, Outcome, Settings, Trigger
from workflows.nodes.choosing import Choosing, name_of


class WorkflowField(Choosing):
    """A workflow."""

    def __init__(self, **options: Any) -> None:
        super().__init__(coerce=int, **options)

    def offered(self, context: NodeContext) -> list[tuple[Any, str]]:
        return list(context.workflows.items())


class StartWorkflowForm(LimitedForm):
    workflow = WorkflowField(
        label=gettext_lazy("Workflow"),
        error_messages={"required": gettext_lazy("Choose a workflow.")},
        help_text=gettext_lazy("Contacts enter it while it is active, and only as its own Start lets them in."),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["workflow"].offer(self.context)  # type: ignore[attr-defined]

    def clean_workflow(self) -> int:
        chosen: int = self.cleaned_data["workflow"]
        if chosen == self.context.workflow_id and _is_reached_without_waiting(self.context, chosen):
            self.add_error("workflow", _("The workflow would start itself again and again: put a wait before it."))
        return chosen


def _is_reached_without_waiting(context: NodeContext, chosen: int) -> bool:
    """Whether a contact can come from Start to a node that starts this workflow without ever waiting.

    An entry lets contacts who are sent to it pass at once.
    """
    graph = context.graph
    begun = graph.all_after(graph.start.id, "next") if graph.start else ()
    entries = {node_id for node_id in begun if isinstance(_kind(graph, node_id), Trigger)}
    seen: set[str] = set()
    ahead = [graph.start.id] if graph.start else []
    while ahead:
        node_id = ahead.pop()
        kind = _kind(graph, node_id)
        if node_id in seen or (kind and kind.waits and node_id not in entries):
            continue
        seen.add(node_id)
        ahead += [edge.end for edge in graph.edges if edge.start == node_id]
    return any(
        graph.nodes[node_id].type == StartWorkflow.key and graph.nodes[node_id].settings.get("workflow") == chosen
        for node_id in seen
    )


def _kind(graph: Graph, node_id: str) -> Node | None:
    if graph.nodes[node_id].type not in NODES:
        return None
    return NODES[graph.nodes[node_id].type]


@NODES.register
class StartWorkflow(Action):
    key = "start_workflow"
    label = gettext_lazy("Start another workflow")
    help = gettext_lazy("Lets the contact enter another workflow. It goes on in this one, too.")
    icon = "workflow"
    form = StartWorkflowForm

    def describe(self, settings: Settings, context: NodeContext) -> str:
        return name_of(context.workflows, settings["workflow"]) if settings.get("workflow") else ""

    def act(self, batch: Batch) -> Iterable[Outcome]:
        open_ones = Workflow.objects.started_by_happenings().filter(version__isnull=False)
        target = open_ones.defer("draft").filter(pk=batch.settings["workflow"]).first()
        if target is None or batch.is_test:
            why = _("Passed over: a test starts no other workflow.") if target else _("Passed over: it is not active.")
            yield passed_over(batch.run_ids, why)
            return
        started = batch.runs_of(_started(batch, target))
        yield done(batch.only(started), _("Started “%(workflow)s”") % {"workflow": target})
        held = set(batch.run_ids) - set(started)
        yield passed_over(held, _("Passed over: “%(workflow)s” does not let the contact in.") % {"workflow": target})


def _started(batch: Batch, target: Workflow) -> Collection[int]:
    """Let the contacts of a batch enter a workflow; returns those that did."""
    # The engine knows all kinds of nodes, this one too, and so cannot be there before it.
    from workflows.engine import Start, begin
    from workflows.engine.frozen import frozen

    assert target.version_id
    version = frozen([target.version_id])[target.version_id]
    assert version.graph.start
    # Behind an entry, because what it waits for is what happens here.
    node = version.entries[0][0].id if version.entries else version.graph.start.id
    runs = Run.objects.filter(workflow=target, contact__in=batch.contact_ids)
    before = set(runs.values_list("pk", flat=True))
    begin(
        [
            Start(version, node, one.contact_id, f"workflow:{one.key}", one.event_id, one.values, hops=one.hops + 1)
            for one in batch.visits
        ],
        now=batch.now,
    )
    return {contact_id for pk, contact_id in runs.values_list("pk", "contact_id") if pk not in before}
