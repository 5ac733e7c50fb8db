"""The lines of a file that could not be imported, kept in a file that can be put right and imported again."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from contacts.imports.parse import Row

Refuse = Callable[[Row, str], None]
"""Takes a row that is not imported, and the reason."""


class Unusable(ValueError):
    """A row cannot be imported; the text says why."""


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
