"""Reading at one moment: whatever is written meanwhile, all chunks of an export tell of the same state.

The reading has a connection of its own, so that the job can tell how far it is on the usual one. On PostgreSQL it is a
read-only transaction of the level REPEATABLE READ; on SQLite a deferred one, which never waits for writers nor keeps
them waiting, because the database is in WAL mode.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import chain, islice
from json import JSONDecoder
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet

from contacts.exports.columns import Chunk, Values

CHUNK = 2_000
DECODE = JSONDecoder().raw_decode

Row = tuple[Any, ...]
Reader = Callable[[Values], Values]


class Snapshot:
    """The database as it is at the moment when the snapshot is taken."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection = connection
        self._open: list[Any] = []

    def chunks(self, rows: QuerySet[Any, Any], size: int = CHUNK) -> Iterator[Chunk]:
        """The columns of a ``values_list()``, some rows at a time as the database hands them out, and no more.

        Values are converted column by column: row by row, as Django does it, takes twice the time.
        """
        compiler = rows.query.get_compiler(connection=self._connection)
        results = compiler.execute_sql(chunked_fetch=True, chunk_size=size)
        self._open.append(results)
        readers = self._readers(compiler)
        found = chain.from_iterable(results)
        while rows_found := list(islice(found, size)):
            chunk: Chunk = list(zip(*rows_found, strict=True))
            for place, read in readers:
                chunk[place] = read(chunk[place])
            yield chunk

    def all(self, rows: QuerySet[Any, Any]) -> list[Row]:
        """The rows of a ``values_list()``, all at once."""
        return list(rows.query.get_compiler(connection=self._connection).results_iter(tuple_expected=True))

    def _readers(self, compiler: Any) -> list[tuple[int, Reader]]:
        """What makes Python's values of the database's, for the columns where they differ."""
        expressions = [selected[0] for selected in compiler.select[: compiler.col_count]]
        converters: dict[int, Any] = compiler.get_converters(expressions)
        return [(place, self._reader(*converter)) for place, converter in converters.items()]

    def _reader(self, converters: list[Any], expression: Any) -> Reader:
        kind = expression.output_field.get_internal_type()
        if kind == "JSONField":
            return lambda values: [None if value is None else DECODE(value)[0] for value in values]
        if kind == "DateTimeField" and self._connection.vendor == "sqlite":
            return lambda values: [None if value is None else _moment(value) for value in values]
        return partial(_converted, converters=converters, expression=expression, connection=self._connection)

    def close(self) -> None:
        """End the reading of rows that nobody wants any more."""
        for results in self._open:
            if hasattr(results, "close"):  # what finds nothing by itself has no cursor
                results.close()
        self._connection.close()


def _moment(stored: datetime | str) -> datetime:
    """A moment as Django keeps it on SQLite: in UTC, without saying so. What is computed in SQL is a text."""
    moment = datetime.fromisoformat(stored) if isinstance(stored, str) else stored
    return moment.replace(tzinfo=UTC)


def _converted(values: Values, *, converters: list[Any], expression: Any, connection: BaseDatabaseWrapper) -> Values:
    for convert in converters:
        values = [convert(value, expression, connection) for value in values]
    return values


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
    # Pages are read once: a large cache would only fill the memory. A deferred transaction sees the state of its first
    # look.
    quiet = ["PRAGMA cache_size = -16384", "PRAGMA query_only = ON"]
    return [*quiet, "BEGIN DEFERRED", "SELECT 1 FROM contacts_contact LIMIT 1"]
