"""JSON lines: one object on every line."""

import json
import math
from collections.abc import Iterator
from itertools import chain
from typing import Any, BinaryIO

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.imports.sources.encodings import opened
from contacts.imports.sources.formats import FORMATS, Format
from contacts.imports.sources.table import (
    ENCODINGS,
    LONGEST_CELL,
    LONGEST_RECORD,
    UNSTORABLE,
    Row,
    Source,
    Table,
    UnreadableFile,
    named_columns,
    number_as_text,
    size_of,
)
from contacts.several import in_one_cell

LINES_THAT_NAME_COLUMNS = 1_000
CHARACTERS_THAT_NAME_COLUMNS = 2 * LONGEST_RECORD


class NotReadable(ValueError):
    """A line is no object that can be imported; the text says why."""


@FORMATS.register
class JSONLines(Format):
    key = "jsonl"
    label = gettext_lazy("JSON lines")
    extensions = ("jsonl", "ndjson", "jsonlines", "json")
    has_encoding = True

    def source(self, file: BinaryIO, *, encoding: str = "utf-8") -> Source:
        return Source("jsonl", encoding)

    def open(self, file: BinaryIO, source: Source) -> Table:
        return JSONLinesTable(file, source)


class JSONLinesTable(Table):
    """One JSON object on every line. The keys of the first lines are the columns; a key that comes later is a problem.

    No value and null are an empty cell, and a list of texts is one cell with bars between them, as for several choices.
    Other lists and objects are kept as JSON.
    """

    def __init__(self, file: BinaryIO, source: Source) -> None:
        self._size = size_of(file)
        self._file = file
        self._encoding = source.encoding
        self._text = opened(file, source.encoding)
        lines = self._objects()
        self._first: list[tuple[int, dict[str, str], str]] = []
        keys: dict[str, None] = {}
        characters = 0
        for line, cells, problem in lines:
            self._first.append((line, cells, problem))
            keys |= dict.fromkeys(cells)
            characters += sum(map(len, cells.values()))
            if len(self._first) >= LINES_THAT_NAME_COLUMNS or characters > CHARACTERS_THAT_NAME_COLUMNS:
                break
        self._lines = lines
        if not self._first:
            raise UnreadableFile(_("The file is empty."))
        if not keys:
            line, _cells, problem = self._first[0]
            reason = problem or _("The object has no keys.")
            raise UnreadableFile(_("Line %(line)d: %(problem)s") % {"line": line, "problem": reason})
        self._keys = list(keys)
        self._known = frozenset(keys)
        self.columns = named_columns(self._keys)

    def done(self) -> float:
        return min(1.0, self._file.tell() / max(1, self._size))

    def _rows(self) -> Iterator[Row]:
        first, self._first = self._first, []
        for line, cells, problem in chain(first, self._lines):
            unknown = cells.keys() - self._known
            if unknown and not problem:
                message = _("The key “%(key)s” is in none of the first %(lines)s lines, which name the columns.")
                problem = message % {"key": min(unknown), "lines": f"{LINES_THAT_NAME_COLUMNS:,}"}
            yield Row(line, [cells.get(key, "") for key in self._keys], problem)

    def _objects(self) -> Iterator[tuple[int, dict[str, str], str]]:
        """The number of each line that is not empty, its cells, and what is wrong with it."""
        number = 0
        while text := self._text.readline(LONGEST_RECORD):
            number += 1
            if len(text) == LONGEST_RECORD:
                while text and not text.endswith(("\n", "\r")):
                    text = self._text.readline(LONGEST_RECORD)
                yield number, {}, _("The line is longer than %s characters.") % f"{LONGEST_RECORD:,}"
            elif text := text.strip():
                try:
                    yield number, self._cells(text), ""
                except NotReadable as problem:
                    yield number, {}, str(problem)

    def _cells(self, text: str) -> dict[str, str]:
        if not text.isascii() and UNSTORABLE.search(text):
            raise NotReadable(_("The line is not encoded in %s.") % ENCODINGS[self._encoding])
        cells = {key.strip(): as_text(value) for key, value in _parsed(text).items()}
        if "\\u" in text:
            _check_escaped(cells)
        if len(text) > LONGEST_CELL and max(map(len, cells.values()), default=0) > LONGEST_CELL:
            raise NotReadable(_("The line has a value longer than %s characters.") % f"{LONGEST_CELL:,}")
        return cells


def as_text(value: Any) -> str:
    """A JSON value as the text of a cell."""
    match value:
        case str():
            return value
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return number_as_text(value)
        case list() if all(isinstance(item, str) for item in value):
            return in_one_cell(value)
        case _:
            return json.dumps(value, ensure_ascii=False)


def _parsed(text: str) -> dict[str, Any]:
    try:
        value = json.loads(
            text, object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant, parse_float=_finite
        )
    except NotReadable:
        raise
    except RecursionError:
        raise NotReadable(_("The line is nested too deeply.")) from None
    except json.JSONDecodeError as error:
        message = _("The line is not valid JSON: %(error)s at character %(place)d.")
        raise NotReadable(message % {"error": error.msg, "place": error.pos + 1}) from error
    except (ValueError, OverflowError) as error:
        raise NotReadable(_("The line has a number with too many digits.")) from error
    if not isinstance(value, dict):
        raise NotReadable(_("The line is not a JSON object."))
    return value


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _value in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise NotReadable(_("The line has the key “%s” twice.") % twice)
    return found


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise OverflowError
    return number


def _refuse_constant(name: str) -> None:
    raise NotReadable(_("%s is not a JSON number.") % name)


READER = json.JSONDecoder(object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant, parse_float=_finite)


def _check_escaped(cells: dict[str, str]) -> None:
    for text in (*cells, *cells.values()):
        if "\0" in text:
            raise NotReadable(_("The line has a null character."))
        if UNSTORABLE.search(text):
            raise NotReadable(_("The line has half a character."))
