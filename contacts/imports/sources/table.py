"""What every format gives: columns, and rows that know their lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from itertools import islice
from typing import Any, BinaryIO

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

MOST_COLUMNS = 1_000
LONGEST_CELL = 2**20  # characters
LONGEST_RECORD = 2**22  # characters; memory does not grow beyond a few of these
ENCODINGS = {
    "utf-8": gettext_lazy("Unicode (UTF-8)"),
    "utf-16-le": gettext_lazy("Unicode (UTF-16, little-endian)"),
    "utf-16-be": gettext_lazy("Unicode (UTF-16, big-endian)"),
    "windows-1252": gettext_lazy("Western European (Windows-1252)"),
}
DELIMITERS = {
    ",": gettext_lazy("Comma"),
    ";": gettext_lazy("Semicolon"),
    "\t": gettext_lazy("Tab"),
    "|": gettext_lazy("Bar"),
}
UNSTORABLE = re.compile("[\0\ud800-\udfff]")  # null, half a character, or what stands for a byte that was not decoded


class UnreadableFile(ValueError):
    """The file, or what is left of it, cannot be read as a table; the text says why."""


@dataclass(frozen=True)
class Source:
    """How a file is read. ``encoding`` and ``delimiter`` matter for texts, ``sheet`` for workbooks.

    Without a ``header`` the first record is a row like the others. Raises `ValueError` when an encoding or a delimiter
    is none of `ENCODINGS` and `DELIMITERS`.
    """

    format: str
    encoding: str = "utf-8"
    delimiter: str = ","
    header: bool = True
    sheet: str = ""

    def __post_init__(self) -> None:
        if self.encoding not in ENCODINGS:
            raise ValueError(f"unknown encoding: {self.encoding!r}")
        if self.delimiter not in DELIMITERS:
            raise ValueError(f"unknown delimiter: {self.delimiter!r}")

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Source:
        """Raises TypeError or ValueError when this was not made by `as_json`."""
        return cls(**stored)


@dataclass(frozen=True, slots=True)
class Row:
    """One record of the file.

    ``line`` is the number of the line on which it begins, counted from 1, as an editor or spreadsheet counts. A record
    that cannot be imported as it is has a ``problem``, and as many ``cells`` as could be made out. All of them can be
    stored and shown.
    """

    line: int
    cells: list[str]
    problem: str = ""


class Table:
    """The rows of a file under named columns. It is read once, as a stream, with little memory.

    No two columns have the same name: the second “Email” is “Email (2)”. The file is seekable and stays open.
    """

    columns: list[str]

    def rows(self, skip: int = 0) -> Iterator[Row]:
        """The records behind the header, without the first ``skip`` of them and without empty lines.

        Raises `UnreadableFile` when the file turns out to be damaged further on.
        """
        return islice(self._rows(), skip, None)

    def done(self) -> float:
        """How much of the file has been read, from 0 to 1."""
        raise NotImplementedError

    def _rows(self) -> Iterator[Row]:
        raise NotImplementedError


class TableOfCells(Table):
    """A table of a format that has cells one after the other, of which the first record may be a header."""

    def _begin(self, records: Iterator[Row], *, header: bool) -> None:
        """Take the records of the file, the header included. Raises `UnreadableFile` when there is none."""
        first = next(records, None)
        if first is None:
            raise UnreadableFile(_("The file is empty."))
        if first.problem:
            raise UnreadableFile(_("Line %(line)d: %(problem)s") % {"line": first.line, "problem": first.problem})
        self._records = records
        self._first_row = None if header else first
        self.columns = named_columns(first.cells if header else [""] * len(first.cells))

    def _rows(self) -> Iterator[Row]:
        if self._first_row:
            yield self._first_row
        columns = len(self.columns)
        for row in self._records:
            if row.problem or len(row.cells) == columns:
                yield row
            else:
                message = _("The number of values (%(values)d) is not the number of columns (%(columns)d).")
                yield Row(row.line, row.cells, message % {"values": len(row.cells), "columns": columns})


def in_batches(rows: Iterator[Row], most: int) -> Iterator[list[Row]]:
    """The rows in lists of at most ``most``; in shorter ones where rows are long, so that no list needs much memory."""
    batch: list[Row] = []
    characters = 0
    for row in rows:
        batch.append(row)
        characters += sum(map(len, row.cells))
        if len(batch) >= most or characters > LONGEST_RECORD:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def named_columns(header: Sequence[str]) -> list[str]:
    """The names of the columns: a number for those without one, and a number behind those that are there already.

    Raises `UnreadableFile` when there are too many.
    """
    if len(header) > MOST_COLUMNS:
        message = _("The file has %(columns)s columns; at most %(most)s can be imported.")
        raise UnreadableFile(message % {"columns": f"{len(header):,}", "most": f"{MOST_COLUMNS:,}"})
    names: list[str] = []
    taken: set[str] = set()
    written = {name.strip() for name in header}
    for place, cell in enumerate(header, start=1):
        name = first = cell.strip() or _("Column %d") % place
        number = 1
        while name in taken or (number > 1 and name in written):
            number += 1
            name = f"{first} ({number})"
        taken.add(name)
        names.append(name)
    return names


def showable(text: str) -> str:
    """The text with a sign in place of every character that nobody can store or show."""
    return UNSTORABLE.sub("\ufffd", text)


def number_as_text(number: float) -> str:
    """A finite number with all its digits, without an exponent and without a fraction of zero."""
    return str(int(number)) if number.is_integer() else format(Decimal(repr(number)), "f")


def size_of(file: BinaryIO) -> int:
    """The bytes of a file, which is left at its beginning."""
    size = file.seek(0, 2)
    file.seek(0)
    return size
