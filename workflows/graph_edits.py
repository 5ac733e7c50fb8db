"""A graph with something changed in it. Every function returns another graph."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _

from workflows.graph import MOST_NODES, Edge, Graph, GraphNode, MalformedGraph
from workflows.nodes.base import NODES, NodeGroup, Settings, Trigger

STEP_X, STEP_Y = 288, 112  # pixels from one card to the next one


def with_node(graph: Graph, kind: str, *, after: str, port: str, settings: Settings | None = None) -> tuple[Graph, str]:
    """With a new node that a port of ``after`` leads to; and the id of the new node.

    What the port led to until now comes after the new node; but several triggers stand behind Start side by side.
    Raises `MalformedGraph` when there are too many.
    """
    if len(graph.nodes) >= MOST_NODES:
        raise MalformedGraph(_("A workflow has at most %(most)s nodes.") % {"most": MOST_NODES})
    before, node_id = graph.nodes[after], _free_id(graph)
    x, y = _free_place(graph, before.x + STEP_X, before.y)
    node = GraphNode(node_id, kind, settings or {}, x=x, y=y)
    nodes = {**graph.nodes, node_id: node}
    ports = NODES[kind].ports(node.settings)
    ends = graph.all_after(after, port)
    beside = before.type == NodeGroup.START and all(
        _is_trigger(one) for one in (kind, *(graph.nodes[end].type for end in ends))
    )
    if len(ends) == 1 and ports and not beside:
        edges = [edge for edge in graph.edges if (edge.start, edge.port) != (after, port)]
        edges += [Edge(after, port, node_id), Edge(node_id, ports[0].key, ends[0])]
        return Graph(nodes, tuple(edges)), node_id
    return Graph(nodes, (*graph.edges, Edge(after, port, node_id))), node_id


def without_node(graph: Graph, node_id: str) -> Graph:
    """Without a node and its edges. What led to it leads on to what came next, where that is one node."""
    nodes = {key: node for key, node in graph.nodes.items() if key != node_id}
    after = {edge.end for edge in graph.edges if edge.start == node_id} - {node_id}
    next_id = after.pop() if len(after) == 1 else None
    edges: list[Edge] = []
    for edge in graph.edges:
        if edge.start == node_id:
            continue
        if edge.end != node_id:
            edges.append(edge)
        elif next_id and next_id != edge.start:
            edges.append(replace(edge, end=next_id))
    return Graph(nodes, tuple(dict.fromkeys(edges)))


def with_settings(graph: Graph, node_id: str, settings: dict[str, Any], note: str) -> Graph:
    """With other settings and another note of a node. Edges of ways out that it no longer has are gone."""
    node = replace(graph.nodes[node_id], settings=settings, note=note)
    ports = {port.key for port in NODES[node.type].ports(settings)}
    edges = tuple(edge for edge in graph.edges if edge.start != node_id or edge.port in ports)
    return Graph({**graph.nodes, node_id: node}, edges)


def with_next(graph: Graph, node_id: str, port: str, ends: Collection[str]) -> Graph:
    """With a port that leads to these nodes."""
    if set(ends) == set(graph.all_after(node_id, port)):
        return graph
    kept = [edge for edge in graph.edges if (edge.start, edge.port) != (node_id, port)]
    return Graph(graph.nodes, (*kept, *(Edge(node_id, port, end) for end in ends)))


def in_order(graph: Graph) -> list[GraphNode]:
    """The nodes as a reader meets them: from Start on, one way after the other; then those out of reach."""
    found: dict[str, GraphNode] = {}
    for first in [*([graph.start] if graph.start else []), *graph.nodes.values()]:
        ahead = [first.id]
        while ahead:
            node_id = ahead.pop()
            if node_id not in found:
                found[node_id] = graph.nodes[node_id]
                ahead += reversed([edge.end for edge in graph.edges if edge.start == node_id])
    return list(found.values())


def _is_trigger(kind: str) -> bool:
    return kind in NODES and isinstance(NODES[kind], Trigger)


def _free_id(graph: Graph) -> str:
    number = len(graph.nodes)
    while f"n{number}" in graph.nodes:
        number += 1
    return f"n{number}"


def _free_place(graph: Graph, x: int, y: int) -> tuple[int, int]:
    """The place, or the first one below it where no other card lies underneath."""
    cards: Iterable[GraphNode] = graph.nodes.values()
    while any(abs(node.x - x) < STEP_X - 60 and abs(node.y - y) < STEP_Y - 20 for node in cards):
        y += STEP_Y
    return x, y
