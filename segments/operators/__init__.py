"""The operators that compare a contact field with a value, by the family of the field's type."""

from segments.operators import choices, dates, numbers, texts, yearly  # noqa: F401  (they register themselves)

# isort: split
# Lists of operators are in the order of registration, and these come last.
from segments.operators import presence  # noqa: F401
from segments.operators.base import OPERATORS, Operator, operators_for

__all__ = ["OPERATORS", "Operator", "operators_for"]
