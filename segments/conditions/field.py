"""Conditions on contact fields."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.fields import Field
from crm.registry import UnknownKey
from segments.conditions.base import CONDITIONS, Condition, Indexable, Subjects
from segments.conditions.comparison import (
    COMPARISON,
    ComparisonForm,
    compared,
    in_words,
    read_value,
    unpack_comparison,
    with_no_value,
)
from segments.context import Context
from segments.operators import Operator, operators_for
from segments.rule_form import Rule
from segments.seen import Observed, Seen, shown


class FieldRuleForm(ComparisonForm):
    """Field, operator, the operator's value, and for a negative operator whether contacts without a value stay out."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["field"] = forms.ChoiceField(
            label=gettext_lazy("Field"),
            choices=self._field_choices,
            error_messages={"invalid_choice": gettext_lazy("There is no contact field “%(value)s”.")},
        )
        try:
            field = self.context.catalogue[self.given("field")]
        except UnknownKey:
            return
        operators = operators_for(field)
        self.offer_operators([(operator.key, operator.label) for operator in operators])
        if self.given("operator") in operators:
            self.compare(field, operators[self.given("operator")])

    def _field_choices(self) -> list[Any]:
        groups: list[Any] = [
            (group, [(field.key, field.label) for field in fields])
            for group, fields in self.context.catalogue.grouped()
        ]
        given = self.given("field")
        if given in self.context.catalogue and self.context.catalogue[given].archived:
            groups.append((_("Archived"), [(given, self.context.catalogue[given].label)]))
        return [("", _("Choose a field")), *groups]

    def rule(self) -> Rule:
        assert self.field
        return {"type": "field", "field": self.field.key, **self.comparison()}


@CONDITIONS.register
class FieldCondition(Condition):
    key = "field"
    label = gettext_lazy("Contact field")
    form = FieldRuleForm
    entries = frozenset({"field"}) | COMPARISON

    def subjects(self, context: Context) -> Subjects:
        return [
            (group, [(field.key, str(field.label)) for field in fields])
            for group, fields in context.catalogue.grouped()
        ]

    def subject(self, rule: Rule) -> str:
        return str(rule["field"])

    def given_by(self, subject: str) -> dict[str, str] | None:
        return {"field": subject}

    def unpack(self, rule: Rule, context: Context) -> dict[str, Any]:
        data = {"field": rule.get("field"), "operator": rule.get("operator")}
        if data["field"] not in context.catalogue or data["operator"] not in operators_for(
            context.catalogue[data["field"]]
        ):
            return data
        field = context.catalogue[data["field"]]
        return data | unpack_comparison(rule, field, operators_for(field)[data["operator"]])

    def parts(self, rule: Rule, context: Context) -> tuple[Field, Operator]:
        field = context.catalogue[rule["field"]]
        return field, operators_for(field)[rule["operator"]]

    def condition(self, rule: Rule, context: Context) -> Q:
        return compared(rule, *self.parts(rule, context), context)

    def describe(self, rule: Rule, context: Context) -> str:
        if rule["field"] not in context.catalogue:
            return _("something holds for a deleted field (%(field)s)") % {"field": rule["field"]}
        field, operator = self.parts(rule, context)
        return with_no_value(in_words(rule, field, operator), rule, field, operator)

    def seen(self, rule: Rule, observed: Observed, context: Context) -> Seen:
        field = context.catalogue[rule["field"]]
        return Seen(shown(field.value_of(observed.contact), field.display))

    def cautions(self, rule: Rule, context: Context) -> list[str]:
        field = context.catalogue[rule["field"]]
        return [_("The field %(field)s is archived.") % {"field": field.label}] if field.archived else []

    def depends_on(self, rule: Rule) -> set[str]:
        return {f"field:{rule['field']}"}

    def crossing(self, rule: Rule, since: datetime, now: datetime, context: Context) -> Q | None:
        field, operator = self.parts(rule, context)
        return operator.crossing(field, read_value(rule, field, operator), since, now)

    def indexable(self, rule: Rule, context: Context) -> Iterator[Indexable]:
        field, operator = self.parts(rule, context)
        expression = operator.indexable(field)
        if field.is_custom and expression is not None:
            yield Indexable(expression)

    def relative(self, rule: Rule, context: Context) -> bool:
        return self.parts(rule, context)[1].relative
