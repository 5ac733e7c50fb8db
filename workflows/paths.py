"""One contact's way through a workflow, step by step, in words."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from workflows.cards import Card, cards_of, name_of
from workflows.graph import parse
from workflows.models import Run, Step, Version
from workflows.nodes.base import NodeContext


@dataclass(frozen=True)
class Stage:
    """A visit of a node that is over: ``name`` is the node's, ``way`` the label of the port."""

    name: str
    icon: str
    way: str
    step: Step


@dataclass(frozen=True)
class Path:
    run: Run
    stages: list[Stage]
    here: str
    icon: str


def path_of(run: Run) -> Path:
    """The steps of a run, and where it stands."""
    return paths_of([run])[0]


def paths_of(runs: Collection[Run]) -> list[Path]:
    """The paths of runs that all have the same version; a constant number of queries."""
    if not runs:
        return []
    version: Version = next(iter(runs)).version
    graph = parse(version.graph)
    cards = cards_of(graph, NodeContext(graph, workflow_id=version.workflow_id), [])
    steps: dict[int, list[Step]] = {}
    for step in Step.objects.filter(run__in=[run.pk for run in runs]).order_by("run_id", "visit"):
        steps.setdefault(step.run_id, []).append(step)

    def named(node_id: str) -> str:
        return name_of(graph.nodes[node_id], cards[node_id]) if node_id in cards else node_id

    def icon(node_id: str) -> str:
        return cards[node_id].icon if node_id in cards else "circle"

    return [
        Path(
            run,
            [
                Stage(named(one.node), icon(one.node), _way(cards.get(one.node), one.port), one)
                for one in steps.get(run.pk, [])
            ],
            named(run.node),
            icon(run.node),
        )
        for run in runs
    ]


def _way(card: Card | None, port: str) -> str:
    ways = card.ports if card else []
    return next((way.label for way in ways if way.key == port and way.kind != "next"), "")
