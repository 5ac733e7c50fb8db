"""Texts with a delimiter: CSV as RFC 4180 and spreadsheets write it, TSV, and pasted rows."""

import csv
import re
from collections import deque
from collections.abc import Iterator
from io import StringIO
from itertools import islice
from typing import BinaryIO

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.imports.sources.encodings import LENGTH_OF_HEAD, head_of, opened
from contacts.imports.sources.formats import FORMATS, Format
from contacts.imports.sources.headers import is_header
from contacts.imports.sources.table import (
    DELIMITERS,
    ENCODINGS,
    LONGEST_CELL,
    LONGEST_RECORD,
    UNSTORABLE,
    Row,
    Source,
    Table,
    TableOfCells,
    showable,
    size_of,
)
from crm.csv_files import as_text

SAMPLE = 50
MOST_READ_AGAIN = 64 * LONGEST_CELL
SEP_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)  # Excel's way of naming the delimiter in a first line

csv.field_size_limit(LONGEST_CELL)  # one for the whole process; Python's own is an eighth of it


class RecordTooLong(csv.Error):
    """A line, or a record of several lines, is longer than can be read."""


@FORMATS.register
class Delimited(Format):
    key = "csv"
    label = gettext_lazy("CSV, TSV or other text with delimiters")
    extensions = ("csv", "tsv", "tab", "txt")
    has_encoding = True
    has_delimiter = True
    has_header = True

    def source(self, file: BinaryIO, *, encoding: str = "utf-8") -> Source:
        head = head_of(file, encoding)
        delimiter = delimiter_of(head)
        return Source("csv", encoding, delimiter, is_header(_sample(head, delimiter)))

    def open(self, file: BinaryIO, source: Source) -> Table:
        return DelimitedTable(file, source)


class DelimitedTable(TableOfCells):
    """A text with a delimiter.

    Quotation marks are read strictly. A record that breaks their rules is a problem of its own, and when its first
    line seems to have opened a quotation mark that nobody meant to, the lines behind it are read as records again.
    """

    def __init__(self, file: BinaryIO, source: Source) -> None:
        self._size = size_of(file)
        self._file = file
        self._source = source
        self._text = opened(file, source.encoding)
        self._line = 0
        self._record: list[str] = []  # the lines of the record that is being read
        self._again: deque[str] = deque()  # lines to be read once more
        self._read_again = 0
        self.columns = []
        self._pass_over_sep_line()
        self._begin(self._read(), header=source.header)

    def done(self) -> float:
        return min(1.0, self._file.tell() / max(1, self._size))

    def _pass_over_sep_line(self) -> None:
        first = self._text.readline(LONGEST_RECORD)
        if SEP_LINE.fullmatch(first):
            self._line = 1
        elif first:
            self._again.append(first)

    def _read(self) -> Iterator[Row]:
        reader = self._reader()
        while True:
            self._record.clear()
            line = self._line + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield self._broken(line, error)
                reader = self._reader()
                continue
            if any(map(str.strip, cells)):
                text = self._record[0] if len(self._record) == 1 else "".join(self._record)
                if "'" in text:
                    cells = [as_text(cell) for cell in cells]
                if problem := self._problem(text):
                    cells = list(map(showable, cells))
                yield Row(line, cells, problem)

    def _reader(self) -> Iterator[list[str]]:
        return csv.reader(self._lines(), delimiter=self._source.delimiter, strict=True)

    def _lines(self) -> Iterator[str]:
        record, again, readline = self._record, self._again, self._text.readline
        length = 0
        while line := again.popleft() if again else readline(LONGEST_RECORD):
            self._line += 1
            record.append(line)
            if len(line) == LONGEST_RECORD:
                while line and not line.endswith(("\n", "\r")):
                    line = readline(LONGEST_RECORD)
                raise RecordTooLong
            if len(record) > 1:
                length += len(line)
                if length > LONGEST_RECORD:
                    raise RecordTooLong
            else:
                length = len(line)
            yield line

    def _problem(self, text: str) -> str:
        if not text.isascii() and UNSTORABLE.search(text):
            return _("The line is not encoded in %s.") % ENCODINGS[self._source.encoding]
        if "\0" in text:
            return _("The line has a null character.")
        return ""

    def _broken(self, line: int, error: csv.Error) -> Row:
        """The row for a record that is not valid. It may give lines back to be read again."""
        if len(self._record) > 1 and self._stands_alone(self._record[1]):
            rest = self._record[1:]
            self._read_again += sum(map(len, rest))
            self._again.extendleft(reversed(rest))
            self._line = line
            return Row(line, self._made_out(), _("The quotation mark on this line is not closed as it should be."))
        if isinstance(error, RecordTooLong):
            reason = _("longer than %s characters") % f"{LONGEST_RECORD:,}"
            cells = []
        else:
            reason = str(error)
            cells = self._made_out()
        if self._line <= line:
            return Row(line, cells, _("The line is not valid CSV: %s.") % reason)
        message = _("Lines %(first)d to %(last)d are not valid CSV: %(error)s.")
        return Row(line, cells, message % {"first": line, "last": self._line, "error": reason})

    def _stands_alone(self, line: str) -> bool:
        """Whether a line inside quotation marks would be a row by itself."""
        if self._read_again > MOST_READ_AGAIN or not hasattr(self, "columns"):
            return False
        try:
            [cells] = csv.reader([line], delimiter=self._source.delimiter, strict=True)
        except (csv.Error, ValueError):
            return False
        return len(cells) == len(self.columns)

    def _made_out(self) -> list[str]:
        """The cells of the record's first line, whatever its quotation marks."""
        try:
            cells = next(csv.reader(self._record[:1], delimiter=self._source.delimiter), [])
        except csv.Error:
            return []
        return list(map(showable, cells))


def delimiter_of(head: str) -> str:
    """The delimiter that divides the first record into most columns, and those behind it into as many."""
    named = SEP_LINE.match(head)
    if named and named[1] in DELIMITERS:
        return named[1]

    def score(delimiter: str) -> float:
        records = _sample(head, delimiter)
        columns = len(records[0]) if records else 1
        return columns * sum(len(cells) == columns for cells in records) / len(records) if columns > 1 else 0

    return max(DELIMITERS, key=score)


def _sample(head: str, delimiter: str) -> list[list[str]]:
    """The first records that are not empty, without one that the end of the head cuts off."""
    named = SEP_LINE.match(head)
    text = StringIO(head[named.end() :] if named else head, newline="")
    whole = (cells for cells in csv.reader(text, delimiter=delimiter) if any(map(str.strip, cells)))
    records = list(islice(whole, SAMPLE))
    return records[:-1] if len(head) == LENGTH_OF_HEAD and 1 < len(records) < SAMPLE else records
