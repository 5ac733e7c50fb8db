"""Reading at one moment: whatever is written meanwhile, all chunks of an export tell of the same state.

The reading has a connection of its own, so that the job can tell how far it is on the usual one. On PostgreSQL it is a
read-only transaction of the level REPEATABLE READ; on SQLite a deferred one, which never waits for writers nor keeps
them waiting, because the database is in WAL mode.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet

CHUNK = 2_000

Row = tuple[Any, ...]


class Snapshot:
    """The database as it is at the moment when the snapshot is taken."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection = connection
        self._open: list[Any] = []

    def chunks(self, rows: QuerySet[Any, Any], size: int = CHUNK) -> Iterator[list[Row]]:
        """The rows of a ``values_list()``, some at a time as the database hands them out: no more are in memory."""
        compiler = rows.query.get_compiler(connection=self._connection)
        results = compiler.execute_sql(chunked_fetch=True, chunk_size=size)
        self._open.append(results)
        found = iter(compiler.results_iter(results=results, tuple_expected=True))
        while chunk := list(islice(found, size)):
            yield chunk

    def all(self, rows: QuerySet[Any, Any]) -> list[Row]:
        """The rows of a ``values_list()``, all at once."""
        return list(rows.query.get_compiler(connection=self._connection).results_iter(tuple_expected=True))

    def close(self) -> None:
        """End the reading of rows that nobody wants any more."""
        for results in self._open:
            if hasattr(results, "close"):  # what finds nothing by itself has no cursor
                results.close()
        self._connection.close()


@contextmanager
def snapshot() -> Iterator[Snapshot]:
    """Take a snapshot; it ends with the context."""
    connection = connections[DEFAULT_DB_ALIAS].copy()
    taken = Snapshot(connection)
    try:
        with connection.cursor() as cursor:
            for statement in _beginning(connection):
                cursor.execute(statement)
        yield taken
    finally:
        taken.close()


def _beginning(connection: BaseDatabaseWrapper) -> list[str]:
    if connection.vendor == "postgresql":
        # Rows are all going to be read: a plan that is quick with the first ones is slow with the last.
        return ["BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "SET LOCAL cursor_tuple_fraction = 1"]
    # A deferred transaction sees the state of its first look.
    return ["PRAGMA query_only = ON", "BEGIN DEFERRED", "SELECT 1 FROM contacts_contact LIMIT 1"]
