"""Operators for one choice or several. Declared choices compare by their stored values, others as texts."""

from functools import reduce
from operator import and_, or_
from typing import Any

from django.db.models import Q, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.lookups import Exact, In
from django.utils.translation import gettext_lazy as _

from contacts.fields import Field
from contacts.folding import fold
from contacts.typed_json import ArrayHas, ArraySize, TypedJSON
from segments.context import Context
from segments.operators.base import Operator, checked, negation, operator, unchecked
from segments.values import OneValue, SeveralValues, Shape


@operator
class Is(Operator):
    key = "is"
    families = ("choice",)
    label = _("is")
    phrase = _("%(field)s is %(value)s")
    shape = OneValue()

    def condition(self, field: Field, value: Any, context: Context) -> Q:
        return Q(Exact(unchecked(field), Value(value))) & checked(field)

    def indexable(self, field: Field) -> Combinable | None:
        return unchecked(field)


negation(Is, "is_not", _("is not"), _("%(field)s is not %(value)s"))


@operator
class IsAnyOf(Operator):
    key = "is_any_of"
    families = ("choice",)
    label = _("is any of")
    phrase = _("%(field)s is any of %(value)s")
    shape = SeveralValues()

    def condition(self, field: Field, value: Any, context: Context) -> Q:
        return Q(In(unchecked(field), list(value))) & checked(field)

    def indexable(self, field: Field) -> Combinable | None:
        return unchecked(field)


negation(IsAnyOf, "is_none_of", _("is none of"), _("%(field)s is none of %(value)s"))


def has(field: Field, item: str) -> Q:
    array = field.expression()
    assert isinstance(array, TypedJSON)
    text = Value(item if field.choices_source else fold(item), output_field=TextField())
    return Q(Exact(ArrayHas(array, text, folded=field.choices_source is None), Value(True)))


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
        folded = field.choices_source is None
        items = {fold(item) for item in value} if folded else set(value)
        size = ArraySize(array, folded=folded)
        return reduce(and_, [has(field, item) for item in sorted(items)]) & Q(Exact(size, Value(len(items))))
