"""Conditions on contact fields."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.fields import Field
from crm.registry import UnknownKey
from segments.conditions.base import CONDITIONS, Condition, Rule, RuleForm
from segments.context import Context
from segments.faults import EntryError
from segments.operators import Operator, operators_for
from segments.operators.presence import is_set
from segments.values import NoValue, Shape


class FieldRuleForm(RuleForm):
    """Field, operator, the operator's value, and for a negative operator whether contacts without a value stay out."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["field"] = forms.ChoiceField(
            label=gettext_lazy("Field"),
            choices=self._field_choices,
            error_messages={"invalid_choice": gettext_lazy("There is no contact field “%(value)s”.")},
        )
        self.field: Field | None = None
        self.operator: Operator | None = None
        try:
            self.field = self.context.catalogue[self.given("field")]
        except UnknownKey:
            return
        operators = operators_for(self.field)
        self.fields["operator"] = forms.ChoiceField(
            label=gettext_lazy("Operator"),
            choices=[(operator.key, operator.label) for operator in operators],
            error_messages={
                "invalid_choice": gettext_lazy("“%(value)s” is not an operator for a field of this type."),
            },
        )
        if self.given("operator") in operators:
            self.operator = operators[self.given("operator")]
            self.fields.update(self.operator.shape.fields(self.field))
            if self.operator.negative and not self.field.always_set:
                self.fields["only_set"] = forms.BooleanField(
                    required=False, label=gettext_lazy("Only contacts that have a value")
                )

    def _field_choices(self) -> list[Any]:
        groups: list[Any] = [
            (group, [(field.key, field.label) for field in fields])
            for group, fields in self.context.catalogue.grouped()
        ]
        given = self.given("field")
        if given in self.context.catalogue and self.context.catalogue[given].archived:
            groups.append((_("Archived"), [(given, self.context.catalogue[given].label)]))
        return [("", _("Choose a field")), *groups]

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
    def paths(self) -> dict[str, tuple[str, ...]]:  # type: ignore[override]
        if self.operator and self.shape.names != ("value",):
            return {name: ("value", name) for name in self.shape.names}
        return {}

    @property
    def time_zone_counts(self) -> bool:
        if self.field is None or self.operator is None:
            return False
        compares_moments = self.field.type.family == "datetime" and not isinstance(self.shape, NoValue)
        return self.operator.relative or compares_moments

    def rule(self) -> Rule:
        assert self.field
        assert self.operator
        rule: Rule = {"type": "field", "field": self.field.key, "operator": self.operator.key}
        value = self.shape.pack(self.cleaned_data, self.field)
        if value is not None:
            rule["value"] = value
        if self.cleaned_data.get("only_set"):
            rule["only_set"] = True
        return rule


@CONDITIONS.register
class FieldCondition(Condition):
    key = "field"
    label = gettext_lazy("Contact field")
    form = FieldRuleForm
    entries = frozenset({"field", "operator", "value", "only_set"})

    def unpack(self, rule: Rule, context: Context) -> dict[str, Any]:
        data = {"field": rule.get("field"), "operator": rule.get("operator")}
        if data["field"] not in context.catalogue or data["operator"] not in operators_for(
            context.catalogue[data["field"]]
        ):
            return data
        field = context.catalogue[data["field"]]
        operator = operators_for(field)[data["operator"]]
        try:
            value = operator.shape.unpack(rule.get("value"), field)
        except ValueError as error:
            raise EntryError(str(error), "value") from error
        if not isinstance(rule.get("only_set", False), bool):
            raise EntryError(_("“only_set” is true or false."), "only_set")
        return data | value | {"only_set": rule.get("only_set", False)}

    def parts(self, rule: Rule, context: Context) -> tuple[Field, Operator, Any]:
        field = context.catalogue[rule["field"]]
        operator = operators_for(field)[rule["operator"]]
        value = operator.shape.read(rule["value"], field) if "value" in rule else None
        return field, operator, value

    def condition(self, rule: Rule, context: Context) -> Q:
        field, operator, value = self.parts(rule, context)
        condition = operator.condition(field, value, context)
        return is_set(field) & condition if rule.get("only_set") else condition

    def describe(self, rule: Rule, context: Context) -> str:
        if rule["field"] not in context.catalogue:
            return _("something holds for a deleted field (%(field)s)") % {"field": rule["field"]}
        field, operator, _value = self.parts(rule, context)
        words = operator.shape.describe(rule.get("value"), field)
        sentence = str(operator.phrase % {"field": field.label, "value": words})
        if not operator.negative or field.always_set:
            return sentence
        if rule.get("only_set"):
            return _("%(condition)s (only contacts with a value)") % {"condition": sentence}
        return _("%(condition)s (or has no value)") % {"condition": sentence}

    def depends_on(self, rule: Rule) -> set[str]:
        return {f"field:{rule['field']}"}

    def crossing(self, rule: Rule, since: datetime, now: datetime, context: Context) -> Q | None:
        field, operator, value = self.parts(rule, context)
        return operator.crossing(field, value, since, now)

    def relative(self, rule: Rule, context: Context) -> bool:
        return self.parts(rule, context)[1].relative
