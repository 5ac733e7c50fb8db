"""A set of contacts that stays the same while what it was chosen by changes."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from contacts.models import Contact


@dataclass(frozen=True)
class FrozenContacts:
    """Contacts whose ids stand in a temporary table."""

    table: str
    count: int

    @property
    def ids(self) -> RawSQL:
        """The ids, to stand on the right of ``__in``."""
        return RawSQL(self.ids_sql, [])  # noqa: S611  # no text of anybody's is in it

    @property
    def ids_sql(self) -> str:
        return f"SELECT id FROM {self.table}"


@contextmanager
def frozen(contacts: QuerySet[Contact]) -> Iterator[FrozenContacts]:
    """Keep the ids of the contacts while the context lasts, and lock the contacts against other writers.

    To be used in a transaction. Locks are taken in the order of ids, as `contacts.events` takes them.
    """
    table = f"muster_frozen_{uuid.uuid4().hex}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE {table} (id bigint PRIMARY KEY)")
        try:
            sql, params = contacts.select_for_update().order_by("pk").values("pk").query.sql_with_params()
        except EmptyResultSet:
            count = 0
        else:
            cursor.execute(f"INSERT INTO {table} (id) {sql}", params)
            count = cursor.rowcount
        yield FrozenContacts(table, count)
        cursor.execute(f"DROP TABLE {table}")
