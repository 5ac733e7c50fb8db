"""The emails that workflows send: each Send email node is one, named by its workflow and the node."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from workflows.graph import Graph
from workflows.models import Workflow
from workflows.nodes.base import NodeContext

SEND_EMAIL = "send_email"
HERE = "node:"
"""Before the id of a node of the same workflow. A copy of the workflow then asks about its own emails."""


def source_of(workflow_id: int, node_id: str) -> str:
    """The ``email`` property of the events of such an email."""
    return f"workflow:{workflow_id}:{node_id}"


def emails_of(context: NodeContext) -> dict[str, str]:
    """The emails by what settings keep of them: those of the workflow itself first, then those of the others."""
    return dict([*_emails_here(context.graph), *_emails_elsewhere(context.workflow_id)])


def _emails_here(graph: Graph) -> Iterator[tuple[str, str]]:
    for node in graph.nodes.values():
        if node.type == SEND_EMAIL:
            words = {"email": _title(node.settings, node.id)}
            yield f"{HERE}{node.id}", _("%(email)s (this workflow)") % words


def _emails_elsewhere(workflow_id: int | None) -> Iterator[tuple[str, str]]:
    """Of the drafts and of the versions in force."""
    others = Workflow.objects.live().order_by("name", "pk")
    if workflow_id is not None:
        others = others.exclude(pk=workflow_id)
    for pk, name, *graphs in others.values_list("pk", "name", "version__graph", "draft"):
        for graph in graphs:
            for node in (graph or {}).get("nodes", []):
                if node.get("type") == SEND_EMAIL:
                    words = {"workflow": name, "email": _title(node.get("settings") or {}, node["id"])}
                    yield source_of(pk, node["id"]), _("%(workflow)s: %(email)s") % words


def _title(settings: Any, node_id: str) -> str:
    return str(settings.get("name") or settings.get("subject") or node_id)
