"""What a condition is, the form that reads and checks its rule, and the registry of all of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.db.models import Q
from django.forms.utils import ErrorDict

from crm.registry import Registry
from segments.context import Context

Rule = dict[str, Any]


class RuleForm(forms.Form):
    """The parameters of one rule: the editor's inputs, and the checks of the editor and the API alike.

    Its cleaned data become the stored rule through `rule`. Which fields there are follows from the data, so that the
    form for half-filled data has the inputs that come next. ``paths`` says where in the stored rule an input's fault
    belongs, when that is not its name. ``shaping`` names the inputs that decide which others there are.
    """

    paths: Mapping[str, tuple[str, ...]] = {}
    shaping: tuple[str, ...] = ("operator",)

    def __init__(self, *args: Any, context: Context, **options: Any) -> None:
        self.context = context
        settings: dict[str, Any] = {"auto_id": "%s", "use_required_attribute": False} | options
        super().__init__(*args, **settings)

    def given(self, name: str) -> Any:
        """What was entered for an input, before any check."""
        prefixed = self.add_prefix(name)
        return self.data.get(prefixed) if self.is_bound else self.get_initial_for_field(self.fields[name], name)

    def leave_unchecked(self) -> None:
        """Print what was entered as it is, without looking for faults: for a form that is still being filled in."""
        self._errors = ErrorDict()

    @property
    def time_zone_counts(self) -> bool:
        """Whether who matches depends on where days begin and end."""
        return False

    def rule(self) -> Rule:
        """The rule to store. Only for a valid form."""
        raise NotImplementedError


class Condition:
    """A kind of rule. A rule that reaches `condition` and the methods after it has passed its form."""

    key: str
    label: Any
    form: type[RuleForm]
    entries: frozenset[str]  # what a rule may have besides its type
    dynamic = True  # whether dynamic segments offer it, or only dynamic plus

    def unpack(self, rule: Rule, context: Context) -> dict[str, Any]:
        """The form's data for a stored rule. Raises `EntryError` when the rule's JSON has the wrong shape."""
        raise NotImplementedError

    def condition(self, rule: Rule, context: Context) -> Q:
        """The contacts that match."""
        raise NotImplementedError

    def describe(self, rule: Rule, context: Context) -> str:
        """The rule as part of a sentence."""
        raise NotImplementedError

    def depends_on(self, rule: Rule) -> set[str]:
        """The keys of the changes that can change the answer."""
        raise NotImplementedError

    def crossing(self, rule: Rule, since: datetime, now: datetime, context: Context) -> Q | None:
        """The contacts for whom the answer may have changed only because time passed; None when there are none."""
        return None

    def relative(self, rule: Rule, context: Context) -> bool:
        """Whether the answer depends on the moment."""
        return False


CONDITIONS: Registry[Condition] = Registry("condition")
