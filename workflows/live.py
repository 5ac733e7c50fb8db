"""What happens in a version of a workflow: how many passed each node and edge, wait now, and failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count as Number
from django.db.models import QuerySet

from workflows.cards import Card
from workflows.graph import Graph, GraphNode
from workflows.graph_edits import in_order
from workflows.models import Count, Run, Step, Version
from workflows.picture import Box, Line, picture_of

WAITING, FAILED, PASSED = "waiting", "failed", "passed"
SHOWN = (WAITING, FAILED, PASSED)


@dataclass(frozen=True)
class Figures:
    """Of a node: how many runs passed, stand on it now, and failed on it."""

    passed: int
    waiting: int
    failed: int


@dataclass(frozen=True)
class Row:
    """A node with its figures; ``ways`` are its ways out, each with how many went that way."""

    node: GraphNode
    card: Card
    figures: Figures
    ways: list[tuple[Any, int]]


@dataclass(frozen=True)
class LivePicture:
    picture: Any
    boxes: list[tuple[Box, Figures]]
    lines: list[tuple[Line, int]]


def rows_of(version: Version, graph: Graph, cards: Mapping[str, Card]) -> list[Row]:
    """The nodes in the order of a reader; three queries."""
    passed = _passed(version)
    waiting, failed = (_standing(version, state) for state in (Run.State.WAITING, Run.State.FAILED))
    rows = []
    for node in in_order(graph):
        card = cards[node.id]
        figures = Figures(_through(graph, node.id, passed, waiting, failed), waiting[node.id], failed[node.id])
        rows.append(Row(node, card, figures, [(way, passed[node.id, way.key]) for way in card.ports]))
    return rows


def picture_with(rows: list[Row], graph: Graph, cards: Mapping[str, Card]) -> LivePicture:
    """The graph as a picture with its figures."""
    picture = picture_of(graph, cards)
    figures = {row.node.id: row.figures for row in rows}
    passed = {(row.node.id, way.key): number for row in rows for way, number in row.ways}
    return LivePicture(
        picture,
        [(box, figures[box.id]) for box in picture.boxes],
        [(line, passed.get((line.start, line.port), 0)) for line in picture.lines],
    )


def _passed(version: Version) -> Counter[tuple[str, str]]:
    counts = Count.objects.filter(version=version).values_list("node", "port", "passed")
    return Counter({(node, port): number for node, port, number in counts})


def _standing(version: Version, state: Run.State) -> Counter[str]:
    runs = Run.objects.filter(workflow_id=version.workflow_id, version=version, state=state).order_by()
    return Counter(dict(runs.values_list("node").annotate(number=Number("pk"))))


def _through(
    graph: Graph, node_id: str, passed: Counter[tuple[str, str]], waiting: Counter[str], failed: Counter[str]
) -> int:
    """How many left a node; where no way leads out, how many came and do not stand there."""
    if any(start == node_id for start, _port in passed):
        return sum(number for (start, _port), number in passed.items() if start == node_id)
    came = sum(passed[edge.start, edge.port] for edge in graph.edges if edge.end == node_id)
    return max(0, came - waiting[node_id] - failed[node_id])


def runs_at(version: Version, node_id: str, what: str) -> QuerySet[Run]:
    """The runs that stand on a node, or failed there, with their contacts."""
    state = Run.State.FAILED if what == FAILED else Run.State.WAITING
    runs = Run.objects.filter(workflow_id=version.workflow_id, version=version, node=node_id, state=state)
    return runs.select_related("contact")


def steps_at(version: Version, node_id: str, port: str = "") -> QuerySet[Step]:
    """The visits of a node that are over, or those that left by a port."""
    steps = Step.objects.filter(run__version=version, node=node_id)
    return (steps.filter(port=port) if port else steps).select_related("run__contact")
