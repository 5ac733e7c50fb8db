"""The segment editor: a definition as a tree of groups and conditions that one HTML form holds.

Every node prints a hidden ``node=id:parent:kind`` and its inputs under names that begin with its random id, so that
adding and removing never renumbers. ``kind`` is ``group``, or the subject that a condition's inputs were printed for:
the key of a contact field, the key of another kind of condition, or nothing yet. The form that comes back has the
subject that is wanted now in ``id-subject``, and ``id-checked`` for a condition whose faults were shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from django.core.exceptions import BadRequest
from django.http import QueryDict
from django.utils.translation import gettext as _

from contacts.event_types import is_event_type
from segments.compiler import DEEPEST, MATCHES, MOST_CONDITIONS, VERSION, Definition, rules, validate
from segments.conditions import CONDITIONS
from segments.context import Context
from segments.faults import DefinitionError, EntryError, Fault, Path
from segments.models import Segment
from segments.row_forms import (
    FIELD,
    change_lists,
    condition_of,
    drop_what_does_not_fit,
    form_for,
    lead_the_keyboard,
    new_id,
    renamed,
)
from segments.tree import Group, Node, Row

GROUP = "group"
NODE = re.compile(r"(?P<id>[a-z0-9]{1,16}):(?P<parent>[a-z0-9]{0,16}):(?P<kind>[\w.]{0,80})", re.ASCII)


class Tree:
    """The whole definition as it is being edited, for a segment of this ``kind``."""

    deepest = DEEPEST
    most = MOST_CONDITIONS

    def __init__(self, root: Group, *, kind: str, context: Context) -> None:
        self.root = root
        self.kind = kind
        self.context = context

    @classmethod
    def new(cls, *, kind: str, context: Context) -> Tree:
        """A group with one condition to begin with."""
        root = Group(new_id())
        root.nodes.append(Row(new_id(), root))
        return cls(root, kind=kind, context=context)

    @property
    def nests(self) -> bool:
        """Whether there can be groups in groups, and others than of all."""
        return self.kind == Segment.Kind.DYNAMIC_PLUS

    @property
    def room(self) -> int:
        """How many conditions can be added."""
        return max(0, MOST_CONDITIONS - sum(1 for _row in self.root.rows()))

    def nodes(self) -> Iterator[Node]:
        """All groups and conditions."""
        for group in self.root.groups():
            yield group
            yield from (node for node in group.nodes if not node.is_group)

    def add(self, group_id: str) -> None:
        """Add an empty condition to a group. Raises BadRequest when there is no such group."""
        group = self._group(group_id)
        if self._has_room(1, group):
            group.nodes.append(Row(new_id(), group, is_new=True))

    def add_group(self, group_id: str) -> None:
        """Add a group with an empty condition to a group. Raises BadRequest when none can be added there."""
        group = self._group(group_id)
        if not self.nests or group.is_deepest:
            raise BadRequest(f"no group in {group_id!r}")
        if self._has_room(1, group):
            added = Group(new_id(), group, match="any" if group.match == "all" else "all", is_new=True)
            added.nodes.append(Row(new_id(), added))
            group.nodes.append(added)

    def duplicate(self, node_id: str) -> None:
        """Put a copy of a condition or a group after it. Raises BadRequest when there is no such node."""
        node = self._node(node_id)
        if node.group and self._has_room(len(list(_rows(node))), node.group):
            copy = self._copy(node, node.group)
            copy.is_new = True
            node.group.put(copy, node.group.nodes.index(node) + 1)

    def move(self, node_id: str, way: str) -> None:
        """Move a condition or a group. Raises BadRequest when it cannot be moved so."""
        self._node(node_id).move(way)

    def remove(self, node_id: str) -> None:
        """Remove a condition or a group with all that is in it; one that is gone already is no fault."""
        for group in self.root.groups():
            kept = [node for node in group.nodes if node.id != node_id]
            group.is_left = len(kept) < len(group.nodes)
            group.nodes = kept

    def change(self, posted: QueryDict) -> None:
        """Do what was pressed. A changed subject or operator needs nothing: the tree was read with it.

        Raises BadRequest for what cannot be pressed.
        """
        pressed = {"add": self.add, "nest": self.add_group, "duplicate": self.duplicate, "remove": self.remove}
        for name, change in pressed.items():
            if name in posted:
                change(posted.get(name, ""))
        if "move" in posted:
            way, _separator, node = posted.get("move", "").partition(":")
            self.move(node, way)

    def _node(self, node_id: str) -> Node:
        node = next((node for node in self.nodes() if node.id == node_id and node is not self.root), None)
        if node is None:
            raise BadRequest(f"no node {node_id!r}")
        return node

    def _group(self, group_id: str) -> Group:
        group = next((group for group in self.root.groups() if group.id == group_id), None)
        if group is None:
            raise BadRequest(f"no group {group_id!r}")
        return group

    def _has_room(self, conditions: int, group: Group) -> bool:
        """Whether so many conditions can be added; if not, the group says so."""
        if conditions <= self.room:
            return True
        group.messages.append(_("A segment has at most %(most)s conditions.") % {"most": MOST_CONDITIONS})
        return False

    def _copy(self, node: Node, group: Group) -> Node:
        if isinstance(node, Group):
            copied = Group(new_id(), group, match=node.match)
            copied.nodes = [self._copy(one, copied) for one in node.nodes]
            return copied
        assert isinstance(node, Row)
        copy = Row(new_id(), group, subject=node.subject)
        if node.form:
            copy.form = form_for(copy.id, copy.subject, renamed(node.form.data, node.id, copy.id), self.context)
            copy.forget_faults()
        return copy

    def checked_definition(self) -> Definition | None:
        """The definition if everything in it is right; otherwise None, and the nodes show what is wrong."""
        complete = [row.check() for row in self.root.rows()]
        for group in self.root.groups():
            if not group.nodes:
                group.messages = [_("Add a condition: without one nobody would be in the segment.")]
                complete.append(False)
        if not all(complete):
            return None
        try:
            return validate({"version": VERSION, **_as_json(self.root)}, kind=self.kind, context=self.context)
        except DefinitionError as error:
            self.show(error.faults)
            return None

    def complete_definition(self) -> Definition | None:
        """The definition if everything in it is right, otherwise None; what is not complete yet is no fault."""
        shown = {row.id for row in self.root.rows() if row.is_faulty}
        definition = self.checked_definition()
        for row in self.root.rows():
            if row.id not in shown:
                row.forget_faults()
        for group in self.root.groups():
            group.messages = []
        return definition

    def show(self, faults: Iterable[Fault]) -> None:
        """Show faults of the definition at the conditions and groups that they are in."""
        for fault in faults:
            self._node_at(fault.path).messages.append(fault.message)

    def _node_at(self, path: Path) -> Node:
        node: Node = self.root
        for part in path:
            if isinstance(part, int) and isinstance(node, Group) and part < len(node.nodes):
                node = node.nodes[part]
        return node

    def subjects(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """What a condition can be about, under the headings that people know."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for condition in CONDITIONS:
            if condition.dynamic or self.kind == Segment.Kind.DYNAMIC_PLUS:
                for group, subjects in condition.subjects(self.context):
                    groups.setdefault(group, []).extend(subjects)
        return [*groups.items(), *self._no_longer_offered()]

    def _no_longer_offered(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """Archived and missing fields that conditions of the tree are about."""
        catalogue = self.context.catalogue
        rows = (row for row in self.root.rows() if row.subject)
        subjects = {row.subject for row in rows if condition_of(row.subject).key == FIELD}
        archived = [
            (key, str(catalogue[key].label)) for key in sorted(subjects) if key in catalogue and catalogue[key].archived
        ]
        missing = [(key, key) for key in sorted(subjects) if key not in catalogue]
        return [group for group in ((_("Archived"), archived), (_("Deleted"), missing)) if group[1]]


def _rows(node: Node) -> Iterable[Row]:
    """The conditions in a group, or the one condition."""
    if isinstance(node, Group):
        return node.rows()
    assert isinstance(node, Row)
    return [node]


def _as_json(node: Node) -> dict[str, Any]:
    if isinstance(node, Group):
        return {"match": node.match, "rules": [_as_json(one) for one in node.nodes]}
    assert isinstance(node, Row)
    assert node.form
    return node.form.rule()


def tree_of(definition: Definition, *, kind: str, context: Context) -> Tree:
    """The tree of a stored definition. Conditions that are no longer right show what is wrong with them."""
    context.expect_events(_event_types_of(definition))
    return Tree(_stored_group(definition, None, context), kind=kind, context=context)


def _event_types_of(definition: Definition) -> Iterator[str]:
    """The types of events that a stored definition asks about, as far as it can be read."""
    for rule in rules(definition):
        steps = rule.get("steps")
        for named in (rule, *(steps if isinstance(steps, list) else ())):
            if isinstance(named, dict) and is_event_type(named.get("event")):
                yield named["event"]


def _stored_group(group: Definition, outer: Group | None, context: Context) -> Group:
    node = Group(new_id(), outer, match=group["match"])
    for rule in group["rules"]:
        stored = _stored_group if "match" in rule else _stored_row
        node.nodes.append(stored(rule, node, context))
    return node


def _stored_row(rule: dict[str, Any], group: Group, context: Context) -> Row:
    row_id = new_id()
    subject = CONDITIONS[rule["type"]].subject(rule)
    messages = []
    try:
        values = condition_of(subject).unpack(rule, context)
    except EntryError as error:
        values = {"operator": rule.get("operator")}
        messages = [str(error)]
    data = {f"{row_id}-{name}": value for name, value in values.items()}
    row = Row(row_id, group, messages, subject=subject, form=form_for(row_id, subject, data, context))
    row.check()
    return row


def read_tree(posted: QueryDict, *, kind: str, context: Context) -> Tree:
    """The tree as the editor's form has it. Raises BadRequest for a form that the editor cannot have printed."""
    data = posted.copy()
    change_lists(data)
    context.expect_events(_event_types_in(data))
    groups: dict[str, Group] = {}
    seen: set[str] = set()
    root: Group | None = None
    for printed in data.getlist("node"):
        match = NODE.fullmatch(printed)
        if match is None or match["id"] in seen:
            raise BadRequest("malformed node")
        seen.add(match["id"])
        group = groups.get(match["parent"])
        if group is None and (root or match["parent"] or match["kind"] != GROUP):
            raise BadRequest("node outside of the tree")
        if match["kind"] == GROUP:
            node: Node = _read_group(match["id"], group, data)
        else:
            node = _read_row(match["id"], group, match["kind"], data, context)
        if group:
            group.nodes.append(node)
        if isinstance(node, Group):
            groups[node.id] = node
            root = root or node
            if node.depth > DEEPEST:
                raise BadRequest("tree too deep")
    if root is None:
        raise BadRequest("no tree")
    return Tree(root, kind=kind, context=context)


def _event_types_in(data: QueryDict) -> Iterator[str]:
    """The types of events that a form asks about."""
    for name in data:
        value = data.get(name, "")
        given = {"event": value}
        if name.endswith("-subject"):
            given = condition_of(value).given_by(value) or {}
        elif not name.endswith("-event"):
            continue
        if is_event_type(given.get("event")):
            yield given["event"]


def _read_group(group_id: str, outer: Group | None, data: QueryDict) -> Group:
    match = data.get(f"{group_id}-match", "")
    if match not in MATCHES:
        raise BadRequest("malformed group")
    return Group(group_id, outer, match=match)


def _read_row(row_id: str, group: Group | None, printed_for: str, data: QueryDict, context: Context) -> Row:
    subject = data.get(f"{row_id}-subject", "")
    changed = subject != printed_for
    row = Row(row_id, group, subject=subject)
    if subject:
        if changed:
            drop_what_does_not_fit(row_id, subject, data, context)
        row.form = form_for(row_id, subject, data, context)
    if f"{row_id}-checked" in data and not changed:
        row.check()
    else:
        row.forget_faults()
    if row.form:
        lead_the_keyboard(row.form, data)
    return row
