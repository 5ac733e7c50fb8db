"""Operators for integers, decimals and booleans."""

import operator as python
from decimal import Decimal
from typing import Any

from django.db.models import DecimalField, Q, Value
from django.db.models.expressions import Combinable
from django.db.models.lookups import Exact, GreaterThan, GreaterThanOrEqual, LessThan, LessThanOrEqual
from django.utils.translation import gettext_lazy as _

from contacts.fields import Field
from segments.context import Context
from segments.operators.base import Operator, negation, operator
from segments.values import OneValue, Range


class Number(Value):
    """A number as each database compares it exactly.

    SQLite compares a column with a text only by the column's affinity, which an expression does not have.
    """

    def __init__(self, number: Decimal) -> None:
        super().__init__(number, output_field=DecimalField(max_digits=20, decimal_places=4))

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        number = self.value
        if number == number.to_integral_value():
            return "%s", [int(number)]
        return "%s", [number if connection.vendor == "postgresql" else float(number)]

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        # Django's cast would give it an affinity, which an expression and its index do not have.
        return self.as_sql(compiler, connection)


class Comparison(Operator):
    families = ("number",)
    shape = OneValue()
    lookup: Any
    compare: Any  # the same comparison in Python

    def condition(self, field: Field, value: Any, context: Context) -> Q:
        return Q(self.lookup(field.expression(), Number(value)))

    def holds_for_zero(self, value: Any) -> bool:
        return bool(type(self).compare(0, value))

    def indexable(self, field: Field) -> Combinable | None:
        return field.expression()


@operator
class Equals(Comparison):
    key = "equals"
    label = _("equals")
    phrase = _("%(field)s equals %(value)s")
    lookup = Exact
    compare = python.eq


negation(Equals, "does_not_equal", _("does not equal"), _("%(field)s does not equal %(value)s"))


@operator
class IsGreaterThan(Comparison):
    key = "greater_than"
    label = _("is greater than")
    phrase = _("%(field)s is greater than %(value)s")
    lookup = GreaterThan
    compare = python.gt


@operator
class AtLeast(Comparison):
    key = "at_least"
    label = _("is at least")
    phrase = _("%(field)s is at least %(value)s")
    lookup = GreaterThanOrEqual
    compare = python.ge


@operator
class IsLessThan(Comparison):
    key = "less_than"
    label = _("is less than")
    phrase = _("%(field)s is less than %(value)s")
    lookup = LessThan
    compare = python.lt


@operator
class AtMost(Comparison):
    key = "at_most"
    label = _("is at most")
    phrase = _("%(field)s is at most %(value)s")
    lookup = LessThanOrEqual
    compare = python.le


@operator
class Between(Operator):
    key = "between"
    families = ("number",)
    label = _("is between")
    phrase = _("%(field)s is between %(value)s")
    shape = Range()

    def condition(self, field: Field, value: Any, context: Context) -> Q:
        # Not by BETWEEN, which Django writes wrongly for the values of SQL's window functions.
        return Q(GreaterThanOrEqual(field.expression(), Number(value["from"]))) & Q(
            LessThanOrEqual(field.expression(), Number(value["to"]))
        )

    def holds_for_zero(self, value: Any) -> bool:
        return bool(value["from"] <= 0 <= value["to"])

    def indexable(self, field: Field) -> Combinable | None:
        return field.expression()


negation(Between, "not_between", _("is not between"), _("%(field)s is not between %(value)s"))


class Boolean(Operator):
    families = ("boolean",)
    wanted: bool

    def condition(self, field: Field, value: Any, context: Context) -> Q:
        return Q(Exact(field.expression(), Value(self.wanted)))

    def indexable(self, field: Field) -> Combinable | None:
        return field.expression()


@operator
class IsTrue(Boolean):
    key = "is_true"
    label = _("is yes")
    phrase = _("%(field)s is yes")
    wanted = True


@operator
class IsFalse(Boolean):
    key = "is_false"
    label = _("is no")
    phrase = _("%(field)s is no")
    wanted = False
