"""Operators for text, email, phone and URL. Case never matters, for all of Unicode."""

from typing import Any

from django.db.models import Func, IntegerField, Q, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Right, StrIndex
from django.db.models.lookups import Exact, GreaterThan, In
from django.utils.translation import gettext_lazy as _

from contacts.fields import Field
from contacts.folding import Fold, fold
from segments.context import Context
from segments.operators.base import Operator, checked, negation, operator, unchecked
from segments.values import OneValue, SeveralValues, Shape


def folded(field: Field) -> Func:
    return Fold(unchecked(field))


def text(value: str) -> Value:
    return Value(fold(value), output_field=TextField())


class TextOperator(Operator):
    families = ("text",)
    shape: Shape = OneValue()


@operator
class Is(TextOperator):
    key = "is"
    label = _("is")
    phrase = _("%(field)s is %(value)s")

    def condition(self, field: Field, value: Any, context: Context) -> Q:
        return Q(Exact(folded(field), text(value))) & checked(field)

    def indexable(self, field: Field) -> Combinable | None:
        return folded(field)


negation(Is, "is_not", _("is not"), _("%(field)s is not %(value)s"))


@operator
class Contains(TextOperator):
    key = "contains"
    label = _("contains")
    phrase = _("%(field)s contains %(value)s")

    def condition(self, field: Field, value: Any, context: Context) -> Q:
        return Q(GreaterThan(StrIndex(folded(field), text(value)), Value(0))) & checked(field)


negation(Contains, "does_not_contain", _("does not contain"), _("%(field)s does not contain %(value)s"))


@operator
class StartsWith(TextOperator):
    key = "starts_with"
    label = _("starts with")
    phrase = _("%(field)s starts with %(value)s")

    def condition(self, field: Field, value: Any, context: Context) -> Q:
        return Q(Exact(StrIndex(folded(field), text(value)), Value(1, output_field=IntegerField()))) & checked(field)


negation(StartsWith, "does_not_start_with", _("does not start with"), _("%(field)s does not start with %(value)s"))


@operator
class EndsWith(TextOperator):
    key = "ends_with"
    label = _("ends with")
    phrase = _("%(field)s ends with %(value)s")

    def condition(self, field: Field, value: Any, context: Context) -> Q:
        return Q(Exact(Right(folded(field), len(fold(value))), text(value))) & checked(field)


negation(EndsWith, "does_not_end_with", _("does not end with"), _("%(field)s does not end with %(value)s"))


@operator
class IsAnyOf(TextOperator):
    key = "is_any_of"
    label = _("is any of")
    phrase = _("%(field)s is any of %(value)s")
    shape = SeveralValues()

    def condition(self, field: Field, value: Any, context: Context) -> Q:
        return Q(In(folded(field), [fold(item) for item in value])) & checked(field)

    def indexable(self, field: Field) -> Combinable | None:
        return folded(field)


negation(IsAnyOf, "is_none_of", _("is none of"), _("%(field)s is none of %(value)s"))
