"""A batch of rows as one JSON parameter of a statement, unpacked in SQL: the quickest way into both databases. And what
such statements write and read as Django does.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import Model


def rows_of(columns: Mapping[str, str]) -> str:
    """SQL for a table of the rows in one JSON parameter, to stand behind FROM and before AS.

    ``columns`` gives the columns and their types on PostgreSQL. SQLite has none: there a column that the values
    are written to gives them theirs. See `rows_parameter`.
    """
    if connection.vendor == "postgresql":
        declared = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        return f"(SELECT * FROM jsonb_to_recordset(%s::jsonb) AS unpacked ({declared}))"
    extracted = ", ".join(f"json_extract(value, '$.{name}') AS {name}" for name in columns)
    return f"(SELECT {extracted} FROM json_each(%s))"


def as_json(column: str) -> str:
    """SQL for the JSON whose text a column of `rows_of` holds."""
    return f"{column}::jsonb" if connection.vendor == "postgresql" else column


def rows_parameter(rows: Iterable[Mapping[str, Any]]) -> str:
    """The parameter for `rows_of`."""
    return json.dumps(list(rows), ensure_ascii=False, separators=(",", ":"))


def in_values(column: str) -> str:
    """SQL for "the column is one of the values", which are one parameter. See `values_parameter`."""
    if connection.vendor == "postgresql":
        return f"{column} = ANY (%s)"
    return f"{column} IN (SELECT value FROM json_each(%s))"


def values_parameter(values: Iterable[int | str]) -> str:
    """The parameter for `in_values`."""
    if connection.vendor != "postgresql":
        return json.dumps(list(values))
    # The text of an array, which the driver would take far longer to make of a list.
    return "{" + ",".join(str(value) if isinstance(value, int) else _quoted(value) for value in values) + "}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def moment_writer() -> Callable[[datetime], str]:
    """A function that writes an aware moment as Django does: on SQLite moments are texts, and these must compare right.

    For a batch it is asked for once, because which database it is takes longer to say than to write a moment.
    """
    if connection.vendor == "postgresql":
        return str
    return lambda value: str(value.astimezone(UTC).replace(tzinfo=None))


Reader = Callable[[Sequence[Any]], list[Any]]


def row_reader(model: type[Model], *names: str) -> Reader:
    """A function that turns a row of plain SQL, of these columns of the model, into what its fields hold."""
    return _row_reader(model, names, connection.vendor)


@lru_cache
def _row_reader(model: type[Model], names: tuple[str, ...], vendor: str) -> Reader:
    fields = {field.attname: field for field in model._meta.concrete_fields}
    columns = [fields[name].get_col(model._meta.db_table) for name in names]
    converters = [connection.ops.get_db_converters(one) + one.get_db_converters(connection) for one in columns]
    turned = [(place, *rest) for place, rest in enumerate(zip(columns, converters, strict=True)) if rest[1]]

    def read(row: Sequence[Any]) -> list[Any]:
        values = list(row)
        for place, column, functions in turned:
            for function in functions:
                values[place] = function(values[place], column, connection)
        return values

    return read
