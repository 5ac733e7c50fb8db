"""The logic of conditions in SQL: each is true or false for every contact, so that NOT means "everybody else"."""

from __future__ import annotations

from typing import Any

from django.db.models import BooleanField, F, Func, Q, QuerySet


class Otherwise(Func):
    """Everybody whom the condition does not hold for, those included for whom it is NULL."""

    arity = 1

    def __init__(self, condition: Any) -> None:
        super().__init__(condition, output_field=BooleanField())

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> Any:  # type: ignore[override]
        sql, params = compiler.compile(self.source_expressions[0])
        return f"NOT COALESCE(({sql}), false)", params


class NotInSet(Func):
    """Everybody who is not in a set of contact ids that holds no NULL.

    SQLite looks each contact up in the set. PostgreSQL does so only while the set fits its working memory and is
    quadratic beyond, so there it is an anti-join.
    """

    def __init__(self, contact_ids: QuerySet[Any, Any]) -> None:
        super().__init__(F("pk"), contact_ids.query, output_field=BooleanField())

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> Any:  # type: ignore[override]
        contact, _none = compiler.compile(self.source_expressions[0])
        ids, params = compiler.compile(self.source_expressions[1])
        if connection.vendor == "postgresql":
            return f"NOT EXISTS (SELECT 1 FROM {ids} gone (contact_id) WHERE gone.contact_id = {contact})", params
        return f"{contact} NOT IN {ids}", params


def in_set(contact_ids: QuerySet[Any, Any]) -> Q:
    """The contacts whose id is in the set."""
    return Q(pk__in=contact_ids)


def not_in_set(contact_ids: QuerySet[Any, Any]) -> Q:
    return Q(NotInSet(contact_ids))


def otherwise(condition: Q) -> Q:
    return Q(Otherwise(condition))
