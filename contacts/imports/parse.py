"""Reading a CSV file as a stream of rows that know their lines."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from django.utils.translation import gettext as _

from crm.csv_files import as_text

DELIMITERS = ",;\t|"
BYTES_TO_FIND_THE_DELIMITER = 65_536
UNDECODABLE = re.compile("[\udc80-\udcff]")  # what stands for bytes that are not UTF-8


class UnreadableFile(ValueError):
    """The file is not a CSV file with a header; the text says why."""


@dataclass(frozen=True, slots=True)
class Row:
    """One record of the file.

    ``line`` is the number of the line on which it begins, counted from 1, which is the header's. A record that cannot
    be read has a ``problem``.
    """

    line: int
    cells: list[str]
    problem: str = ""


class Table:
    """A CSV file in UTF-8 whose first record names the columns. It is read once, with little memory.

    The delimiter is the one of comma, semicolon, tab and bar that divides the header into most columns. Raises
    `UnreadableFile`. ``file`` is seekable.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._text = io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="")
        self._undecodable = False
        self._reader = csv.reader(self._lines(), delimiter=_delimiter(file), strict=True)
        try:
            header = next(self._reader, [])
        except csv.Error as error:
            raise UnreadableFile(_("The header is not valid CSV: %s.") % error) from error
        if self._undecodable:
            raise UnreadableFile(_("The file is not encoded in UTF-8."))
        self.columns = [as_text(name.strip()) for name in header]
        if not any(self.columns):
            raise UnreadableFile(_("The first line must name the columns, and it is empty."))

    def rows(self) -> Iterator[Row]:
        """The records behind the header, without empty lines."""
        while True:
            line = self._reader.line_num + 1
            self._undecodable = False
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Row(line, [], self._invalid(line, error))
                continue
            if cells:
                texts = [as_text(cell) if cell[:1] == "'" else cell for cell in cells]
                yield Row(line, texts, self._problem(cells))

    def position(self) -> int:
        """How many bytes of the file have been read."""
        return self._file.tell()

    def _lines(self) -> Iterator[str]:
        for line in self._text:
            if not line.isascii() and UNDECODABLE.search(line):
                self._undecodable = True
            yield line

    def _problem(self, cells: list[str]) -> str:
        if self._undecodable:
            return _("The line is not encoded in UTF-8.")
        if len(cells) != len(self.columns):
            message = _("The number of values (%(values)d) is not the number of columns (%(columns)d).")
            return message % {"values": len(cells), "columns": len(self.columns)}
        return ""

    def _invalid(self, line: int, error: csv.Error) -> str:
        last = self._reader.line_num
        if last <= line:
            return _("The line is not valid CSV: %s.") % error
        message = _("Lines %(first)d to %(last)d are not valid CSV: %(error)s.")
        return message % {"first": line, "last": last, "error": error}


def _delimiter(file: BinaryIO) -> str:
    start = file.tell()
    head = file.read(BYTES_TO_FIND_THE_DELIMITER).decode("utf-8-sig", errors="replace")
    file.seek(start)

    def columns(delimiter: str) -> int:
        return len(next(csv.reader(io.StringIO(head, newline=""), delimiter=delimiter), []))

    return max(DELIMITERS, key=columns)
