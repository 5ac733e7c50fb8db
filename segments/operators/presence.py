"""Whether a field has a value at all."""

from typing import Any

from django.db.models import Q, Value
from django.db.models.lookups import Exact, GreaterThan, IsNull
from django.utils.translation import gettext_lazy as _

from contacts.fields import Field
from contacts.typed_json import ArraySize, HasJSON, TypedJSON
from segments.context import Context
from segments.logic import otherwise
from segments.operators.base import Operator, operator


def is_set(field: Field) -> Q:
    """The contacts that have a value in the field; for text, an empty one is none."""
    expression: Any = field.expression()
    if isinstance(expression, HasJSON):
        return Q(Exact(expression, Value(True)))
    if field.type.family == "choices":
        assert isinstance(expression, TypedJSON)
        return Q(GreaterThan(ArraySize(expression), Value(0)))
    if field.type.family in ("text", "choice"):
        return ~Q(Exact(expression, Value(""))) & Q(IsNull(expression, False))
    return Q(IsNull(expression, False))


@operator
class IsSet(Operator):
    key = "is_set"
    label = _("has a value")
    phrase = _("%(field)s has a value")

    def condition(self, field: Field, value: Any, context: Context) -> Q:
        return is_set(field)


@operator
class IsNotSet(Operator):
    key = "is_not_set"
    label = _("has no value")
    phrase = _("%(field)s has no value")

    def condition(self, field: Field, value: Any, context: Context) -> Q:
        return otherwise(is_set(field))
