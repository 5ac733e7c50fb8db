"""The operators that compare a contact field with a value, by the family of the field's type."""

from segments.operators import choices, dates, numbers, presence, texts  # noqa: F401  (they register themselves)
from segments.operators.base import OPERATORS, Operator, operators_for

__all__ = ["OPERATORS", "Operator", "operators_for"]
