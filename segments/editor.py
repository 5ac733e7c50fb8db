"""The segment editor: a definition as a tree of groups and conditions that one HTML form holds.

Every node prints a hidden ``node=id:parent:kind`` and its inputs under names that begin with its random id, so that
adding and removing never renumbers. ``kind`` is ``group``, or the subject that a condition's inputs were printed for:
the key of a contact field, the key of another kind of condition, or nothing yet. The form that comes back has the
subject that is wanted now in ``id-subject``, and ``id-checked`` for a condition whose faults were shown.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator, MutableMapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django import forms
from django.core.exceptions import BadRequest
from django.forms.boundfield import BoundField
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from segments.compiler import DEEPEST, MATCHES, VERSION, Definition, validate
from segments.conditions import CONDITIONS, Condition
from segments.context import Context
from segments.faults import DefinitionError, EntryError, Fault, Path
from segments.models import Segment
from segments.rule_form import RuleForm

GROUP = "group"
FIELD = "field"
NODE = re.compile(r"(?P<id>[a-z0-9]{1,16}):(?P<parent>[a-z0-9]{0,16}):(?P<kind>[\w.]{0,80})", re.ASCII)
FEW_CHOICES = 15
SUBJECTS = ("field", "event")
LEADING = ("metric", "property")

WHAT_TO_DO = {
    forms.MultipleChoiceField: gettext_lazy("Choose at least one."),
    forms.ChoiceField: gettext_lazy("Choose one."),
    forms.Field: gettext_lazy("Enter a value."),
}


def new_id() -> str:
    return f"n{secrets.token_hex(4)}"


@dataclass(frozen=True)
class Option:
    """One of several choices of a condition."""

    value: str
    label: str
    chosen: bool


@dataclass
class Row:
    """One condition: its subject and, once there is one, the form of its kind.

    ``messages`` are the faults that belong to the condition as a whole. ``is_new`` says that it was added just now: the
    keyboard goes on from there.
    """

    id: str
    parent: str
    subject: str = ""
    form: RuleForm | None = None
    is_new: bool = False
    messages: list[str] = field(default_factory=list)
    is_group = False

    @property
    def inputs(self) -> list[BoundField]:
        """What is filled in after the operator, in order."""
        return [bound for bound in self.form or () if bound.name not in (*SUBJECTS, *LEADING, "operator", "only_set")]

    @property
    def leading(self) -> list[BoundField]:
        """What is filled in before the operator."""
        return [bound for bound in self.form or () if bound.name in LEADING]

    @property
    def operator(self) -> BoundField | None:
        return self.form["operator"] if self.form and "operator" in self.form.fields else None

    @property
    def only_set(self) -> BoundField | None:
        return self.form["only_set"] if self.form and "only_set" in self.form.fields else None

    @property
    def faulty(self) -> list[tuple[BoundField, bool]]:
        """The inputs with something wrong, each with whether the same is said of one before it."""
        forms = self.form.forms() if self.form else ()
        bounds = [bound for form in forms for bound in form if bound.errors]
        said = [list(bound.errors) for bound in bounds]
        return [(bound, said[place] in said[:place]) for place, bound in enumerate(bounds)]

    @property
    def whole(self) -> list[str]:
        """What is wrong with the condition as a whole."""
        forms = self.form.forms() if self.form else ()
        return [*self.messages, *(str(message) for form in forms for message in form.non_field_errors())]

    @property
    def is_faulty(self) -> bool:
        return bool(self.whole or self.faulty)

    @cached_property
    def options(self) -> list[Option]:
        """The choices of an operator that takes several."""
        bound = self.inputs[0]
        chosen = {str(value) for value in bound.value() or []}
        choices: Iterable[tuple[Any, Any]] = bound.field.choices  # type: ignore[attr-defined]
        return [Option(str(value), str(label), str(value) in chosen) for value, label in choices]

    @property
    def chosen(self) -> list[Option]:
        return [option for option in self.options if option.chosen]

    @property
    def has_many_options(self) -> bool:
        return len(self.options) > FEW_CHOICES

    def check(self) -> bool:
        """Find what is missing or wrong; returns whether the condition is complete."""
        if self.form is None:
            self.messages = [_("Choose what the condition is about, or remove it.")]
            return False
        for form in self.form.forms():
            form.full_clean()
        return self.form.is_valid()

    def forget_faults(self) -> None:
        self.messages = []
        if self.form:
            self.form.leave_unchecked()


@dataclass
class Group:
    """Conditions and groups of which all, any or none must hold.

    ``is_left`` says that something in it was removed just now: the keyboard goes on from the group.
    """

    id: str
    parent: str = ""
    match: str = "all"
    nodes: list[Row | Group] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    is_left: bool = False
    is_group = True

    def rows(self) -> Iterator[Row]:
        """The conditions of the group and of those in it."""
        for node in self.nodes:
            if isinstance(node, Row):
                yield node
            else:
                yield from node.rows()

    def groups(self) -> Iterator[Group]:
        """The group itself and those in it."""
        yield self
        for node in self.nodes:
            if isinstance(node, Group):
                yield from node.groups()


class Tree:
    """The whole definition as it is being edited, for a segment of this ``kind``."""

    def __init__(self, root: Group, *, kind: str, context: Context) -> None:
        self.root = root
        self.kind = kind
        self.context = context

    @classmethod
    def new(cls, *, kind: str, context: Context) -> Tree:
        """A group with one condition to begin with."""
        root = Group(new_id())
        root.nodes.append(Row(new_id(), root.id))
        return cls(root, kind=kind, context=context)

    def add(self, group_id: str) -> None:
        """Add an empty condition to a group. Raises BadRequest when there is no such group."""
        group = next((group for group in self.root.groups() if group.id == group_id), None)
        if group is None:
            raise BadRequest(f"no group {group_id!r}")
        group.nodes.append(Row(new_id(), group.id, is_new=True))

    def remove(self, node_id: str) -> None:
        """Remove a condition or a group with all that is in it; one that is gone already is no fault."""
        for group in self.root.groups():
            kept = [node for node in group.nodes if node.id != node_id]
            group.is_left = len(kept) < len(group.nodes)
            group.nodes = kept

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

    def _node_at(self, path: Path) -> Row | Group:
        node: Row | Group = self.root
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
        subjects = {row.subject for row in rows if _condition(row.subject).key == FIELD}
        archived = [
            (key, str(catalogue[key].label)) for key in sorted(subjects) if key in catalogue and catalogue[key].archived
        ]
        missing = [(key, key) for key in sorted(subjects) if key not in catalogue]
        return [group for group in ((_("Archived"), archived), (_("Deleted"), missing)) if group[1]]


def _as_json(group: Group) -> dict[str, Any]:
    rules = [_as_json(node) if isinstance(node, Group) else _rule(node) for node in group.nodes]
    return {"match": group.match, "rules": rules}


def _rule(row: Row) -> dict[str, Any]:
    assert row.form
    return row.form.rule()


def tree_of(definition: Definition, *, kind: str, context: Context) -> Tree:
    """The tree of a stored definition. Conditions that are no longer right show what is wrong with them."""
    return Tree(_stored_group(definition, "", context), kind=kind, context=context)


def _stored_group(group: Definition, parent: str, context: Context) -> Group:
    node = Group(new_id(), parent, group["match"])
    for rule in group["rules"]:
        stored = _stored_group if "match" in rule else _stored_row
        node.nodes.append(stored(rule, node.id, context))
    return node


def _stored_row(rule: dict[str, Any], parent: str, context: Context) -> Row:
    row_id = new_id()
    subject = CONDITIONS[rule["type"]].subject(rule)
    messages = []
    try:
        values = _condition(subject).unpack(rule, context)
    except EntryError as error:
        values = {"operator": rule.get("operator")}
        messages = [str(error)]
    data = {f"{row_id}-{name}": value for name, value in values.items()}
    row = Row(row_id, parent, subject, _form(row_id, subject, data, context), messages=messages)
    row.check()
    return row


def read_tree(posted: QueryDict, *, kind: str, context: Context) -> Tree:
    """The tree as the editor's form has it. Raises BadRequest for a form that the editor cannot have printed."""
    data = posted.copy()
    _change_lists(data)
    groups: dict[str, tuple[Group, int]] = {}
    seen: set[str] = set()
    root: Group | None = None
    for printed in data.getlist("node"):
        match = NODE.fullmatch(printed)
        if match is None or match["id"] in seen:
            raise BadRequest("malformed node")
        seen.add(match["id"])
        node = _read_node(match["id"], match["parent"], match["kind"], data, context)
        if root is None and isinstance(node, Group) and not node.parent:
            root, depth = node, 1
        elif node.parent in groups:
            parent, depth = groups[node.parent]
            parent.nodes.append(node)
            depth += 1
        else:
            raise BadRequest("node outside of the tree")
        if isinstance(node, Group):
            groups[node.id] = node, depth
        if depth > DEEPEST + 1:
            raise BadRequest("tree too deep")
    if root is None:
        raise BadRequest("no tree")
    return Tree(root, kind=kind, context=context)


