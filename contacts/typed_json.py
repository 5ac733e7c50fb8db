"""Reading JSON with types: SQL that is NULL unless the stored value has the declared type.

Plain JSON look-ups do not mean the same on SQLite and PostgreSQL, for example when a text or a list is compared with a
number. These expressions do. The key is part of the SQL and not a parameter, so that an expression index can serve it;
only validated keys reach this module.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django.db.models import BooleanField, CharField, DecimalField, Field, Func, IntegerField

if TYPE_CHECKING:
    from contacts.types import FieldType

KEY = re.compile(r"^[a-z][a-z0-9_]{0,62}$")

# A text is a day only if the calendar has it: 30 February is no value, as in Python, and never an error.
SQLITE_DAY = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"
SQLITE_MOMENT = f"{SQLITE_DAY}T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z"
SQLITE_CHECKS = {
    "date": ("{value} GLOB '" + SQLITE_DAY + "' AND {value} >= '0001' AND date({value}, '+0 days') = {value}"),
    "datetime": (
        "{value} GLOB '" + SQLITE_MOMENT + "' AND {value} >= '0001'"
        " AND datetime(substr({value}, 1, 19), '+0 days') = replace(substr({value}, 1, 19), 'T', ' ')"
    ),
}
LEAP_YEAR = "([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)"
POSTGRESQL_DAY = (
    "(?!0000)([0-9]{4}-((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)"
    f"|{LEAP_YEAR}-02-29)"
)
POSTGRESQL_CHECKS = {
    "date": POSTGRESQL_DAY,
    "datetime": POSTGRESQL_DAY + "T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9][.][0-9]{6}Z",
}

OUTPUTS: dict[str, Field[Any, Any]] = {
    "string": CharField(),
    "number": DecimalField(max_digits=20, decimal_places=4),
    "boolean": BooleanField(),
    "array": CharField(),
}


class TypedJSON(Func):
    """One key of a JSON column, typed. For an array it gives the JSON text of the array.

    Raises ValueError for a key that is not made of a-z, 0-9 and _.
    """

    arity = 1

    def __init__(self, expression: Any, *, key: str, type: FieldType, **extra: Any) -> None:
        if not KEY.match(key):
            raise ValueError(f"not a key of a JSON object: {key!r}")
        self.key = key
        self.family = type.family
        self.json_type = type.json_type
        super().__init__(expression, output_field=OUTPUTS[type.json_type], **extra)

    def __repr__(self) -> str:
        return f"TypedJSON({self.key})"

    @property
    def identity(self) -> Any:
        return (*super().identity, self.key, self.json_type, self.family)

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> Any:  # type: ignore[override]
        column, params = compiler.compile(self.source_expressions[0])
        if params:
            raise ValueError("TypedJSON reads a column")
        read = self._postgresql if connection.vendor == "postgresql" else self._sqlite
        return read(column), []

    def _sqlite(self, column: str) -> str:
        value = f"json_extract({column}, '$.\"{self.key}\"')"
        kind = f"json_type({column}, '$.\"{self.key}\"')"
        wanted = {
            "string": "= 'text'",
            "number": "IN ('integer', 'real')",
            "boolean": "IN ('true', 'false')",
            "array": "= 'array'",
        }[self.json_type]
        check = SQLITE_CHECKS.get(self.family)
        checked = f" AND {check.format(value=value)}" if check else ""
        return f"CASE WHEN {kind} {wanted}{checked} THEN {value} END"

    def _postgresql(self, column: str) -> str:
        value = f"({column} ->> '{self.key}')"
        typed = {
            "string": f'{value} COLLATE "C"',
            "number": f"({column} -> '{self.key}')::numeric",
            "boolean": f"({column} -> '{self.key}')::boolean",
            "array": value,
        }[self.json_type]
        check = POSTGRESQL_CHECKS.get(self.family)
        checked = f" AND {value} ~ '^{check}$'" if check else ""
        return f"CASE WHEN jsonb_typeof({column} -> '{self.key}') = '{self.json_type}'{checked} THEN {typed} END"


class ArrayHas(Func):
    """Whether the JSON array under a key holds a text. False for everything that is not an array."""

    def __init__(self, array: TypedJSON, text: Any) -> None:
        super().__init__(array, text, output_field=BooleanField())

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> Any:  # type: ignore[override]
        array, _none = compiler.compile(self.source_expressions[0])
        text, params = compiler.compile(self.source_expressions[1])
        if connection.vendor == "postgresql":
            return f"COALESCE(({array})::jsonb ? ({text})::text, false)", params
        return (
            f"EXISTS (SELECT 1 FROM json_each({array}) item WHERE item.type = 'text' AND item.value = {text})",
            params,
        )


class ArraySize(Func):
    """How many different texts the JSON array under a key holds; 0 for everything that is not an array."""

    def __init__(self, array: TypedJSON) -> None:
        super().__init__(array, output_field=IntegerField())

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> Any:  # type: ignore[override]
        array, _none = compiler.compile(self.source_expressions[0])
        if connection.vendor == "postgresql":
            return (
                f"(SELECT COUNT(DISTINCT item) FROM jsonb_array_elements(({array})::jsonb) item"
                " WHERE jsonb_typeof(item) = 'string')"
            ), []
        return f"(SELECT COUNT(DISTINCT item.value) FROM json_each({array}) item WHERE item.type = 'text')", []
