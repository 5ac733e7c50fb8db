"""The reference of all nodes, as a page of Markdown made from the nodes themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django import forms
from django.utils import translation

from segments.conditions.field import FieldRuleForm
from workflows.nodes import NODES
from workflows.nodes.base import Node, NodeContext, NodeForm, NodeGroup
from workflows.nodes.branches import BranchesForm
from workflows.nodes.choosing import Choosing
from workflows.nodes.trees import TreeForm

ABOUT = """# Nodes

Every kind of node, with the ways out of it and its settings. The first column of a table is what the panel of the node
says, the second the key under which an exported workflow keeps it.

This page is written by `make nodes-reference` from the nodes themselves.
"""
CONDITIONS = "What is asked, as in the segment editor (see [segments](segments.md)): kept as a `definition`."
WINDOW = "When: kept as a `window` of time, as in the segment editor (see [segments](segments.md))."
RULE = "Its values are kept as a `rule`: a condition on the field, as in the segment editor."
BRANCHES = "Each branch is one of the `branches`, with its `key`, which is that of its way out, and:"


def reference() -> str:
    """The whole page, in English."""
    with translation.override("en"):
        return "\n".join([ABOUT, *(line for group in NodeGroup for line in _group(group))])


def _group(group: NodeGroup) -> Iterator[str]:
    yield f"## {group.label}\n"
    for node in NODES:
        if node.group == group:
            yield from _node(node)


def _node(node: Node) -> Iterator[str]:
    yield f"### {node.label}\n"
    yield f"{node.help}\n"
    ports = ", ".join(f"*{port.label}* (`{port.key}`)" for port in node.ports({}))
    yield f"Key `{node.key}`. " + (f"Ways out: {ports}.\n" if ports else "There is no way out.\n")
    form = _form(node, {})
    choices = {name: _by_choice(node, name, field) for name, field in form.fields.items() if _shapes(form, name)}
    only_then = {one for found in choices.values() for besides in found.values() for one in besides}
    yield from _table({name: field for name, field in form.fields.items() if name not in only_then})
    if isinstance(form, TreeForm):
        yield f"{CONDITIONS}\n"
    if hasattr(form, "window"):
        yield f"{WINDOW}\n"
    if isinstance(form, BranchesForm):
        branch = form.branches[0].form
        yield f"{BRANCHES}\n"
        yield from _table({name: field for name, field in branch.fields.items() if name != "field"})
        if isinstance(branch, FieldRuleForm):
            yield f"{RULE}\n"
    for name, found in choices.items():
        yield from _what_follows(node, name, form.fields[name], found)


def _form(node: Node, settings: dict[str, Any]) -> NodeForm:
    return node.form(settings=settings, context=NodeContext())


def _shapes(form: NodeForm, name: str) -> bool:
    """Whether there are other settings with each choice of this one, which are the same everywhere."""
    return name in getattr(form, "shaping", ()) and not isinstance(form.fields[name], Choosing)


def _by_choice(node: Node, name: str, field: forms.Field) -> dict[str, dict[str, forms.Field]]:
    """The settings that there are with each choice, without those that there always are."""
    fields = {key: _form(node, {name: key}).fields for key, _label in _choices(field)}
    always = set.intersection(*(set(found) for found in fields.values()))
    return {key: {one: of for one, of in found.items() if one not in always} for key, found in fields.items()}


def _choices(field: forms.Field) -> list[tuple[str, Any]]:
    return list(field.choices)  # type: ignore[attr-defined]


def _what_follows(
    node: Node, name: str, field: forms.Field, choices: dict[str, dict[str, forms.Field]]
) -> Iterator[str]:
    usual = list(node.ports({}))
    for key, label in _choices(field):
        if choices[key]:
            yield f"*{field.label}*: **{label}** (`{key}`)\n"
            ports = list(node.ports({name: key}))
            if ports != usual:
                yield "Ways out: " + ", ".join(f"*{one.label}* (`{one.key}`)" for one in ports) + ".\n"
            yield from _table(choices[key])


def _table(fields: dict[str, forms.Field]) -> Iterator[str]:
    if fields:
        yield "| setting | key | |"
        yield "|---|---|---|"
        for name, field in fields.items():
            yield f"| {_cell(field.label or name)} | `{name}` | {_cell(field.help_text)} |"
        yield ""


def _cell(text: Any) -> str:
    """A text in a cell of a table."""
    return re.sub(r"\s+", " ", str(text)).replace("|", "\\|")