def _read_node(node_id: str, parent: str, kind: str, data: QueryDict, context: Context) -> Row | Group:
    if kind == GROUP:
        match = data.get(f"{node_id}-match", "")
        if match not in MATCHES:
            raise BadRequest("malformed group")
        return Group(node_id, parent, match)
    subject = data.get(f"{node_id}-subject", "")
    changed = subject != kind
    row = Row(node_id, parent, subject)
    if subject:
        if changed:
            _drop_what_does_not_fit(node_id, subject, data, context)
        row.form = _form(node_id, subject, data, context)
    if f"{node_id}-checked" in data and not changed:
        row.check()
    else:
        row.forget_faults()
    return row


def _change_lists(data: QueryDict) -> None:
    """Add a part to a list of a condition, or remove one: ``more=list`` and ``less=list:part`` say which."""
    for name in data.getlist("more"):
        data.appendlist(name, new_id())
    for pressed in data.getlist("less"):
        name, _separator, part = pressed.partition(":")
        data.setlist(name, [one for one in data.getlist(name) if one != part])


def _condition(subject: str) -> Condition:
    """The kind of condition that has this subject; a subject that nobody knows is a field that is missing."""
    others = (one for one in CONDITIONS if one.key != FIELD and one.given_by(subject) is not None)
    return next(others, CONDITIONS[FIELD])


