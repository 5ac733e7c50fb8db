"""What is wrong with a graph: with each node by itself, and with how they are joined."""

from __future__ import annotations

from collections.abc import Iterator

from django import forms
from django.utils.translation import gettext as _

from workflows.graph import Fault, Graph
from workflows.nodes.base import NODES, Node, NodeContext, Settings, Trigger

START = "start"


def faults(graph: Graph, *, workflow_id: int | None = None) -> list[Fault]:
    """Everything that must be put right before the workflow can be activated, in the order of the nodes."""
    return faults_of(graph, NodeContext(graph, workflow_id=workflow_id))


def faults_of(graph: Graph, context: NodeContext) -> list[Fault]:
    """As `faults`, for who has a context already."""
    found = [*_of_nodes(graph, context), *_of_edges(graph), *_out_of_reach(graph), *_endless(graph)]
    order = {node_id: place for place, node_id in enumerate(graph.nodes)}
    return [*_of_start(graph), *sorted(found, key=lambda fault: order[fault.node])]


def _kinds(graph: Graph) -> dict[str, Node]:
    """The kinds of the nodes by their ids, without the nodes of a kind that nobody knows."""
    return {node.id: NODES[node.type] for node in graph.nodes.values() if node.type in NODES}


def _of_start(graph: Graph) -> Iterator[Fault]:
    starts = [node.id for node in graph.nodes.values() if node.type == START]
    if not starts:
        yield Fault(_("There is no Start: nobody can enter."))
    for node_id in starts[1:]:
        yield Fault(_("A workflow has one Start: remove this one."), node_id)
    if starts and not any(edge.start == starts[0] for edge in graph.edges):
        yield Fault(_("Start leads nowhere: connect it with the first step."), starts[0])


def _of_nodes(graph: Graph, context: NodeContext) -> Iterator[Fault]:
    kinds = _kinds(graph)
    for node in graph.nodes.values():
        if node.id not in kinds:
            yield Fault(_("Nobody knows this kind of node (“%(type)s”): remove it.") % {"type": node.type}, node.id)
            continue
        for field, message in kinds[node.id].faults(node.settings, context):
            yield Fault(_with_label(kinds[node.id], node.settings, context, field, message), node.id, field)


def _with_label(kind: Node, settings: Settings, context: NodeContext, field: str, message: str) -> str:
    """What is said of any field says of which, because cards and lists show it away from there."""
    if field and message == str(forms.Field.default_error_messages["required"]):
        fields = kind.form.checked(settings, context).fields
        if field in fields:
            return _("“%(field)s” is not set yet.") % {"field": fields[field].label}
    return message


def _of_edges(graph: Graph) -> Iterator[Fault]:
    kinds = _kinds(graph)
    ports = {
        node_id: {port.key for port in kind.ports(graph.nodes[node_id].settings)} for node_id, kind in kinds.items()
    }
    for edge in graph.edges:
        if edge.start in ports and edge.port not in ports[edge.start]:
            yield Fault(
                _("An edge leaves by “%(port)s”, which is no way out any more.") % {"port": edge.port}, edge.start
            )
        if graph.nodes[edge.end].type == START:
            yield Fault(_("An edge leads into Start: nothing comes before it."), edge.end)
    for node_id, port in dict.fromkeys((edge.start, edge.port) for edge in graph.edges):
        ends = graph.all_after(node_id, port)
        if len(ends) > 1 and graph.nodes[node_id].type != START:
            yield Fault(_("Several edges leave by one way out: a contact can only go one way."), node_id)
        elif len(ends) > 1 and not all(isinstance(kinds.get(end), Trigger) for end in ends):
            yield Fault(_("Start leads to several steps, which is for triggers only."), node_id)


def _out_of_reach(graph: Graph) -> Iterator[Fault]:
    if graph.start is None:
        return
    reachable = graph.reachable()
    led_to = {edge.end for edge in graph.edges}
    for node_id, node in graph.nodes.items():
        if node_id in reachable or node.type == START:
            continue
        if node_id in led_to:
            yield Fault(_("No way leads from Start to this node."), node_id)
        else:
            yield Fault(_("Nothing leads to this node."), node_id)


def _endless(graph: Graph) -> Iterator[Fault]:
    """Circles in which nobody ever waits. Each is told once, at the first of its nodes."""
    kinds = _kinds(graph)
    hasty = {node_id for node_id in graph.nodes if node_id not in kinds or not kinds[node_id].waits}
    ahead: dict[str, set[str]] = {node_id: set() for node_id in hasty}
    for edge in graph.edges:
        if edge.start in hasty and edge.end in hasty:
            ahead[edge.start].add(edge.end)
    told: set[str] = set()
    for node_id in graph.nodes:
        if node_id in hasty - told:
            after = _all_ahead(node_id, ahead)
            if node_id in after:
                told |= {other for other in after if node_id in _all_ahead(other, ahead)}
                yield Fault(_("From here contacts would go in a circle without end: put a wait into it."), node_id)


def _all_ahead(node_id: str, ahead: dict[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    left = [*ahead[node_id]]
    while left:
        one = left.pop()
        if one not in seen:
            seen.add(one)
            left += ahead[one]
    return seen
