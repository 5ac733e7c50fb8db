"""Forms of nodes with branches, which get more and fewer: of each its name, and what it is about."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass
from functools import cached_property
from string import ascii_uppercase
from typing import Any

from django import forms
from django.forms.utils import ErrorDict
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from segments.rule_form import RuleForm
from segments.tree import Row
from workflows.graph import PORT
from workflows.nodes.base import NodeForm, Settings
from workflows.nodes.shaped import CHANGE

MOST_BRANCHES = 10
LONGEST_NAME = 60


def branches_of(settings: Settings, *, fewest: int) -> list[dict[str, Any]]:
    """The branches of the settings, each with its ``key``, which is that of its port, and a name.

    Without a name of its own it is called by what it says, or by a letter. Where there are none yet, there are as many
    as a new node begins with.
    """
    stored = settings.get("branches")
    found = [branch for branch in stored if _is_branch(branch)] if isinstance(stored, list) else []
    found = found or [{"key": f"b{number}"} for number in range(1, fewest + 1)]
    return [
        branch | {"name": str(branch.get("name") or branch.get("said") or letter)}
        for branch, letter in zip(found, ascii_uppercase[:MOST_BRANCHES], strict=False)
    ]


def _is_branch(branch: Any) -> bool:
    return isinstance(branch, dict) and isinstance(branch.get("key"), str) and PORT.fullmatch(branch["key"]) is not None


@dataclass(frozen=True)
class Branch:
    """A branch in the panel; ``number`` counts from 1."""

    key: str
    number: int
    form: RuleForm

    @cached_property
    def row(self) -> Row:
        """The branch as the segment editor prints its conditions."""
        return Row(self.key, form=self.form)

    @property
    def name(self) -> str:
        return str(self.form.given("name") or ascii_uppercase[self.number - 1])


class BranchesForm(NodeForm):
    """A form with a part for each branch, of which there are ``fewest`` to `MOST_BRANCHES`.

    What is posted names the branches in their order under ``branch``, and the inputs of each begin with its key;
    ``more`` adds one, and ``less`` removes the one that it names. A branch keeps its key, and so its port its edges.
    """

    fewest = 2
    help_text: Any = ""
    branch_template: str

    def __init__(self, data: Any = None, **options: Any) -> None:
        posted = data.copy() if isinstance(data, QueryDict) else None
        self.is_changing = posted is not None and any(name in posted for name in (CHANGE, "more", "less"))
        super().__init__(data, **options)
        self.is_open = data is None or self.is_changing  # nothing is a fault yet
        keys = _posted_keys(posted, self.fewest) if posted is not None else self._stored_keys()
        values = posted if posted is not None else self._stored_values()
        self.branches = [Branch(key, number, self.part(key, values)) for number, key in enumerate(keys, 1)]
        if self.is_open:
            for branch in self.branches:
                branch.form.leave_unchecked()
        if self.is_changing:
            self._errors = ErrorDict()

    def part(self, key: str, data: MutableMapping[str, Any]) -> RuleForm:
        """The form of a branch. While the form is open, inputs that are new in it begin with their initial values."""
        raise NotImplementedError

    def unpack(self, branch: dict[str, Any]) -> dict[str, Any]:
        """The data of a stored branch's form."""
        return branch

    @property
    def shows_branches(self) -> bool:
        """Whether it is known yet what the branches are about."""
        return True

    @property
    def can_grow(self) -> bool:
        return len(self.branches) < MOST_BRANCHES

    @property
    def can_shrink(self) -> bool:
        return len(self.branches) > self.fewest

    @property
    def is_being_edited(self) -> bool:
        return self.is_changing

    def is_valid(self) -> bool:
        return not self.is_changing and super().is_valid()

    def clean(self) -> dict[str, Any]:
        for branch in self.branches:
            for _path, message in branch.form.faults():
                self.add_error(None, _("%(branch)s: %(message)s") % {"branch": branch.name, "message": message})
        return self.cleaned_data

    def stored(self) -> dict[str, Any]:
        branches = [{"key": branch.key, **branch.form.rule()} for branch in self.branches]
        return super().stored() | {"branches": branches}

    def _stored_keys(self) -> list[str]:
        return [branch["key"] for branch in branches_of(self.settings, fewest=self.fewest)]

    def _stored_values(self) -> dict[str, Any]:
        stored = self.settings.get("branches")
        branches = [branch for branch in stored if _is_branch(branch)] if isinstance(stored, list) else []
        return {f"{one['key']}-{name}": value for one in branches for name, value in self.unpack(one).items()}


def _posted_keys(posted: QueryDict, fewest: int) -> list[str]:
    keys = [key for key in dict.fromkeys(posted.getlist("branch")) if PORT.fullmatch(key)]
    if "more" in posted:
        keys.append(_new_key(keys))
    kept = [key for key in keys if key not in posted.getlist("less")]
    while len(kept) < fewest:
        kept.append(_new_key(keys + kept))
    return kept[:MOST_BRANCHES]


def _new_key(keys: list[str]) -> str:
    """One after the last: a key of a branch that was there before might bring back its edges."""
    numbers = [int(key[1:]) for key in keys if key[:1] == "b" and key[1:].isdecimal()]
    return f"b{max(numbers, default=0) + 1}"


def name_field() -> forms.CharField:
    """The input for the name of a branch."""
    return forms.CharField(label=gettext_lazy("Name"), max_length=LONGEST_NAME, required=False)
