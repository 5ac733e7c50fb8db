"""XLSX files, written as a stream: one sheet after the other goes straight into the archive, and nothing is kept."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import IO, Any, BinaryIO

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from contacts.exports.columns import Chunk, Column, Values
from contacts.exports.formats.base import (
    FORMATS,
    Format,
    Note,
    as_json_text,
    moment_writer,
    number_as_text,
)
from contacts.exports.formats.spreadsheet_parts import BEGINNING, END, PARTS, content_types, relations, workbook
from contacts.several import in_one_cell

ROWS_OF_A_SHEET = 1_048_575  # and the head
LONGEST_TEXT = 32_767
COMPRESSION = 3  # hardly larger than with 6, in half the time
DAY_ZERO = date(1899, 12, 30)
MOMENT_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001 (spreadsheets know no time zones)
FIRST_YEAR = 1901  # spreadsheets do not agree on the days before
DAY_STYLE, MOMENT_STYLE, HEAD_STYLE = 1, 2, 3
NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
MARKUP = re.compile("[&<>\r\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]|_x[0-9A-Fa-f]{4}_")
ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}
NO_CELL = "<c/>"


def clean_text(text: str) -> str:
    """The text without the control characters that XML cannot hold."""
    return NOT_IN_XML.sub("", text)


class XlsxOptions(forms.Form):
    moments = forms.ChoiceField(
        label=_("Dates with a time"),
        choices=[
            ("exact", _("As texts in ISO 8601, exact and with the time zone")),
            ("spreadsheet", _("As times of the spreadsheet, in the account's time zone, to the second")),
        ],
        initial="exact",
        help_text=_("Days without a time are always dates of the spreadsheet."),
    )


@FORMATS.register
class Xlsx(Format):
    key = "xlsx"
    label = _("Excel (XLSX)")
    explanation = _("For Excel, LibreOffice and others. More than 1,048,575 rows go on in a further sheet.")
    extension = "xlsx"
    content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    options = XlsxOptions

    def write(
        self, file: BinaryIO, columns: Sequence[Column], chunks: Iterator[Chunk], options: dict[str, Any]
    ) -> Note:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION) as archive:
            book = _Book(archive, columns, options["moments"])
            for chunk in chunks:
                book.add(chunk)
            book.end()
        return _told(book.cut)


class _Book:
    """The rows, on as many sheets as they need, each with the head. ``cut`` texts were longer than a cell holds."""

    def __init__(self, archive: zipfile.ZipFile, columns: Sequence[Column], moments: str) -> None:
        self.cut = 0
        self._archive = archive
        self._writers = [self._writer(column, moments) for column in columns]
        self._head = "".join(self._text(column.name, HEAD_STYLE) for column in columns)
        self._sheets = 0
        self._sheet = self._begin()

    def add(self, chunk: Chunk) -> None:
        cells = [write(values) for write, values in zip(self._writers, chunk, strict=True)]
        rows = [f"<row>{''.join(row)}</row>" for row in zip(*cells, strict=True)]
        while len(rows) > self._room:
            fitting, rows = rows[: self._room], rows[self._room :]
            self._put(fitting)
            self._finish()
            self._sheet = self._begin()
        self._put(rows)

    def end(self) -> None:
        self._finish()
        for name, part in PARTS.items():
            self._archive.writestr(name, part)
        self._archive.writestr("[Content_Types].xml", content_types(self._sheets))
        self._archive.writestr("xl/workbook.xml", workbook(self._sheets))
        self._archive.writestr("xl/_rels/workbook.xml.rels", relations(self._sheets))

    def _begin(self) -> IO[bytes]:
        self._sheets += 1
        self._room = ROWS_OF_A_SHEET
        sheet = self._archive.open(f"xl/worksheets/sheet{self._sheets}.xml", "w", force_zip64=True)
        sheet.write(f"{BEGINNING}<row>{self._head}</row>".encode())
        return sheet

    def _put(self, rows: list[str]) -> None:
        self._room -= len(rows)
        self._sheet.write("".join(rows).encode())

    def _finish(self) -> None:
        self._sheet.write(END.encode())
        self._sheet.close()

    def _writer(self, column: Column, moments: str) -> Callable[[Values], list[str]]:
        one = self._cell_of(column, moments)
        return lambda values: [NO_CELL if value is None or value == "" else one(value) for value in values]

    def _cell_of(self, column: Column, moments: str) -> Callable[[Any], str]:
        exact = moment_writer("iso")
        cells: dict[str, Callable[[Any], str]] = {
            "text": self._text,
            "number": lambda number: f"<c><v>{number_as_text(number)}</v></c>",
            "boolean": lambda value: f'<c t="b"><v>{int(value)}</v></c>',
            "date": self._day,
            "datetime": self._moment if moments == "spreadsheet" else lambda moment: self._text(exact(moment)),
            "several": lambda texts: self._text(in_one_cell(texts)),
            "json": lambda value: self._text(as_json_text(value)),
        }
        return cells[column.kind]

    def _text(self, text: str, style: int = 0) -> str:
        """A text that stands in the cell itself, where nothing makes a formula of it."""
        if len(text) > LONGEST_TEXT:
            self.cut += 1
            text = text[:LONGEST_TEXT]
        if MARKUP.search(text):
            text = MARKUP.sub(_escaped, text)
        styled = f' s="{style}"' if style else ""
        return f'<c{styled} t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'

    def _day(self, day: date) -> str:
        if day.year < FIRST_YEAR:
            return self._text(day.isoformat())
        return f'<c s="{DAY_STYLE}"><v>{(day - DAY_ZERO).days}</v></c>'

    def _moment(self, moment: Any) -> str:
        local = moment.astimezone(timezone.get_default_timezone()).replace(tzinfo=None, microsecond=0)
        if local.year < FIRST_YEAR:
            return self._text(local.isoformat(" "))
        return f'<c s="{MOMENT_STYLE}"><v>{(local - MOMENT_ZERO) / timedelta(days=1):.10f}</v></c>'


def _escaped(found: re.Match[str]) -> str:
    """What stands for this in the file: an entity, nothing, or a text that would else mean a character by its code."""
    text = found[0]
    return f"_x005F{text}" if len(text) > 1 else ENTITIES.get(text, "")


def _told(cut: int) -> Note:
    if not cut:
        return ""
    text = ngettext(
        "%(count)s text was cut after 32,767 characters, which is what a cell holds.",
        "%(count)s texts were cut after 32,767 characters, which is what a cell holds.",
        cut,
    )
    return text % {"count": cut}
