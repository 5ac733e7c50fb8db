"""The groups and conditions of a definition while it is being edited: what they show, and how they can be moved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django import forms
from django.core.exceptions import BadRequest
from django.forms.boundfield import BoundField
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from segments.compiler import DEEPEST
from segments.rule_form import RuleForm

FEW_CHOICES = 15


@dataclass(frozen=True)
class Option:
    """One of several choices of a condition."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True)
class Move:
    """One way to move a condition or a group; ``icon`` is the name of a lucide icon."""

    key: str
    icon: str
    label: str | Promise


UP = Move("up", "arrow-up", gettext_lazy("Move up"))
DOWN = Move("down", "arrow-down", gettext_lazy("Move down"))
INTO = Move("into", "list-indent-increase", gettext_lazy("Move into the group before"))
OUT = Move("out", "list-indent-decrease", gettext_lazy("Move out of the group"))


@dataclass(eq=False)
class Node:
    """A condition or a group. ``group`` is the one it stands in, None for the outermost.

    ``messages`` are the faults that belong to it as a whole. ``is_new`` and ``is_moved`` say that this happened just
    now: the keyboard goes on from there.
    """

    id: str
    group: Group | None = None
    messages: list[str] = field(default_factory=list)
    is_new: bool = False
    is_moved: bool = False
    is_group = False
    height = 0

    @property
    def number(self) -> str:
        """Its place as people count: 2.1 is the first in the second; empty for the outermost group."""
        if self.group is None:
            return ""
        above = f"{self.group.number}." if self.group.group else ""
        return f"{above}{self.group.nodes.index(self) + 1}"

    @property
    def before(self) -> Node | None:
        """What stands before it in its group."""
        place = self.group.nodes.index(self) if self.group else 0
        return self.group.nodes[place - 1] if self.group and place else None

    def moves(self) -> list[Move]:
        """The ways in which it can be moved."""
        if self.group is None:
            return []
        before = self.before
        moves = []
        if before:
            moves.append(UP)
        if self.group.nodes[-1] is not self:
            moves.append(DOWN)
        if isinstance(before, Group) and before.has_room_for(self):
            moves.append(INTO)
        if self.group.group:
            moves.append(OUT)
        return moves

    def move(self, key: str) -> None:
        """Move it. Raises BadRequest for a way in which it cannot be moved."""
        move = next((move for move in self.moves() if move.key == key), None)
        if move is None or self.group is None:
            raise BadRequest(f"no way to move {key!r}")
        self.is_moved = True
        group, place, before = self.group, self.group.nodes.index(self), self.before
        if move is UP or move is DOWN:
            group.put(self, place - 1 if move is UP else place + 1)
        elif isinstance(before, Group) and move is INTO:
            before.put(self, len(before.nodes))
        elif group.group:
            group.group.put(self, group.group.nodes.index(group) + 1)


@dataclass(eq=False)
class Row(Node):
    """One condition: its subject and, once there is one, the form of its kind."""

    subject: str = ""
    form: RuleForm | None = None

    @property
    def faulty(self) -> list[tuple[BoundField, bool]]:
        """The inputs with something wrong, each with whether the same is said of one before it."""
        return [faulty for form in self._forms() for faulty in form.faulty()]

    @property
    def is_faulty(self) -> bool:
        return bool(self.messages or any(form.errors for form in self._forms()))

    def _forms(self) -> Iterable[RuleForm]:
        return self.form.forms() if self.form else ()

    @cached_property
    def options(self) -> list[Option]:
        """The choices of an operator that takes several."""
        several = (bound for bound in self.form or () if isinstance(bound.field, forms.MultipleChoiceField))
        bound = next(several)
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
            _bring_back_whole(form)
        return self.form.is_valid()

    def forget_faults(self) -> None:
        self.messages = []
        if self.form:
            self.form.leave_unchecked()


@dataclass(eq=False)
class Group(Node):
    """Conditions and groups of which all, any or none must hold.

    ``is_left`` says that something in it was removed just now: the keyboard goes on from the group.
    """

    match: str = "all"
    nodes: list[Node] = field(default_factory=list)
    is_left: bool = False
    is_group = True

    def rows(self) -> Iterator[Row]:
        """The conditions of the group and of those in it."""
        for node in self.nodes:
            if isinstance(node, Group):
                yield from node.rows()
            elif isinstance(node, Row):
                yield node

    def groups(self) -> Iterator[Group]:
        """The group itself and those in it."""
        yield self
        for node in self.nodes:
            if isinstance(node, Group):
                yield from node.groups()

    @property
    def depth(self) -> int:
        """1 for the outermost."""
        return self.group.depth + 1 if self.group else 1

    @property
    def height(self) -> int:  # type: ignore[override]
        """How many groups there are one in another, itself included."""
        return 1 + max((node.height for node in self.nodes), default=0)

    @property
    def is_deepest(self) -> bool:
        """Whether no group can stand in it."""
        return self.depth >= DEEPEST

    def has_room_for(self, node: Node) -> bool:
        return self.depth + node.height <= DEEPEST

    def put(self, node: Node, place: int) -> None:
        """Put a node at a place, away from where it stands now."""
        if node.group and node in node.group.nodes:
            node.group.nodes.remove(node)
        node.group = self
        self.nodes.insert(place, node)


def _bring_back_whole(form: RuleForm) -> None:
    """Let choices that are faulty bring back the whole condition, so that what is said of them goes away."""
    for name in form.shaping:
        if name in form.errors and name in form.fields:
            for attribute in ("hx-target", "hx-select"):
                form.fields[name].widget.attrs.pop(attribute, None)
