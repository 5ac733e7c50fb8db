"""Where workflows use segments and lists, and which of these uses forbid to delete a segment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Exists, F, OuterRef, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from contacts.uses import LIST_USES, Use
from contacts.uses import UseSource as ListUseSource
from segments.uses import USES, UseSource
from workflows.engine.frozen import open_versions, segments_of
from workflows.graph import GraphNode, parse
from workflows.models import Run, Version, Workflow
from workflows.nodes import NODES
from workflows.references import UnreadableSettings, references


def register() -> None:
    """Called once, when the app is ready."""
    counted = ngettext_lazy("%(count)s workflow", "%(count)s workflows", "count")
    USES.add(UseSource("workflows", _("Workflows"), counted, of_segments, of_segments_at_work, started_by_segments))
    LIST_USES.add(ListUseSource("workflows", _("Workflows"), of_list))


def of_segments(segment_ids: set[int]) -> dict[int, list[Use]]:
    """The workflows whose draft or whose version at work uses these segments, with the nodes that do."""
    workflows = dict(Workflow.objects.live().order_by("name", "pk").values_list("pk", "draft"))
    graphs = [*workflows.items(), *(_at_work() if workflows else [])]
    return _uses(graphs, _segments_of, segment_ids)


def of_segments_at_work(segment_ids: set[int]) -> dict[int, list[Use]]:
    """The workflows that cannot go on without these segments: active, or with contacts inside."""
    return _uses(_at_work(), _segments_of, segment_ids)


def started_by_segments(segment_ids: set[int]) -> dict[int, list[Use]]:
    """The active workflows that contacts enter by entering or leaving these segments."""
    found: dict[int, set[int]] = {}
    for version in open_versions().values():
        for pk in segment_ids & set(segments_of(version.entry_keys)):
            found.setdefault(pk, set()).add(version.workflow_id)
    names = (
        dict(Workflow.objects.filter(pk__in=set().union(*found.values())).values_list("pk", "name")) if found else {}
    )
    return {
        pk: [Use(names[one], reverse("workflows:canvas", args=[one])) for one in sorted(workflows)]
        for pk, workflows in found.items()
    }


def of_list(list_id: int) -> list[Use]:
    """The workflows that use a list, with the nodes that do."""
    drafts = list(Workflow.objects.live().order_by("name", "pk").values_list("pk", "draft"))
    graphs = [*drafts, *(_at_work() if drafts else [])]
    return _uses(graphs, _lists_of, {list_id}).get(list_id, [])


def _at_work() -> list[tuple[int, Any]]:
    """The graphs, each with its workflow, that contacts can enter or are in."""
    inside = Run.objects.inside().real().filter(version=OuterRef("pk"))
    in_force = Q(pk=F("workflow__version_id"), workflow__state=Workflow.State.ACTIVE)
    found = Version.objects.filter(in_force | Exists(inside), workflow__deleted_at__isnull=True)
    return list(found.order_by("workflow__name", "pk").values_list("workflow_id", "graph"))


def _uses(graphs: Iterable[tuple[int, Any]], used_by: Any, wanted: set[int]) -> dict[int, list[Use]]:
    """For each of the wanted ids one use for each workflow, which names its nodes."""
    found: dict[int, dict[int, dict[str, None]]] = {}
    for workflow_id, stored in graphs:
        for node in parse(stored).nodes.values():
            for pk in wanted & used_by(node):
                label = str(NODES[node.type].label) if node.type in NODES else node.type
                found.setdefault(pk, {}).setdefault(workflow_id, {})[label] = None
    named = {workflow_id for workflows in found.values() for workflow_id in workflows}
    names = dict(Workflow.objects.filter(pk__in=named).values_list("pk", "name")) if named else {}
    return {
        pk: [
            Use(f"{names[workflow_id]}: {', '.join(labels)}", reverse("workflows:canvas", args=[workflow_id]))
            for workflow_id, labels in workflows.items()
        ]
        for pk, workflows in found.items()
    }


def _segments_of(node: GraphNode) -> set[int]:
    by_kind = NODES[node.type].segments(node.settings) if node.type in NODES else set()
    return by_kind | _of_kind(node, "segment")


def _lists_of(node: GraphNode) -> set[int]:
    return _of_kind(node, "list")


def _of_kind(node: GraphNode, kind: str) -> set[int]:
    try:
        return {pk for found, pk in references(node) if found == kind}
    except UnreadableSettings:
        return set()  # a draft may hold anything; it cannot be activated like this
