"""The draft of a workflow: creating it, saving it without overwriting what others saved, and describing it."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from django.db.models import F
from django.utils.translation import gettext_lazy

from contacts.folding import Fold, fold
from crm.models import User
from segments.models import Segment
from workflows.graph import Graph, MalformedGraph, parse
from workflows.models import Workflow, empty_graph

UNSTORABLE = gettext_lazy("The workflow holds characters or numbers that cannot be stored.")
NULL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")  # the character as JSON writes it, not a backslash before these letters


class ChangedMeanwhile(Exception):
    """Somebody else saved the draft since it was looked at; ``saved`` is the workflow as it is now."""

    def __init__(self, saved: Workflow) -> None:
        self.saved = saved
        super().__init__(f"{saved} was changed meanwhile")


def create(
    *,
    name: str,
    now: datetime,
    user: User | None = None,
    description: str = "",
    folder: str = "",
    test_segment: Segment | None = None,
    draft: Any = None,
) -> Workflow:
    """Create a workflow: with a graph as its draft, or with nothing but Start. Raises `MalformedGraph`."""
    return Workflow.objects.create(
        name=name,
        description=description,
        folder=folder,
        test_segment=test_segment,
        draft=empty_graph() if draft is None else _storable(parse(draft)),
        created_at=now,
        created_by=user,
        updated_at=now,
        updated_by=user,
    )


def save_draft(workflow: Workflow, graph: Graph, *, number: int, now: datetime, user: User | None = None) -> int:
    """Save the draft that was edited from save ``number`` on. Returns the number of this save.

    Sending the same draft again, because the answer was lost, is no other save. Raises `ChangedMeanwhile` when
    somebody else saved since, and `MalformedGraph` for a text that cannot be stored.
    """
    draft = _storable(graph)
    current = Workflow.objects.live().filter(pk=workflow.pk)
    saved = current.filter(draft_number=number).update(
        draft=draft, draft_number=F("draft_number") + 1, updated_at=now, updated_by=user
    )
    if saved:
        workflow.refresh_from_db(fields=["draft", "draft_number", "updated_at", "updated_by"])
        return number + 1
    stored = current.select_related("updated_by").get()
    if stored.draft == draft:
        return stored.draft_number
    raise ChangedMeanwhile(stored)


def describe(
    workflow: Workflow,
    *,
    name: str,
    description: str,
    folder: str,
    test_segment: Segment | None,
    now: datetime,
    user: User | None = None,
) -> None:
    """Give the workflow another name, description, folder and test segment."""
    workflow.name, workflow.description, workflow.folder = name, description, folder
    workflow.test_segment, workflow.updated_at, workflow.updated_by = test_segment, now, user
    workflow.save(update_fields=["name", "description", "folder", "test_segment", "updated_at", "updated_by"])


def free_name(name: str) -> str:
    """The name, or with the first number behind it that makes it one that no workflow has."""
    longest = 200
    taken = set(Workflow.objects.live().annotate(folded=Fold("name")).values_list("folded", flat=True))
    tried, number = name[:longest], 1
    while fold(tried) in taken:
        number += 1
        tried = f"{name[: longest - 6]} {number}"
    return tried


def differs_from_version(workflow: Workflow) -> bool:
    """Whether contacts would go other ways, or meet something else, if the draft were activated."""
    return workflow.version is not None and _meaning(workflow.draft) != _meaning(workflow.version.graph)


def _meaning(stored: Any) -> tuple[dict[str, tuple[str, Any]], set[Any]]:
    """A graph without what only concerns people: places, notes and the order."""
    graph = parse(stored)
    return {node.id: (node.type, node.settings) for node in graph.nodes.values()}, set(graph.edges)


def _storable(graph: Graph) -> dict[str, Any]:
    draft = graph.as_json()
    try:
        text = json.dumps(draft, ensure_ascii=False, allow_nan=False)
        text.encode()
    except ValueError:
        raise MalformedGraph(UNSTORABLE) from None
    if NULL.search(text):
        raise MalformedGraph(UNSTORABLE)
    return draft
