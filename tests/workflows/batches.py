"""Batches of runs for tests of nodes: nodes alone, without the engine."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from workflows.graph import Graph, GraphNode
from workflows.models import Version
from workflows.nodes import NODES
from workflows.nodes.base import Batch, Next, NodeContext, Stop, Visit, WaitUntil

WORKFLOW = 7
RUN_OF = 1_000  # the run of contact 3 is run 1003


def node_settings(kind: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as they are stored after the form has checked them."""
    form = NODES[kind].form.checked(settings, NodeContext())
    assert form.is_valid(), form.errors
    return form.stored()


def batch(
    kind: str,
    settings: Mapping[str, Any],
    contact_ids: Iterable[int],
    *,
    now: datetime,
    arrived: datetime | Mapping[int, datetime] | None = None,
    woken: Collection[int] = (),
    is_test: bool = False,
    node_id: str = "n1",
    workflow: int = WORKFLOW,
) -> Batch:
    """Runs of these contacts on a node of a kind. They arrived at ``now``, or else at ``arrived``."""
    node = GraphNode(node_id, kind, node_settings(kind, settings))
    visits = [
        Visit(
            run_id=RUN_OF + pk,
            contact_id=pk,
            number=1,
            hops=0,
            attempts=0,
            started_at=now,
            arrived_at=(arrived.get(pk, now) if isinstance(arrived, Mapping) else arrived or now),
            event_id=None,
            woken=pk in woken,
            values={},
        )
        for pk in contact_ids
    ]
    return Batch(Version(workflow_id=workflow, is_test=is_test), Graph({node.id: node}, ()), node, visits, now)


@dataclass
class Worked:
    """What became of contacts: who left by which port, and who waits until when and for what."""

    ports: dict[str, set[int]] = field(default_factory=dict)
    waits: dict[int, datetime | None] = field(default_factory=dict)
    awaits: set[str] = field(default_factory=set)


def worked(of: Batch) -> Worked:
    """What the node makes of the batch. Every run is named exactly once."""
    found = Worked()
    named: list[int] = []
    for outcome in NODES[of.node.type].work(of):
        assert not isinstance(outcome, Stop)
        named += outcome.runs
        contacts = {run_id - RUN_OF for run_id in outcome.runs}
        if isinstance(outcome, Next) and contacts:
            found.ports[outcome.port] = found.ports.get(outcome.port, set()) | contacts
        if isinstance(outcome, WaitUntil) and contacts:
            at = outcome.at
            found.waits |= {pk: at[RUN_OF + pk] if isinstance(at, Mapping) else at for pk in contacts}
            found.awaits.add(outcome.awaits)
    assert sorted(named) == sorted(of.run_ids)
    return found
