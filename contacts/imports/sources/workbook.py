"""Workbooks in the format XLSX."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, time
from itertools import chain, islice
from typing import Any, BinaryIO
from xml.etree.ElementTree import ParseError
from xml.parsers.expat import ExpatError
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from defusedxml.common import EntitiesForbidden
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from openpyxl.packaging.manifest import Manifest
from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.stylesheet import apply_stylesheet
from openpyxl.utils.datetime import from_excel, from_ISO8601
from openpyxl.xml.constants import SHARED_STRINGS

from contacts.imports.sources.formats import FORMATS, Format
from contacts.imports.sources.headers import is_header
from contacts.imports.sources.table import (
    MOST_COLUMNS,
    UNSTORABLE,
    Row,
    Source,
    Table,
    TableOfCells,
    UnreadableFile,
    number_as_text,
    showable,
)
from contacts.imports.sources.workbook_xml import RawCell, SharedStrings, entities, rows, unescaped

logger = logging.getLogger(__name__)

SAMPLE = 50
MOST_PARTS = 5_000
LARGEST_UNPACKED = 4 * 2**30
LARGEST_OTHER_PART = 64 * 2**20  # styles and the like, which are read at once
LARGEST_RATIO = 200  # real workbooks reach 50; what is made to explode reaches 1,000
SMALL = 10 * 2**20
STREAMED = ("xl/worksheets/", "xl/sharedStrings", "xl/media/")
DAMAGED = (
    *(AttributeError, BadZipFile, EOFError, ExpatError, LookupError, NotImplementedError, OSError, ParseError),
    *(OverflowError, RuntimeError, TypeError, ValueError, zlib.error),
)


@FORMATS.register
class XLSX(Format):
    key = "xlsx"
    label = gettext_lazy("Excel workbook (XLSX)")
    extensions = ("xlsx", "xlsm")
    has_header = True

    def source(self, file: BinaryIO, *, encoding: str = "utf-8") -> Source:
        workbook = Workbook(file)
        for sheet in workbook.sheets:
            if sample := list(islice(workbook.records(sheet), SAMPLE)):
                return Source("xlsx", sheet=sheet, header=is_header([row.cells for row in sample]))
        raise UnreadableFile(_("The workbook is empty."))

    def open(self, file: BinaryIO, source: Source) -> Table:
        return WorkbookTable(file, source)

    def sheets(self, file: BinaryIO) -> list[str]:
        return list(Workbook(file).sheets)


class WorkbookTable(TableOfCells):
    """One sheet of a workbook. Columns with values but without a name have a number; rows that end early are filled."""

    def __init__(self, file: BinaryIO, source: Source) -> None:
        self._workbook = Workbook(file)
        if source.sheet not in self._workbook.sheets:
            raise UnreadableFile(_("The workbook has no sheet “%s”.") % source.sheet)
        records = self._workbook.records(source.sheet)
        first = list(islice(records, SAMPLE))
        self._width = max((len(row.cells) for row in first), default=0)
        self._begin(map(self._filled, chain(first, records)), header=source.header)

    def done(self) -> float:
        return self._workbook.done()

    def _filled(self, row: Row) -> Row:
        row.cells.extend([""] * (self._width - len(row.cells)))
        return row


class Workbook:
    """An XLSX file: the visible sheets and their rows. Raises `UnreadableFile`."""

    def __init__(self, file: BinaryIO) -> None:
        with readable():
            file.seek(0)
            reader = _Reader(file, read_only=True, data_only=True, keep_links=False)
            check_archive(reader.archive)
            reader.read_small_parts()
        self._archive = reader.archive
        self._reader = reader
        self._book: Any = reader.wb
        self._stream: Any = None
        self._strings: SharedStrings | None = None

    @property
    def sheets(self) -> list[str]:
        return list(self._reader.paths_of_sheets)

    def records(self, sheet: str) -> Iterator[Row]:
        """The rows of a sheet that are not empty, up to the last cell with a value. Raises `UnreadableFile`."""
        with readable():
            self._open_strings()
            path = self._reader.paths_of_sheets[sheet]
            self._size = self._archive.getinfo(path).file_size
            with self._archive.open(path) as self._stream:
                for number, cells in rows(self._stream):
                    row = self._row(number, cells)
                    if any(map(str.strip, row.cells)) or row.problem:
                        yield row

    def done(self) -> float:
        if self._stream is None:
            return 0.0
        return 1.0 if self._stream.closed else min(1.0, self._stream.tell() / max(1, self._size))

    def _open_strings(self) -> None:
        if self._strings is None:
            path = self._reader.path_of_strings
            if path in self._archive.namelist():
                with self._archive.open(path) as stream:
                    self._strings = SharedStrings(stream)
            else:
                self._strings = SharedStrings(None)

    def _row(self, number: int, cells: list[RawCell]) -> Row:
        texts: list[str] = []
        problem = ""
        for cell in cells:
            if cell.has_formula and not cell.text:
                problem = _("A formula has no result. Open the workbook in a spreadsheet program and save it again.")
            text = self._text(cell)
            if not text:
                continue
            if cell.column > MOST_COLUMNS:
                problem = _("There is a value beyond column %s.") % f"{MOST_COLUMNS:,}"
                continue
            if UNSTORABLE.search(text):
                problem, text = _("The row has a character that cannot be stored."), showable(text)
            texts.extend([""] * (cell.column + 1 - len(texts)))
            texts[cell.column] = text
        return Row(number, texts, problem)

    def _text(self, cell: RawCell) -> str:
        assert self._strings
        text = cell.text
        match cell.kind:
            case "s":
                return unescaped(self._strings.at(int(text))) if text else ""
            case "n":
                return self._number(cell) if text else ""
            case "b":
                return "true" if text == "1" else "false" if text else ""
            case "d":
                return _moment(from_ISO8601(text)) if text else ""
            case _:
                return unescaped(text)

    def _number(self, cell: RawCell) -> str:
        text = cell.text
        if cell.style in self._book._date_formats:
            try:
                timedelta = cell.style in self._book._timedelta_formats
                return _moment(from_excel(float(text), self._book.epoch, timedelta=timedelta))
            except (OverflowError, ValueError):
                return text
        return text if text.isdecimal() else number_as_text(float(text))


class _Reader(ExcelReader):
    """openpyxl's reader of everything but the large parts."""

    package: Manifest

    def read_small_parts(self) -> None:
        """Read which parts there are, the visible sheets, and the styles that tell dates from numbers."""
        self.read_manifest()
        strings = self.package.find(SHARED_STRINGS)
        self.path_of_strings = strings.PartName[1:] if strings is not None else ""
        self.read_workbook()
        apply_stylesheet(self.archive, self.wb)
        self.paths_of_sheets = {
            sheet.name: part.target
            for sheet, part in self.parser.find_sheets()
            if sheet.state == "visible" and part.target in self.valid_files and part.Type.endswith("/worksheet")
        }


