"""A workflow's graph: nodes, and edges from their ports; how it is stored, read and checked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

MOST_NODES = 200
LONGEST_NOTE = 2_000
NODE_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
PORT = re.compile(r"[A-Za-z0-9_.-]{1,40}")


class MalformedGraph(ValueError):
    """This is no graph at all; the text says why."""


@dataclass(frozen=True)
class GraphNode:
    """A node as it is stored: ``type`` is the key of its kind, ``x`` and ``y`` its place on the canvas in pixels."""

    id: str
    type: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    x: int = 0
    y: int = 0
    note: str = ""


@dataclass(frozen=True)
class Edge:
    """Leads from a ``port`` of the node ``start`` to the node ``end``."""

    start: str
    port: str
    end: str


@dataclass(frozen=True)
class Fault:
    """What is wrong: with a ``field`` of the settings of a ``node``, with the node, or, with neither, the graph."""

    message: str
    node: str = ""
    field: str = ""


@dataclass(frozen=True)
class Graph:
    """Nodes by id, in their order, and edges."""

    nodes: Mapping[str, GraphNode]
    edges: tuple[Edge, ...]

    @cached_property
    def _next(self) -> dict[tuple[str, str], tuple[str, ...]]:
        found: dict[tuple[str, str], tuple[str, ...]] = {}
        for edge in self.edges:
            found[edge.start, edge.port] = (*found.get((edge.start, edge.port), ()), edge.end)
        return found

    def after(self, node_id: str, port: str) -> str | None:
        """The node that a port leads to; None where the way ends."""
        ends = self._next.get((node_id, port), ())
        return ends[0] if ends else None

    def all_after(self, node_id: str, port: str) -> tuple[str, ...]:
        """All nodes that a port leads to. Only Start may lead to several, its triggers."""
        return self._next.get((node_id, port), ())

    @cached_property
    def start(self) -> GraphNode | None:
        """The Start node."""
        return next((node for node in self.nodes.values() if node.type == "start"), None)

    def reachable(self) -> set[str]:
        """The ids of the nodes that can be reached from Start."""
        seen: set[str] = set()
        ahead = [self.start.id] if self.start else []
        while ahead:
            node_id = ahead.pop()
            if node_id not in seen:
                seen.add(node_id)
                ahead += [edge.end for edge in self.edges if edge.start == node_id]
        return seen

    def as_json(self) -> dict[str, Any]:
        """The graph as it is stored."""
        return {
            "nodes": [
                {"id": node.id, "type": node.type, "x": node.x, "y": node.y, "settings": dict(node.settings)}
                | ({"note": node.note} if node.note else {})
                for node in self.nodes.values()
            ],
            "edges": [{"from": edge.start, "port": edge.port, "to": edge.end} for edge in self.edges],
        }


def parse(stored: Any) -> Graph:
    """The graph of stored or received JSON. What it means is not looked at. Raises `MalformedGraph`."""
    if not isinstance(stored, dict) or not isinstance(stored.get("nodes"), list):
        raise MalformedGraph(_("A graph has a list of nodes and a list of edges."))
    if len(stored["nodes"]) > MOST_NODES:
        raise MalformedGraph(_("A workflow has at most %(most)s nodes.") % {"most": MOST_NODES})
    nodes: dict[str, GraphNode] = {}
    for one in stored["nodes"]:
        node = _node(one)
        if node.id in nodes:
            raise MalformedGraph(_("Two nodes have the id “%(id)s”.") % {"id": node.id})
        nodes[node.id] = node
    edges = stored.get("edges", [])
    if not isinstance(edges, list):
        raise MalformedGraph(_("A graph has a list of nodes and a list of edges."))
    return Graph(nodes, tuple(dict.fromkeys(_edges(edges, nodes))))


def _node(stored: Any) -> GraphNode:
    if (
        not isinstance(stored, dict)
        or not _matches(NODE_ID, stored.get("id"))
        or not isinstance(stored.get("type"), str)
    ):
        raise MalformedGraph(_("A node has an id of letters and digits, and a type."))
    settings, note = stored.get("settings", {}), stored.get("note", "")
    if not isinstance(settings, dict) or not isinstance(note, str) or len(note) > LONGEST_NOTE:
        raise MalformedGraph(_("The settings or the note of “%(id)s” cannot be read.") % {"id": stored["id"]})
    return GraphNode(
        stored["id"], stored["type"], settings, x=_place(stored.get("x")), y=_place(stored.get("y")), note=note
    )


def _place(number: Any) -> int:
    if isinstance(number, bool) or not isinstance(number, int | float) or not abs(number) < 1_000_000:
        return 0
    return round(number)


def _edges(stored: list[Any], nodes: Mapping[str, GraphNode]) -> Iterator[Edge]:
    for edge in stored:
        if not isinstance(edge, dict) or not _matches(PORT, edge.get("port")):
            raise MalformedGraph(_("An edge leads from a port of a node to a node."))
        if edge.get("from") not in nodes or edge.get("to") not in nodes:
            raise MalformedGraph(_("An edge leads to a node that does not exist."))
        yield Edge(edge["from"], edge["port"], edge["to"])


def _matches(pattern: re.Pattern[str], text: Any) -> bool:
    return isinstance(text, str) and pattern.fullmatch(text) is not None
