"""The XML inside a workbook, read piece by piece, however large it is."""

from __future__ import annotations

import os
import re
import tempfile
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import IO
from xml.parsers import expat

from django.utils.translation import gettext as _

from contacts.imports.sources.table import LONGEST_CELL, UnreadableFile

Starts = dict[str, Callable[[dict[str, str]], None]]
Ends = dict[str, Callable[[], None]]

PIECE = 2**16
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main "
ROW, CELL, VALUE, FORMULA = f"{MAIN}row", f"{MAIN}c", f"{MAIN}v", f"{MAIN}f"
TEXT, PHONETIC, STRING = f"{MAIN}t", f"{MAIN}rPh", f"{MAIN}si"
ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
LETTERS = re.compile("[A-Z]{1,3}")


@dataclass(slots=True)
class RawCell:
    """A cell as the file has it: the column, counted from 0; the type and style that say what the text is."""

    column: int
    kind: str
    style: int
    text: str = ""
    has_formula: bool = False


class _Texts:
    """Collects the characters of one text after the other: those in some elements, but no hints of pronunciation."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._listening = False
        self._in_phonetic = False
        self.starts: Starts = {VALUE: self._listen, TEXT: self._listen, PHONETIC: self._phonetic_starts}
        self.ends: Ends = {VALUE: self._stop, TEXT: self._stop, PHONETIC: self._phonetic_ends}

    def begin(self) -> None:
        self._parts.clear()
        self._length = 0

    def text(self) -> str:
        return "".join(self._parts)

    def hear(self, characters: str) -> None:
        if self._listening:
            self._length += len(characters)
            if self._length > LONGEST_CELL:
                message = _("The workbook has a cell with more than %s characters.")
                raise UnreadableFile(message % f"{LONGEST_CELL:,}")
            self._parts.append(characters)

    def _listen(self, attributes: dict[str, str]) -> None:
        self._listening = not self._in_phonetic

    def _stop(self) -> None:
        self._listening = False

    def _phonetic_starts(self, attributes: dict[str, str]) -> None:
        self._in_phonetic = True

    def _phonetic_ends(self) -> None:
        self._in_phonetic = False


class _Rows:
    """Collects the rows of a sheet."""

    def __init__(self) -> None:
        self.texts = _Texts()
        self.found: list[tuple[int, list[RawCell]]] = []
        self.starts = self.texts.starts | {ROW: self._row, CELL: self._cell, FORMULA: self._formula}
        self.ends = self.texts.ends | {ROW: self._end_row, CELL: self._end_cell}
        self._number = 0
        self._cells: list[RawCell] = []
        self._current = RawCell(-1, "n", 0)

    def _row(self, attributes: dict[str, str]) -> None:
        self._number = int(attributes.get("r") or self._number + 1)
        self._cells = []
        self._current = RawCell(-1, "n", 0)

    def _cell(self, attributes: dict[str, str]) -> None:
        column = _column(attributes["r"]) if "r" in attributes else self._current.column + 1
        self._current = RawCell(column, attributes.get("t", "n"), int(attributes.get("s") or 0))
        self.texts.begin()

    def _formula(self, attributes: dict[str, str]) -> None:
        self._current.has_formula = True

    def _end_cell(self) -> None:
        self._current.text = self.texts.text()
        self._cells.append(self._current)

    def _end_row(self) -> None:
        self.found.append((self._number, self._cells))


def rows(stream: IO[bytes]) -> Iterator[tuple[int, list[RawCell]]]:
    """The rows of a sheet by their numbers, with the cells that are there."""
    sheet = _Rows()
    for _piece in _parsed(stream, sheet.starts, sheet.ends, sheet.texts.hear):
        yield from sheet.found
        sheet.found.clear()


class SharedStrings:
    """The texts that a workbook keeps once for all its cells; in a temporary file, because there may be millions."""

    def __init__(self, stream: IO[bytes] | None) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  (it lives as long as the workbook is read)
        self._ends = array("Q", [0])
        self._texts = _Texts()
        if stream:
            starts = self._texts.starts | {STRING: lambda attributes: self._texts.begin()}
            for _piece in _parsed(stream, starts, self._texts.ends | {STRING: self._keep}, self._texts.hear):
                pass
        self._file.flush()
        self.at = lru_cache(10_000)(self._at)

    def _keep(self) -> None:
        written = self._file.write(self._texts.text().encode("utf-8", "surrogatepass"))
        self._ends.append(self._ends[-1] + written)

    def _at(self, place: int) -> str:
        begin, end = self._ends[place], self._ends[place + 1]
        return os.pread(self._file.fileno(), end - begin, begin).decode("utf-8", "surrogatepass")


def unescaped(text: str) -> str:
    """The text with the characters that XML cannot have, such as a carriage return, which Excel writes as _x000D_."""
    return ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


@lru_cache(2_000)
def _column_of(letters: str) -> int:
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - 64
    return column - 1


def _column(reference: str) -> int:
    letters = LETTERS.match(reference)
    if not letters:
        raise UnreadableFile(_("The workbook is damaged: it has a cell called “%s”.") % reference[:20])
    return _column_of(letters[0])


def _parsed(stream: IO[bytes], starts: Starts, ends: Ends, hear: Callable[[str], None]) -> Iterator[None]:
    """Tell the functions what is in the XML; pauses after every piece, and before an error for what precedes it."""

    def start(tag: str, attributes: dict[str, str]) -> None:
        if known := starts.get(tag):
            known(attributes)

    def end(tag: str) -> None:
        if known := ends.get(tag):
            known()

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = hear
    parser.StartDoctypeDeclHandler = _refuse_document_type
    while piece := stream.read(PIECE):
        try:
            parser.Parse(piece, False)
        except expat.ExpatError:
            yield
            raise
        yield
    parser.Parse(b"", True)
    yield


def _refuse_document_type(*declaration: object) -> None:
    """Workbooks have none, and entities, which could grow without end, need one."""
    raise UnreadableFile(entities())


def entities() -> str:
    """Why a workbook with entities is refused."""
    return _("The workbook declares XML entities, which no spreadsheet program does.")
