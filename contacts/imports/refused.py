"""The rows of a file that could not be imported, kept so that they can be put right and imported again."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from django.utils.translation import gettext_lazy as _

from contacts.imports.models import Import, RefusedRow
from contacts.imports.sources import Row
from crm.csv_files import BYTE_ORDER_MARK, as_cell

Refuse = Callable[[Row, str], None]
"""Takes a row that is not imported, and the reason."""

ROWS_AT_ONCE = 1_000

UNREADABLE, INVALID, NO_KEY, TAKEN, UNKNOWN, INCOMPLETE, IMPOSSIBLE = (
    *("unreadable", "invalid", "no_key", "taken", "unknown", "incomplete", "impossible"),
)
KINDS = {
    UNREADABLE: _("The row cannot be read"),
    INVALID: _("A value is not valid"),
    NO_KEY: _("Nothing says whose row this is"),
    TAKEN: _("The email or external id belongs to another contact"),
    UNKNOWN: _("There is no such contact"),
    INCOMPLETE: _("Something is missing that all events have"),
    IMPOSSIBLE: _("The event cannot be stored"),
}
"""The kinds of reasons, in words."""


class Unusable(ValueError):
    """A row cannot be imported; the text says why. ``kind`` is one of `KINDS`, ``column`` the name of that at fault."""

    def __init__(self, text: str, kind: str = UNREADABLE, column: str = "") -> None:
        super().__init__(text)
        self.kind = kind
        self.column = column


@dataclass(frozen=True)
class Refusal:
    """A row that is not imported, and why."""

    row: Row
    reason: str
    kind: str
    column: str = ""


def keep(import_run: Import, refusals: Sequence[Refusal]) -> None:
    """Keep refused rows with their import, in the transaction of the caller."""
    RefusedRow.objects.bulk_create(
        RefusedRow(
            import_run=import_run,
            line=refusal.row.line,
            reason=_storable(refusal.reason),
            kind=refusal.kind,
            column=_storable(refusal.column)[:300],
            cells=[_storable(cell) for cell in refusal.row.cells],
        )
        for refusal in refusals
    )


def forget(import_run: Import) -> None:
    """Remove the refused rows of an import."""
    RefusedRow.objects.filter(import_run=import_run)._raw_delete("default")


def as_csv(import_run: Import) -> Iterator[bytes]:
    """The refused rows as a CSV file, a piece at a time: the line, the reason, then the columns as they were.

    It can be put right and imported like the first one; its first two columns are not imported.
    """
    rows = RefusedRow.objects.filter(import_run=import_run).order_by("pk").values_list("line", "reason", "cells")
    yield BYTE_ORDER_MARK.encode()
    yield _lines([["line", "reason", *import_run.columns]])
    refused = rows.iterator(chunk_size=ROWS_AT_ONCE)
    while some := list(islice(refused, ROWS_AT_ONCE)):
        yield _lines([line, reason, *cells] for line, reason, cells in some)


def _lines(rows: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([as_cell(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def _storable(text: str) -> str:
    """The text without what no database keeps: null characters, and what stands for bytes that are no text."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode() if not text.isprintable() else text


class RefusedRows:
    """Writes refused rows into a CSV file: the line, the reason, then the columns as they were.

    A context; at its end the file is removed when nothing was refused, so that one of an earlier import does not
    mislead. Raises OSError when the file cannot be written.
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self.path = path
        self.count = 0
        self._file = path.open("w", encoding="utf-8", errors="surrogateescape", newline="")
        self._writer = csv.writer(self._file)
        self._writer.writerow(["line", "reason", *columns])

    def add(self, row: Row, reason: str) -> None:
        self.count += 1
        self._writer.writerow([row.line, reason, *row.cells])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if not self.count:
            self.path.unlink(missing_ok=True)
