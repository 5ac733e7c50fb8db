"""Forms of nodes with conditions: the segment editor's own tree, or one condition of it, in the panel of a node."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import BadRequest
from django.forms.utils import ErrorDict
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from segments.compiler import DEEPEST, MATCHES, Definition
from segments.conditions import CONDITIONS
from segments.conditions.base import Subjects
from segments.editor import Tree, read_tree, tree_of
from segments.models import Segment
from segments.row_forms import condition_of, form_for
from segments.tree import Row
from workflows.nodes.base import NodeForm, Settings
from workflows.nodes.shaped import CHANGE

PRESSED = (CHANGE, "add", "nest", "duplicate", "remove", "move", "more", "less")


def stored_definition(settings: Settings) -> Definition | None:
    """The definition in the settings; None where there is nothing that has the shape of one."""
    found = settings.get("definition")
    return found if _is_group(found) else None


def _is_group(part: Any, depth: int = 1) -> bool:
    if not isinstance(part, dict) or part.get("match") not in MATCHES or depth > DEEPEST:
        return False
    rules = part.get("rules")
    if not isinstance(rules, list) or not rules:
        return False
    return all(
        _is_group(rule, depth + 1) if isinstance(rule, dict) and "match" in rule else _is_rule(rule) for rule in rules
    )


def _is_rule(rule: Any) -> bool:
    if not isinstance(rule, dict) or rule.get("type") not in CONDITIONS:
        return False
    try:
        CONDITIONS[rule["type"]].subject(rule)
    except KeyError:
        return False
    return True


class TreeForm(NodeForm):
    """Groups and conditions, as in the editor of dynamic plus segments. Stored is their ``definition``."""

    kind: str = Segment.Kind.DYNAMIC_PLUS

    def __init__(self, data: Any = None, **options: Any) -> None:
        posted = data if isinstance(data, QueryDict) else None
        self.is_changing = posted is not None and any(name in posted for name in PRESSED)
        super().__init__(data, **options)
        self.tree = self.new() if posted is None else read_tree(posted, kind=self.kind, context=self.context.conditions)
        stored = stored_definition(self.settings)
        if posted is None and stored:
            self.tree = tree_of(stored, kind=self.kind, context=self.context.conditions)
        self.is_lost = posted is None and "definition" in self.settings and stored is None
        self.definition: Definition | None = None
        if posted is not None and self.is_changing:
            self._errors = ErrorDict()
            self.tree.change(posted)

    def new(self) -> Tree:
        """What a node begins with."""
        return Tree.new(kind=self.kind, context=self.context.conditions)

    def subjects(self) -> Subjects:
        """What a condition can be about."""
        return self.tree.subjects()

    @property
    def time_zone(self) -> str:
        return timezone.get_default_timezone_name()

    @property
    def is_being_edited(self) -> bool:
        return self.is_changing

    def is_valid(self) -> bool:
        return not self.is_changing and super().is_valid()

    def clean(self) -> dict[str, Any]:
        if self.is_lost:
            self.add_error(None, _("What was asked here cannot be read any more. Choose it anew."))
            return self.cleaned_data
        self.definition = self.tree.checked_definition()
        for fault in self._faults():
            self.add_error(None, fault)
        return self.cleaned_data

    def stored(self) -> dict[str, Any]:
        return {"definition": self.definition}

    def _faults(self) -> Iterator[str]:
        """What the rows and groups show of the faults, for the card."""
        rows = list(self.tree.root.rows())
        for row in rows:
            for message in (*row.messages, *(message for _path, message in (row.form.faults() if row.form else ()))):
                yield self.fault_of(row, message)
        for group in self.tree.root.groups():
            yield from group.messages

    def fault_of(self, row: Row, message: str) -> str:
        return _("Condition %(number)s: %(message)s") % {"number": row.number, "message": message}


class OneConditionForm(TreeForm):
    """A single condition of the segment editor, of the kind ``condition``; with a ``subject``, about that alone."""

    condition: str
    subject = ""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if not self._fits():
            if isinstance(self.data, QueryDict):
                raise BadRequest("not the condition of this node")
            self.tree, self.is_lost = self.new(), True

    def _fits(self) -> bool:
        rows = list(self.tree.root.rows())
        if len(rows) != 1 or len(list(self.tree.nodes())) != 2 or self.tree.root.match != "all":
            return False
        return rows[0].subject == self.subject if self.subject else condition_of(rows[0].subject).key == self.condition

    @property
    def row(self) -> Row:
        return next(self.tree.root.rows())

    def new(self) -> Tree:
        tree = super().new()
        if self.subject:
            row = next(tree.root.rows())
            row.subject = self.subject
            row.form = form_for(row.id, self.subject, {}, self.context.conditions)
            row.forget_faults()
        return tree

    def subjects(self) -> Subjects:
        offered = (
            (group, [pair for pair in pairs if condition_of(pair[0]).key == self.condition])
            for group, pairs in super().subjects()
        )
        return [(group, pairs) for group, pairs in offered if pairs]

    def fault_of(self, row: Row, message: str) -> str:
        return message
