"""The logic of conditions in SQL: each is true or false for every contact, so that NOT means "everybody else"."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import and_, or_
from typing import Any

from django.db.models import BigIntegerField, BooleanField, F, Func, Q, QuerySet

DEEPEST_SET = 3  # subqueries in one another; with a few more SQLite's parser gives up on the deepest definitions


class Otherwise(Func):
    """Everybody whom the condition does not hold for, those included for whom it is NULL."""

    arity = 1

    def __init__(self, condition: Any) -> None:
        super().__init__(condition, output_field=BooleanField())

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> Any:  # type: ignore[override]
        sql, params = compiler.compile(self.source_expressions[0])
        return f"NOT COALESCE(({sql}), false)", params


class SetOperation(Func):
    """A set of contact ids made of others by UNION, INTERSECT or EXCEPT, from left to right."""

    def __init__(self, operation: str, *operands: Any) -> None:
        self.operation = operation
        super().__init__(*operands, output_field=BigIntegerField())

    @property
    def identity(self) -> Any:
        return (*super().identity, self.operation)

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> Any:  # type: ignore[override]
        compiled = [compiler.compile(operand) for operand in self.source_expressions]
        # SQLite takes no parentheses around an operand, and PostgreSQL wants a name for what is in them.
        operands = [f"SELECT * FROM {sql} operand" for sql, _params in compiled]
        return f"({f' {self.operation} '.join(operands)})", [param for _sql, params in compiled for param in params]


class InSet(Func):
    """Whether the contact is in a set of ids that holds no NULL; ``negated``, whether it is not.

    ``depth`` says how deep subqueries are in one another in the set.
    """

    def __init__(self, ids: Any, *, negated: bool = False, depth: int = 0) -> None:
        self.negated = negated
        self.depth = depth
        super().__init__(F("pk"), ids, output_field=BooleanField())

    @property
    def identity(self) -> Any:
        return (*super().identity, self.negated)

    @property
    def ids(self) -> Any:
        return self.source_expressions[1]

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> Any:  # type: ignore[override]
        contact, _none = compiler.compile(self.source_expressions[0])
        ids, params = compiler.compile(self.ids)
        if not self.negated:
            return f"{contact} IN {ids}", params
        if connection.vendor == "postgresql":
            # NOT IN looks up in a set only while that fits the working memory and is quadratic beyond: an anti-join.
            return f"NOT EXISTS (SELECT 1 FROM {ids} gone (contact_id) WHERE gone.contact_id = {contact})", params
        return f"{contact} NOT IN {ids}", params


def in_set(contact_ids: QuerySet[Any, Any], *, depth: int = 0) -> Q:
    """The contacts whose id is in the set, which has subqueries so deep in one another."""
    return Q(InSet(contact_ids.query, depth=depth))


def not_in_set(contact_ids: QuerySet[Any, Any]) -> Q:
    """The contacts whose id is not in the set."""
    return Q(InSet(contact_ids.query, negated=True))


def as_set(condition: Q) -> InSet | None:
    """The condition as a set of contacts, if it is nothing else."""
    only = condition.children[0] if len(condition.children) == 1 and not condition.negated else None
    return only if isinstance(only, InSet) else None


def combined(match: str, conditions: Sequence[Q]) -> Q:
    """The contacts for whom ``all``, ``any`` or ``none`` of the conditions hold.

    Conditions that are sets are combined as sets, so that the database need not look at every contact to find the few
    that are in them. Raises ValueError for another word.
    """
    if match not in ("all", "any", "none"):
        raise ValueError(f"conditions do not combine by {match!r}")
    sets = [as_set(condition) for condition in conditions]
    if all(one and one.depth < DEEPEST_SET for one in sets):
        return _combined_sets(match, [one for one in sets if one])
    if match == "all":
        return reduce(and_, conditions)
    either = reduce(or_, conditions)
    return otherwise(either) if match == "none" else either


def _combined_sets(match: str, sets: list[InSet]) -> Q:
    depth = 1 + max(one.depth for one in sets)
    having = [one.ids for one in sets if not one.negated]
    lacking = [one.ids for one in sets if one.negated]
    if match == "all":
        # In all of the one and in none of the other, or, without the one, not in any of the other.
        if having:
            return Q(InSet(_operation("EXCEPT", _operation("INTERSECT", *having), *lacking), depth=depth))
        return Q(InSet(_operation("UNION", *lacking), negated=True, depth=depth))
    if not lacking:
        return Q(InSet(_operation("UNION", *having), negated=match == "none", depth=depth))
    # In any of the one or not in one of the other: not in all of the other without the one.
    left = _operation("EXCEPT", _operation("INTERSECT", *lacking), *having)
    return Q(InSet(left, negated=match == "any", depth=depth))


def _operation(operation: str, *operands: Any) -> Any:
    return SetOperation(operation, *operands) if len(operands) > 1 else operands[0]


def otherwise(condition: Q) -> Q:
    return Q(Otherwise(condition))
