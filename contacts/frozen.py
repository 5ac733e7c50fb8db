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

    def parts(self, size: int) -> Iterator[tuple[QuerySet[Contact], int]]:
        """The contacts in parts of at most ``size``, by ascending ids, each with how many they are."""
        last = 0
        while True:
            with connection.cursor() as cursor:
                part = f"{self.ids_sql} WHERE id > %s ORDER BY id LIMIT %s"
                cursor.execute(f"SELECT MAX(id), COUNT(*) FROM ({part}) part", [last, size])
                end, count = cursor.fetchone()
            if not count:
                return
            ids = RawSQL(f"{self.ids_sql} WHERE id > %s AND id <= %s", [last, end])  # noqa: S611  # as above
            yield Contact.objects.filter(pk__in=ids), count
            last = end


@contextmanager
def frozen(contacts: QuerySet[Contact], *, lock: bool = False) -> Iterator[FrozenContacts]:
    """Keep the ids of the contacts while the context lasts.

    With ``lock`` the contacts are locked against other writers until the transaction ends, in the order of ids, as
    `contacts.events` takes them.
    """
    table = f"muster_frozen_{uuid.uuid4().hex}"
    chosen = contacts.select_for_update() if lock else contacts
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE {table} (id bigint PRIMARY KEY)")
        try:
            sql, params = chosen.order_by("pk").values("pk").query.sql_with_params()
        except EmptyResultSet:
            count = 0
        else:
            cursor.execute(f"INSERT INTO {table} (id) {sql}", params)
            count = cursor.rowcount
    try:
        yield FrozenContacts(table, count)
    finally:
        if not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute(f"DROP TABLE {table}")
