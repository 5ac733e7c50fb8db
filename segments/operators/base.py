"""What an operator is, and the registry of all of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q
from django.db.models.expressions import Combinable

from contacts.fields import Field
from contacts.typed_json import IsText, TypedJSON, UncheckedText
from crm.registry import Registry
from segments.context import Context
from segments.logic import otherwise
from segments.values import NoValue, Shape

FAMILIES = ("text", "number", "boolean", "date", "datetime", "choice", "choices", "any")


class Operator:
    """Compares a contact field with a value.

    ``label`` is what the editor's list says, ``phrase`` the sentence, with the places ``%(field)s`` and ``%(value)s``.
    A positive operator never matches a contact without a value.
    """

    key: str
    families: tuple[str, ...] = FAMILIES
    label: Any
    phrase: Any
    shape: Shape = NoValue()
    negative = False

    def condition(self, field: Field, value: Any, context: Context) -> Q:
        """The contacts that match; ``value`` is what the shape's ``read`` gives."""
        raise NotImplementedError

    def crossing(self, field: Field, value: Any, since: datetime, now: datetime) -> Q | None:
        """The contacts for whom the answer may have changed only because time passed, from ``since`` to ``now``.

        None when there can be no such contact.
        """
        return None

    def holds_for_zero(self, value: Any) -> bool:
        """Whether the operator holds for the number 0. Only for operators of numbers."""
        raise NotImplementedError

    def indexable(self, field: Field) -> Combinable | None:
        """The expression of the field whose index would find the few rows that match; None where none would."""
        return None

    @property
    def relative(self) -> bool:
        """Whether the answer depends on the moment."""
        return type(self).crossing is not Operator.crossing


OPERATORS: dict[str, Registry[Operator]] = {family: Registry(f"operator for {family}") for family in FAMILIES}


def operator(cls: type[Operator]) -> type[Operator]:
    """Class decorator: register an operator for the families of types that it serves."""
    for family in cls.families:
        OPERATORS[family].add(cls())
    return cls


def operators_for(field: Field) -> Registry[Operator]:
    """The operators that a field offers."""
    return OPERATORS[field.type.family]


def unchecked(field: Field) -> Combinable:
    """How the text of a field is compared where `checked` stands beside it."""
    expression = field.expression()
    if isinstance(expression, TypedJSON):
        return UncheckedText(*expression.source_expressions, key=expression.key)
    return expression


def checked(field: Field) -> Q:
    """That what `unchecked` reads is a text. No condition for a column, which holds nothing else."""
    expression = field.expression()
    if isinstance(expression, TypedJSON):
        return Q(IsText(*expression.source_expressions, key=expression.key))
    return Q()


class Negation(Operator):
    """Everybody whom another operator does not match, contacts without a value included."""

    negative = True
    opposite: Operator

    def condition(self, field: Field, value: Any, context: Context) -> Q:
        return otherwise(self.opposite.condition(field, value, context))

    def crossing(self, field: Field, value: Any, since: datetime, now: datetime) -> Q | None:
        return self.opposite.crossing(field, value, since, now)

    def holds_for_zero(self, value: Any) -> bool:
        return not self.opposite.holds_for_zero(value)

    @property
    def relative(self) -> bool:
        return self.opposite.relative


def negation(opposite: type[Operator], key: str, label: Any, phrase: Any) -> None:
    """Register the negative counterpart of an operator."""
    attributes = {
        "key": key,
        "families": opposite.families,
        "label": label,
        "phrase": phrase,
        "shape": opposite.shape,
        "opposite": opposite(),
    }
    operator(type(f"Not{opposite.__name__}", (Negation,), attributes))
