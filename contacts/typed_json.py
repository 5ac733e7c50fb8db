"""Reading JSON with types: SQL that is NULL unless the stored value has the declared type.

Plain JSON look-ups do not mean the same on SQLite and PostgreSQL, for example when a text or a list is compared with a
number. These expressions do. The key is part of the SQL and not a parameter, so that an expression index can serve it;
only validated keys reach this module.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import BooleanField, CharField, DecimalField, Field, Func, IntegerField, TextField

if TYPE_CHECKING:
    from contacts.types import FieldType

# Whatever a shop may call a property, without what SQL, a JSON path or the placeholders of parameters give a meaning.
KEY = re.compile(r"\w[\w .:/-]{0,62}")

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

# Being called, and not written into the statement, it is dear in the planner's eyes and comes after comparisons.
POSTGRESQL_FUNCTION = """
CREATE OR REPLACE FUNCTION muster_is_text(jsonb, text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$ BEGIN RETURN jsonb_typeof($1 -> $2) = 'string'; END $$
"""

OUTPUTS: dict[str, Field[Any, Any]] = {
    "string": CharField(),
    "number": DecimalField(max_digits=20, decimal_places=4),
    "boolean": BooleanField(),
    "array": CharField(),
}


def create_on_postgresql(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Create the function that `IsText` calls on PostgreSQL; a migration's operation."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(POSTGRESQL_FUNCTION)


def checked_key(key: str) -> str:
    """The key, which may become part of SQL. Raises ValueError for one that may not."""
    if not KEY.fullmatch(key):
        raise ValueError(f"not a key that can be read: {key!r}")
    return key


class TypedJSON(Func):
    """One key of a JSON column, typed. For an array it gives the JSON text of the array.

    Raises ValueError for a key that does not fit `KEY`.
    """

    arity = 1

    def __init__(self, expression: Any, *, key: str, type: FieldType, **extra: Any) -> None:
        self.key = checked_key(key)
        self.family = type.family
        self.json_type = type.json_type
        super().__init__(expression, output_field=OUTPUTS[type.json_type], **extra)

    def __repr__(self) -> str:
        return f"TypedJSON({self.key}, {self.json_type})"

    @property
    def identity(self) -> Any:
        return (*super().identity, self.key, self.json_type, self.family)

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> Any:  # type: ignore[override]
        column, params = compiler.compile(self.source_expressions[0])
        if params:
            raise ValueError("TypedJSON reads a column")
        read = self._postgresql if connection.vendor == "postgresql" else self._sqlite
        return read(column), []

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        # Numbers of JSON are numbers already; Django's cast of decimals would hide the expression from its index.
        return self.as_sql(compiler, connection, **extra)

    def _sqlite(self, column: str) -> str:
        value, kind = _on_sqlite(column, self.key)
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


class JSONKey(Func):
    """Reads one key of a JSON column. Raises ValueError for a key that does not fit `KEY`."""

    arity = 1

    def __init__(self, expression: Any, *, key: str, **extra: Any) -> None:
        self.key = checked_key(key)
        super().__init__(expression, **extra)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.key})"

    @property
    def identity(self) -> Any:
        return (*super().identity, self.key)


class UncheckedText(JSONKey):
    """A text under a key of a JSON column, or what a value of another type is as a text: `IsText` must hold too.

    Comparing all, and asking for the type of the few that are left, takes half the time of `TypedJSON`.
    """

    output_field = CharField()

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> Any:  # type: ignore[override]
        column, _none = compiler.compile(self.source_expressions[0])
        if connection.vendor == "postgresql":
            return f"({column} ->> '{self.key}') COLLATE \"C\"", []
        return _on_sqlite(column, self.key)[0], []


class IsText(JSONKey):
    """Whether there is a text under a key of a JSON column; NULL for a missing key."""

    output_field = BooleanField()

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> Any:  # type: ignore[override]
        column, _none = compiler.compile(self.source_expressions[0])
        if connection.vendor == "postgresql":
            return f"muster_is_text({column}, '{self.key}')", []
        return f"{_on_sqlite(column, self.key)[1]} = 'text'", []


class JSONValue(JSONKey):
    """One key of a JSON column such that values compare as equal exactly when they are: of one type, and without regard
    to case for texts. NULL for a missing key, null, an empty text, and for lists and objects.
    """

    output_field = TextField()

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> Any:  # type: ignore[override]
        column, _none = compiler.compile(self.source_expressions[0])
        if connection.vendor == "postgresql":
            value = f"({column} ->> '{self.key}')"
            sql = (
                f"CASE jsonb_typeof({column} -> '{self.key}')"
                f" WHEN 'string' THEN 't' || NULLIF(muster_fold({value}), '')"
                f" WHEN 'number' THEN 'n' || trim_scale({value}::numeric) WHEN 'boolean' THEN 'b' || {value} END"
            )
        else:
            value, kind = _on_sqlite(column, self.key)
            sql = (
                f"CASE {kind} WHEN 'text' THEN 't' || NULLIF(muster_fold({value}), '')"
                f" WHEN 'true' THEN 'btrue' WHEN 'false' THEN 'bfalse'"
                f" WHEN 'integer' THEN {value} WHEN 'real' THEN {value} END"
            )
        return sql, []


class HasJSON(JSONKey):
    """Whether there is anything under a key of a JSON column: not null, nor an empty text, list or object."""

    output_field = BooleanField()

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> Any:  # type: ignore[override]
        column, _none = compiler.compile(self.source_expressions[0])
        if connection.vendor == "postgresql":
            nothing = ", ".join(f"'{empty}'::jsonb" for empty in ("null", '""', "[]", "{}"))
            return f"COALESCE({column} -> '{self.key}' NOT IN ({nothing}), false)", []
        value, kind = _on_sqlite(column, self.key)
        return f"COALESCE({kind} || {value} NOT IN ('text', 'array[]', 'object{{}}'), false)", []


def _on_sqlite(column: str, key: str) -> tuple[str, str]:
    """The value under a key, and its JSON type."""
    path = f"'$.\"{key}\"'"
    return f"json_extract({column}, {path})", f"json_type({column}, {path})"


class ArrayHas(Func):
    """Whether the JSON array under a key holds a text. False for everything that is not an array.

    ``folded`` compares without regard to case; the text is then given in its folded form.
    """

    def __init__(self, array: TypedJSON, text: Any, *, folded: bool = False) -> None:
        self.folded = folded
        super().__init__(array, text, output_field=BooleanField())

    @property
    def identity(self) -> Any:
        return (*super().identity, self.folded)

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> Any:  # type: ignore[override]
        array, _none = compiler.compile(self.source_expressions[0])
        text, params = compiler.compile(self.source_expressions[1])
        if connection.vendor == "postgresql":
            if self.folded:
                return (
                    f"EXISTS (SELECT 1 FROM jsonb_array_elements(({array})::jsonb) item"
                    f" WHERE jsonb_typeof(item) = 'string' AND muster_fold(item #>> '{{}}') = {text})"
                ), params
            return f"COALESCE(({array})::jsonb ? ({text})::text, false)", params
        item = "muster_fold(item.value)" if self.folded else "item.value"
        return (
            f"EXISTS (SELECT 1 FROM json_each({array}) item WHERE item.type = 'text' AND {item} = {text})",
            params,
        )


class ArraySize(Func):
    """How many different texts the JSON array under a key holds; 0 for everything that is not an array.

    ``folded`` takes texts that differ in case alone for the same.
    """

    def __init__(self, array: TypedJSON, *, folded: bool = False) -> None:
        self.folded = folded
        super().__init__(array, output_field=IntegerField())

    @property
    def identity(self) -> Any:
        return (*super().identity, self.folded)

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> Any:  # type: ignore[override]
        array, _none = compiler.compile(self.source_expressions[0])
        if connection.vendor == "postgresql":
            item = "muster_fold(item #>> '{}')" if self.folded else "item"
            return (
                f"(SELECT COUNT(DISTINCT {item}) FROM jsonb_array_elements(({array})::jsonb) item"
                " WHERE jsonb_typeof(item) = 'string')"
            ), []
        item = "muster_fold(item.value)" if self.folded else "item.value"
        return f"(SELECT COUNT(DISTINCT {item}) FROM json_each({array}) item WHERE item.type = 'text')", []
