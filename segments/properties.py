"""The properties of events, as something that operators compare.

A stored rule does not say of which type a property is: its operator does, as each operator belongs to one family of
types. ``value`` is the event's own value, every other key one of the JSON object ``properties``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import BooleanField, DecimalField, F
from django.db.models import Field as ModelField
from django.db.models.expressions import Combinable
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contacts.event_types import event_type
from contacts.fields import Field
from contacts.typed_json import OUTPUTS, HasJSON, TypedJSON
from contacts.types import FIELD_TYPES, FieldType
from segments.operators import OPERATORS

VALUE = "value"


class Anything(FieldType):
    """A value of whatever type, of which can be asked only whether there is one."""

    key = "any"
    family = "any"

    def display(self, value: Any, field: Field) -> str:
        return gettext("has a value")


TYPES: dict[str, FieldType] = {
    "text": FIELD_TYPES["text"],
    "number": FIELD_TYPES["decimal"],
    "boolean": FIELD_TYPES["boolean"],
    "choices": FIELD_TYPES["choices"],
    "any": Anything(),
}
"""The type of a property by the family of the operator that it is compared with."""

FAMILIES = {
    "any": _("Any value"),
    "text": _("Text"),
    "number": _("Number"),
    "boolean": _("Yes or no"),
    "choices": _("List of texts"),
}


@dataclass(frozen=True)
class Property(Field):
    """One property of the events of a type, read as one type."""

    def expression(self) -> Combinable:
        if self.key == VALUE:
            return F("value")
        if self.type.family == "any":
            return HasJSON("properties", key=self.key)
        return TypedJSON("properties", key=self.key, type=self.type)

    @property
    def output_field(self) -> ModelField[Any, Any]:
        """What SQL gives for the property."""
        if self.key == VALUE:
            return DecimalField(max_digits=20, decimal_places=4)
        return BooleanField() if self.type.family == "any" else OUTPUTS[self.type.json_type]


def property_of(event: str, key: str, family: str) -> Property:
    """A property of the events of a type as a field of one of the `FAMILIES`."""
    return Property(key=key, label=label_of(event, key), type=TYPES[family])


def label_of(event: str, key: str) -> Any:
    """What people call a property."""
    known = event_type(event)
    if key == VALUE:
        return known.value_label or _("Value")
    return next((one.label for one in known.properties if one.key == key), key)


def family_of(operator: object, families: tuple[str, ...] = tuple(FAMILIES)) -> str | None:
    """The family that an operator belongs to among those that properties have; None for none of them."""
    return next((family for family in families if operator in _own_operators(family)), None)


def families_of(key: str, families: tuple[str, ...] = tuple(FAMILIES)) -> tuple[str, ...]:
    """As which of the families a property can be read: the event's own value is a number and nothing else."""
    return tuple(family for family in families if key != VALUE or family in ("number", "any"))


def operator_choices(families: tuple[str, ...]) -> list[tuple[Any, Any]]:
    """The operators of these families, each under the family's name if there are several."""
    operators = {family: [(key, OPERATORS[family][key].label) for key in _own_operators(family)] for family in families}
    if len(families) == 1:
        return operators[families[0]]
    return [(FAMILIES[family], choices) for family, choices in operators.items()]


def _own_operators(family: str) -> list[str]:
    """The operators of a family without those that hold for a value of any type."""
    anything = OPERATORS["any"]
    return [one.key for one in OPERATORS[family] if family == "any" or one.key not in anything]
