"""The conditions that a definition is made of; one file for each family."""

# isort: off
# The editor offers them in this order.
from segments.conditions import field, event, sequence, listing, importing, segment  # noqa: F401  (they register themselves)

# isort: on
from segments.conditions.base import CONDITIONS, Condition

__all__ = ["CONDITIONS", "Condition"]