def check_archive(archive: ZipFile) -> None:
    """Raises `UnreadableFile` when unpacking the archive could exhaust the machine."""
    parts = archive.infolist()
    if any(part.flag_bits & 1 for part in parts):
        raise UnreadableFile(_("The workbook is protected with a password. Save it without one."))
    names = {part.filename for part in parts}
    if "[Content_Types].xml" not in names or not any(name.startswith("xl/") for name in names):
        raise UnreadableFile(_("The file is a ZIP archive, but no workbook in the format XLSX."))
    if any(part.compress_type not in (ZIP_STORED, ZIP_DEFLATED) for part in parts):
        raise UnreadableFile(_("The workbook is compressed in a way that no spreadsheet program uses."))
    unpacked = sum(part.file_size for part in parts)
    too_large = (
        len(parts) > MOST_PARTS
        or unpacked > LARGEST_UNPACKED
        or any(part.file_size > max(SMALL, LARGEST_RATIO * part.compress_size) for part in parts)
        or any(part.file_size > LARGEST_OTHER_PART and not part.filename.startswith(STREAMED) for part in parts)
    )
    if too_large:
        raise UnreadableFile(_("The workbook would take too much space unpacked. Save it as CSV."))


@contextmanager
def readable() -> Iterator[None]:
    """What goes wrong inside means that the file is damaged, whichever part of the reading noticed it."""
    try:
        yield
    except UnreadableFile:
        raise
    except DAMAGED as error:
        logger.info("A workbook could not be read.", exc_info=error)
        if isinstance(error, EntitiesForbidden):
            raise UnreadableFile(entities()) from error
        message = _("The workbook is damaged. Open it in a spreadsheet program and save it again.")
        raise UnreadableFile(message) from error


def _moment(value: Any) -> str:
    """A date, time or duration as ISO 8601 writes it; midnight is the day."""
    if isinstance(value, datetime):
        return value.isoformat(" ") if value.time() != time() else value.date().isoformat()
    return str(value)
