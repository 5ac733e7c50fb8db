"""Operators for fields with one choice or several. Choices compare by their stored values."""

from functools import reduce
from operator import and_, or_
from typing import Any

from django.db.models import Q, TextField, Value
from django.db.models.lookups import Exact, In
from django.utils.translation import gettext_lazy as _

from contacts.fields import Field
from contacts.typed_json import ArrayHas, ArraySize, TypedJSON
from segments.context import Context
from segments.operators.base import Operator, negation, operator
from segments.values import OneValue, SeveralValues, Shape


@operator
class Is(Operator):
    key = "is"
    families = ("choice",)
    label = _("is")
    phrase = _("%(field)s is %(value)s")
    shape = OneValue()

    def condition(self, field: Field, value: Any, context: Context) -> Q:
        return Q(Exact(field.expression(), Value(value)))


negation(Is, "is_not", _("is not"), _("%(field)s is not %(value)s"))


@operator
class IsAnyOf(Operator):
    key = "is_any_of"
    families = ("choice",)
    label = _("is any of")
    phrase = _("%(field)s is any of %(value)s")
    shape = SeveralValues()

    def condition(self, field: Field, value: Any, context: Context) -> Q:
        return Q(In(field.expression(), list(value)))


negation(IsAnyOf, "is_none_of", _("is none of"), _("%(field)s is none of %(value)s"))


def has(field: Field, item: str) -> Q:
    array = field.expression()
    assert isinstance(array, TypedJSON)
    return Q(Exact(ArrayHas(array, Value(item, output_field=TextField())), Value(True)))


class ChoicesOperator(Operator):
    families = ("choices",)
    shape: Shape = SeveralValues()


@operator
class Has(ChoicesOperator):
    key = "has"
    label = _("has")
    phrase = _("%(field)s has %(value)s")
    shape = OneValue()

    def condition(self, field: Field, value: Any, context: Context) -> Q:
        return has(field, value)


negation(Has, "does_not_have", _("does not have"), _("%(field)s does not have %(value)s"))


@operator
class HasAnyOf(ChoicesOperator):
    key = "has_any_of"
    label = _("has any of")
    phrase = _("%(field)s has any of %(value)s")

    def condition(self, field: Field, value: Any, context: Context) -> Q:
        return reduce(or_, [has(field, item) for item in value])


negation(HasAnyOf, "has_none_of", _("has none of"), _("%(field)s has none of %(value)s"))


@operator
class HasAllOf(ChoicesOperator):
    key = "has_all_of"
    label = _("has all of")
    phrase = _("%(field)s has all of %(value)s")
    shape = SeveralValues(together=True)

    def condition(self, field: Field, value: Any, context: Context) -> Q:
        return reduce(and_, [has(field, item) for item in value])


@operator
class IsExactly(ChoicesOperator):
    key = "is_exactly"
    label = _("is exactly")
    phrase = _("%(field)s is exactly %(value)s")
    shape = SeveralValues(together=True)

    def condition(self, field: Field, value: Any, context: Context) -> Q:
        array = field.expression()
        assert isinstance(array, TypedJSON)
        items = set(value)
        return reduce(and_, [has(field, item) for item in items]) & Q(Exact(ArraySize(array), Value(len(items))))
