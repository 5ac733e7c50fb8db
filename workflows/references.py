"""What the settings of nodes refer to by id: segments, lists, and other workflows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from workflows.graph import GraphNode
from workflows.nodes import NODES
from workflows.nodes.base import NodeContext
from workflows.nodes.choosing import ListField, SegmentField

KINDS = ("segment", "list", "workflow")

Other = Callable[[str, int], int]


class UnreadableSettings(ValueError):
    """The settings of the ``node`` are none that its form can read."""

    def __init__(self, node: str) -> None:
        super().__init__(f"the settings of {node} cannot be read")
        self.node = node


def references(node: GraphNode) -> list[tuple[str, int]]:
    """The kinds and ids of what the node refers to, each once. Raises `UnreadableSettings`."""
    found: dict[tuple[str, int], None] = {}

    def remember(kind: str, pk: int) -> int:
        found[kind, pk] = None
        return pk

    with_others(node, remember)
    return list(found)


def with_others(node: GraphNode, other: Other) -> dict[str, Any]:
    """The settings with another id for every one in them: those that the node's form chooses, and those of conditions.

    Raises `UnreadableSettings`.
    """
    settings = {key: _in_conditions(value, other) for key, value in node.settings.items()}
    for name, kind in _chosen(node):
        if name in settings:
            settings[name] = _each(settings[name], kind, other)
    return settings


def _each(value: Any, kind: str, other: Other) -> Any:
    if isinstance(value, list):
        return [_each(one, kind, other) for one in value]
    return other(kind, value) if _is_id(value) else value


def _in_conditions(value: Any, other: Other) -> Any:
    if isinstance(value, list):
        return [_in_conditions(one, other) for one in value]
    if not isinstance(value, dict):
        return value
    inner = {key: _in_conditions(one, other) for key, one in value.items()}
    kind = value.get("type")
    if kind in ("segment", "list") and _is_id(value.get(kind)):
        inner[kind] = other(kind, value[kind])
    return inner


def _chosen(node: GraphNode) -> Iterator[tuple[str, str]]:
    """The settings of the node's form that choose something, each with what it chooses."""
    if node.type not in NODES:
        return
    try:
        form = NODES[node.type].form.checked(node.settings, NodeContext())
    except Exception as error:  # whatever a form of any kind makes of settings that nobody wrote here
        raise UnreadableSettings(node.id) from error
    for name, field in form.fields.items():
        if isinstance(field, SegmentField):
            yield name, "segment"
        elif isinstance(field, ListField):
            yield name, "list"
        elif name == "workflow":
            yield name, "workflow"


def _is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
