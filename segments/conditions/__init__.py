"""The conditions that a definition is made of; one file for each family."""

from segments.conditions import field, listing, segment  # noqa: F401  (they register themselves)
from segments.conditions.base import CONDITIONS, Condition, RuleForm

__all__ = ["CONDITIONS", "Condition", "RuleForm"]