def _form(row_id: str, subject: str, data: MutableMapping[str, Any], context: Context) -> RuleForm:
    """The condition's form. Inputs that are new in it begin with their initial values."""
    condition = _condition(subject)
    for name, value in (condition.given_by(subject) or {}).items():
        data[f"{row_id}-{name}"] = value
    form = condition.form(data, context=context, prefix=row_id)
    while missing := dict(_missing(form, data)):
        for name, value in missing.items():
            if isinstance(data, QueryDict) and isinstance(value, list):
                data.setlist(name, value)
            else:
                data[name] = value
        form = condition.form(data, context=context, prefix=row_id)
    for one in form.forms():
        for name in one.shaping:
            if name in one.fields:
                one.fields[name].widget.attrs["hx-post"] = ""
        for bound in one.fields.values():
            bound.error_messages["required"] = next(
                text for kind, text in WHAT_TO_DO.items() if isinstance(bound, kind)
            )
    return form


def _missing(form: RuleForm, data: MutableMapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What new inputs and lists of a condition begin with, by their names in the data."""
    for one in form.forms():
        for name, new in one.fields.items():
            if new.initial is not None and one.given(name) is None:
                yield one.add_prefix(name), new.initial
        for name, count in one.begins_with.items():
            if not data.get(one.add_prefix(name)):
                yield one.add_prefix(name), [new_id() for _part in range(count)]


def _drop_what_does_not_fit(row_id: str, subject: str, data: QueryDict, context: Context) -> None:
    """Of the operator and the values of another subject, keep those that are right for this one."""
    form = _form(row_id, subject, data, context)
    if "operator" in form.fields:
        operators = [key for key, _label in form.fields["operator"].choices]  # type: ignore[attr-defined]
        if form.given("operator") not in operators:
            data[f"{row_id}-operator"] = operators[0]
            form = _form(row_id, subject, data, context)
    for one in form.forms():
        for name in one.errors:
            for key in (name, f"{name}_0", f"{name}_1"):
                data.pop(one.add_prefix(key), None)
