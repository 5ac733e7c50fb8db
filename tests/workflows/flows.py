"""Workflows for tests: a graph from a few lines, activated, and what became of its runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from contacts.models import Contact
from workflows import activation
from workflows.models import Run, Step, Workflow


def graph(
    nodes: Mapping[str, tuple[str, dict[str, Any]]], *edges: str, start: dict[str, Any] | None = None
) -> dict[str, Any]:
    """A stored graph. ``edges`` are like ``start > n1`` and ``n1.yes > n2``; ``start`` are the settings of Start."""
    stored: dict[str, Any] = {
        "nodes": [{"id": "start", "type": "start", "x": 0, "y": 0, "settings": start or {}}],
        "edges": [],
    }
    for node_id, (kind, settings) in nodes.items():
        stored["nodes"].append({"id": node_id, "type": kind, "x": 0, "y": 0, "settings": settings})
    for edge in edges:
        begin, end = (part.strip() for part in edge.split(">"))
        node_id, _dot, port = begin.partition(".")
        stored["edges"].append({"from": node_id, "port": port or "next", "to": end})
    return stored


def active(name: str, stored: dict[str, Any], *, now: datetime) -> Workflow:
    """A workflow with this graph, in force."""
    workflow = Workflow.objects.create(name=name, draft=stored, created_at=now, updated_at=now)
    activation.activate(workflow, now=now, user=None)
    return workflow


def ways(workflow: Workflow) -> dict[int, list[list[str]]]:
    """Of each contact, the ways of its runs: the nodes with the ports by which it left them, where it stands or how it
    ended."""
    found: dict[int, list[list[str]]] = {}
    for run in Run.objects.filter(workflow=workflow).order_by("pk"):
        steps = Step.objects.filter(run=run).order_by("visit").values_list("node", "port")
        way = [f"{node}.{port}" if port else node for node, port in steps]
        found.setdefault(run.contact_id, []).append([*way, f"at {run.node}" if run.state == "waiting" else run.state])
    return found


def people(count: int, *, now: datetime, **values: Any) -> list[Contact]:
    """New contacts with an email each."""
    first = Contact.objects.count()
    made = [
        Contact(email=f"p{first + number}@example.org", created_at=now, updated_at=now, **values)
        for number in range(count)
    ]
    return Contact.objects.bulk_create(made)
