"""Text without regard to case, for all of Unicode, with the same result on every database and in Python.

SQLite's own LOWER knows only ASCII and PostgreSQL's depends on the collation of the database, so both get one function
of ours, ``muster_fold``: upper case, then lower case (which brings "ß" and "SS" together), then the two letters that
this leaves apart: the final sigma becomes the common one, and "ß", which only "ẞ" still gives, becomes "ss".
"""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import Func, TextField

COLLATIONS = ("und-x-icu", "pg_unicode_fast")  # ICU's, and the one that PostgreSQL brings itself from version 18 on
# Texts of ASCII alone, whose characters are single bytes in the UTF-8 that Django requires, take a path of their own,
# which is three times as fast. Not STRICT, because PostgreSQL writes only a function without it into the statement.
POSTGRESQL_FUNCTION = """
CREATE OR REPLACE FUNCTION muster_fold(text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT CASE WHEN octet_length($1) = length($1) THEN lower($1 COLLATE "C")
         ELSE replace(replace(lower(upper($1 COLLATE "{collation}")), 'ς', 'σ'), 'ß', 'ss') COLLATE "C" END
$$
"""


def create_on_postgresql(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Create the function on PostgreSQL; a migration's operation.

    Raises ImproperlyConfigured when the server has no collation that knows the case of all of Unicode.
    """
    if schema_editor.connection.vendor != "postgresql":
        return
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT collname FROM pg_collation WHERE collname = ANY(%s)", [list(COLLATIONS)])
        present = {name for (name,) in cursor.fetchall()}
    usable = [collation for collation in COLLATIONS if collation in present]
    if not usable:
        raise ImproperlyConfigured("Muster needs PostgreSQL with ICU, or PostgreSQL 18 or newer.")
    schema_editor.execute(POSTGRESQL_FUNCTION.format(collation=usable[0]))


def fold(text: str) -> str:
    """The text as it is compared: two texts are the same without regard to case if their folded forms are equal."""
    return text.lower() if text.isascii() else text.upper().lower().replace("ς", "σ").replace("ß", "ss")


def fold_or_none(text: str | None) -> str | None:
    return None if text is None else fold(str(text))


def register_on_sqlite(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Give a new SQLite connection the function; receiver of Django's ``connection_created``."""
    if connection.vendor == "sqlite":
        connection.connection.create_function("muster_fold", 1, fold_or_none, deterministic=True)


class Fold(Func):
    """SQL for `fold`: of one text, or of several joined by spaces, where null counts as empty."""

    function = "muster_fold"
    output_field = TextField()

    def __init__(self, *expressions: Any, **extra: Any) -> None:
        super().__init__(*expressions, **extra)

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> Any:  # type: ignore[override]
        sources = [compiler.compile(source) for source in self.source_expressions]
        params = [param for _, source_params in sources for param in source_params]
        if len(sources) == 1:
            joined = sources[0][0]
        else:
            joined = " || ' ' || ".join(f"COALESCE({sql}, '')" for sql, _ in sources)
        return f"muster_fold({joined})", params
