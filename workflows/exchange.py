"""Workflows as files: exported as JSON, and imported, here or at another installation.

A file names the segments, lists and workflows that its nodes refer to, because their ids mean nothing elsewhere. On
import each is looked up by what it is called. For what is not found the node gets a reference to nothing, which is a
fault that has to be put right before the activation, and its note says what was meant.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from contacts.folding import fold
from contacts.models import ContactList
from crm.models import User
from segments.models import Segment
from workflows.cards import board_of
from workflows.drafting import create, free_name
from workflows.graph import LONGEST_NOTE, Graph, GraphNode, MalformedGraph, parse
from workflows.models import Workflow
from workflows.nodes import NODES
from workflows.nodes.base import NodeContext
from workflows.references import KINDS, UnreadableSettings, references, with_others

FORMAT, VERSION = "muster workflow", 1
LARGEST_FILE = 1_000_000  # bytes
DEEPEST = 40
NOBODY = -1  # an id that nothing has


class CannotImport(ValueError):
    """The file is no exported workflow, or one that cannot be read; the text says why."""


@dataclass(frozen=True)
class Imported:
    """A workflow from a file, and what it refers to that there is not here, in words."""

    workflow: Workflow
    missing: list[str]


def exported(workflow: Workflow) -> dict[str, Any]:
    """The draft as a file holds it."""
    graph = parse(workflow.draft)
    used: dict[str, set[int]] = {kind: set() for kind in KINDS}
    for node in graph.nodes.values():
        for kind, pk in references(node):
            used[kind].add(pk)
    segments = Segment.objects.filter(pk__in=used["segment"]).order_by("pk").values_list("pk", "name", "kind")
    lists = ContactList.objects.filter(pk__in=used["list"]).order_by("pk").values_list("pk", "name")
    workflows = Workflow.objects.filter(pk__in=used["workflow"]).order_by("pk").values_list("pk", "name")
    return {
        "format": FORMAT,
        "version": VERSION,
        "name": workflow.name,
        "description": workflow.description,
        "graph": without_what_stays_here(graph).as_json(),
        "segments": {str(pk): {"name": name, "kind": kind} for pk, name, kind in segments},
        "lists": {str(pk): {"name": name} for pk, name in lists},
        "workflows": {str(pk): {"name": name} for pk, name in workflows},
    }


def without_what_stays_here(graph: Graph) -> Graph:
    """The graph without what its nodes hold that is nobody's business elsewhere, such as secrets."""
    nodes = {}
    for node in graph.nodes.values():
        stays = NODES[node.type].form.stays_here if node.type in NODES else ()
        kept = {name: value for name, value in node.settings.items() if name not in stays}
        nodes[node.id] = replace(node, settings=kept)
    return Graph(nodes, graph.edges)


def as_text(workflow: Workflow) -> str:
    """The file's text."""
    return json.dumps(exported(workflow), ensure_ascii=False, indent=2) + "\n"


def import_workflow(content: bytes, *, now: datetime, user: User | None, name: str = "", folder: str = "") -> Imported:
    """Create a workflow from a file, as a draft. Raises `CannotImport`."""
    stored = _read(content)
    try:
        graph = parse(stored.get("graph"))
        graph, missing = _with_own_references(graph, stored)
        _try_to_show(graph)
        workflow = create(
            name=free_name(name or _text(stored, "name", 200) or _("Imported workflow")),
            description=_text(stored, "description", 2000),
            folder=folder,
            draft=graph.as_json(),
            now=now,
            user=user,
        )
    except UnreadableSettings as error:
        raise CannotImport(_("The settings of “%(node)s” cannot be read.") % {"node": error.node}) from error
    except MalformedGraph as error:
        raise CannotImport(str(error)) from error
    return Imported(workflow, missing)


def _read(content: bytes) -> dict[str, Any]:
    if len(content) > LARGEST_FILE:
        raise CannotImport(_("The file is too large: a workflow has at most 1 MB."))
    try:
        stored = json.loads(content, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise CannotImport(_("The file is not JSON.")) from None
    if not isinstance(stored, dict) or stored.get("format") != FORMAT:
        raise CannotImport(_("The file is no exported workflow."))
    if stored.get("version") != VERSION:
        raise CannotImport(_("The file comes from a version of Muster whose workflows cannot be read here."))
    if _depth(stored) > DEEPEST:
        raise CannotImport(_("The file is nested too deeply."))
    return stored


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _depth(value: Any) -> int:
    """How deep a value is nested; deeper than `DEEPEST` is not counted on."""
    level, depth = [value], 0
    while level and depth <= DEEPEST:
        depth += 1
        inner: list[Any] = []
        for one in level:
            inner += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        level = [one for one in inner if isinstance(one, dict | list)]
    return depth


def _text(stored: Mapping[str, Any], key: str, longest: int) -> str:
    text = stored.get(key)
    if not isinstance(text, str):
        return ""
    return "".join(sign for sign in text if sign.isprintable() or sign in "\n\t")[:longest].strip()


def _with_own_references(graph: Graph, stored: Mapping[str, Any]) -> tuple[Graph, list[str]]:
    """The graph with the ids of what is called the same here; and what there is not."""
    here = _found_here()
    missing: dict[str, None] = {}
    nodes: dict[str, GraphNode] = {}
    for node in graph.nodes.values():
        gone: dict[str, None] = {}

        def own(kind: str, pk: int, gone: dict[str, None] = gone) -> int:
            name, of_type = _meant(stored, kind, pk)
            if (kind, fold(name), of_type) in here:
                return here[kind, fold(name), of_type]
            gone[_in_words(kind, name)] = None
            return NOBODY

        changed = replace(node, settings=with_others(node, own))
        if gone:
            note = "\n".join(filter(None, [node.note, _("Not found here: %(what)s") % {"what": ", ".join(gone)}]))
            changed = replace(changed, note=note[:LONGEST_NOTE])
        nodes[node.id] = changed
        missing |= gone
    return Graph(nodes, graph.edges), list(missing)


def _meant(stored: Mapping[str, Any], kind: str, pk: int) -> tuple[str, str]:
    """What an id in the file refers to: its name, and for segments their type."""
    listed = stored.get(f"{kind}s")
    found = listed.get(str(pk)) if isinstance(listed, dict) else None
    if not isinstance(found, dict) or not isinstance(found.get("name"), str):
        return "", ""
    return found["name"][:200], str(found.get("kind", "")) if kind == "segment" else ""


def _in_words(kind: str, name: str) -> str:
    words = {"segment": _("segment “%(name)s”"), "list": _("list “%(name)s”"), "workflow": _("workflow “%(name)s”")}
    return words[kind] % {"name": name or "?"}


def _found_here() -> dict[tuple[str, str, str], int]:
    """Ids by kind, name as it is compared, and type."""
    segments = Segment.objects.live().values_list("pk", "name", "kind")
    lists = ContactList.objects.values_list("pk", "name")
    workflows = Workflow.objects.live().values_list("pk", "name")
    return {
        **{("segment", fold(name), kind): pk for pk, name, kind in segments},
        **{("list", fold(name), ""): pk for pk, name in lists},
        **{("workflow", fold(name), ""): pk for pk, name in workflows},
    }


def _try_to_show(graph: Graph) -> None:
    """Refuse settings with which the pages could not show the workflow."""
    for node in graph.nodes.values():
        alone = Graph({node.id: node}, ())
        try:
            board_of(alone, NodeContext(alone))
        except Exception as error:  # whatever a kind makes of settings that nobody wrote here
            raise UnreadableSettings(node.id) from error
