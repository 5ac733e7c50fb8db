"""Comparing with an operator: what conditions on fields, on the properties of events and on metrics have in common."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Q
from django.forms.boundfield import BoundField
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.fields import Field
from segments.context import Context
from segments.faults import EntryError, Path
from segments.operators import Operator
from segments.operators.presence import is_set
from segments.rule_form import Rule, RuleForm
from segments.values import NoValue, Shape

COMPARISON = frozenset({"operator", "value", "only_set"})


class ComparisonForm(RuleForm):
    """The operator, its value, and for a negative operator whether what has no value stays out."""

    only_set_label: Any = gettext_lazy("Only contacts that have a value")
    includes_none: Any = gettext_lazy("Contacts that have no value match too.")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.field: Field | None = None
        self.operator: Operator | None = None

    def offer_operators(self, choices: Any, **options: Any) -> None:
        self.fields["operator"] = forms.ChoiceField(
            label=gettext_lazy("Operator"),
            choices=choices,
            error_messages={
                "invalid_choice": gettext_lazy("“%(value)s” is not an operator for a field of this type."),
            },
            **options,
        )

    def compare(self, field: Field, operator: Operator) -> None:
        """Take the inputs for comparing this field by this operator."""
        self.field, self.operator = field, operator
        self.fields.update(operator.shape.fields(field))
        if operator.negative and not field.always_set:
            self.fields["only_set"] = forms.BooleanField(required=False, label=self.only_set_label)

    @property
    def only_set(self) -> BoundField | None:
        """The input that leaves out what has no value, where that matters."""
        return self["only_set"] if "only_set" in self.fields else None

    @property
    def shape(self) -> Shape:
        assert self.operator
        return self.operator.shape

    def clean(self) -> dict[str, Any]:
        if self.operator and not self.errors:
            for name, message in self.shape.clean(self.cleaned_data).items():
                self.add_error(name, message)
        return self.cleaned_data

    @property
    def paths(self) -> dict[str, Path]:  # type: ignore[override]
        if self.operator and self.shape.names != ("value",):
            return {name: ("value", name) for name in self.shape.names}
        return {}

    @property
    def days_count(self) -> bool:
        if self.field is None or self.operator is None:
            return False
        compares_moments = self.field.type.family == "datetime" and not isinstance(self.shape, NoValue)
        return self.operator.relative or compares_moments

    def comparison(self) -> Rule:
        """The entries of the rule that say how is compared."""
        assert self.field
        assert self.operator
        rule: Rule = {"operator": self.operator.key}
        value = self.shape.pack(self.cleaned_data, self.field)
        if value is not None:
            rule["value"] = value
        if self.cleaned_data.get("only_set"):
            rule["only_set"] = True
        return rule


def unpack_comparison(rule: Rule, field: Field, operator: Operator) -> dict[str, Any]:
    """The form's data for the stored comparison. Raises `EntryError` when its JSON has the wrong shape."""
    try:
        value = operator.shape.unpack(rule.get("value"), field)
    except ValueError as error:
        raise EntryError(str(error), "value") from error
    if not isinstance(rule.get("only_set", False), bool):
        raise EntryError(_("“only_set” is true or false."), "only_set")
    return value | {"only_set": rule.get("only_set", False)}


def read_value(rule: Rule, field: Field, operator: Operator) -> Any:
    """The stored value as the operator uses it."""
    return operator.shape.read(rule["value"], field) if "value" in rule else None


def compared(rule: Rule, field: Field, operator: Operator, context: Context) -> Q:
    """The rows for which the stored comparison holds."""
    condition = operator.condition(field, read_value(rule, field, operator), context)
    return is_set(field) & condition if rule.get("only_set") else condition


def with_no_value(sentence: str, rule: Rule, field: Field, operator: Operator) -> str:
    """The sentence, with what a negative operator makes of those that have no value."""
    if not operator.negative or field.always_set:
        return sentence
    if rule.get("only_set"):
        return _("%(condition)s (only contacts with a value)") % {"condition": sentence}
    return _("%(condition)s (or has no value)") % {"condition": sentence}


def in_words(rule: Rule, field: Field, operator: Operator) -> str:
    """The comparison as part of a sentence, without what it says of no value."""
    return str(operator.phrase % {"field": field.label, "value": operator.shape.describe(rule.get("value"), field)})
