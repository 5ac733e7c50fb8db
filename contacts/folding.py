"""Text without regard to case, for all of Unicode, with the same result on every database and in Python.

SQLite's own LOWER knows only ASCII and PostgreSQL's depends on the collation of the database, so both get one function
of ours, ``muster_fold``: upper case, then lower case (which brings "ß" and "SS" together), then the final sigma to
the common one. On PostgreSQL it uses the ICU collation that comes with every packaged server.
"""

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Func, TextField

POSTGRESQL_FUNCTION = """
CREATE OR REPLACE FUNCTION muster_fold(text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT replace(lower(upper($1 COLLATE "und-x-icu")), 'ς', 'σ') COLLATE "C" $$
"""


def fold(text: str) -> str:
    """The text as it is compared: two texts are the same without regard to case if their folded forms are equal."""
    return text.lower() if text.isascii() else text.upper().lower().replace("ς", "σ")


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
