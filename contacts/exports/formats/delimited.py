"""CSV files, as spreadsheets and other programs want them."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from contacts.exports.columns import Chunk, Column, Values
from contacts.exports.formats.base import DATE_CHOICES, FORMATS, Format, Note, plain_texts
from crm.csv_files import FORMULA, as_cell

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}
MARKS = {"utf-8-sig": ("utf-8", codecs.BOM_UTF8), "utf-16": ("utf-16-le", codecs.BOM_UTF16_LE)}
MAY_BE_FORMULAS = frozenset({"text", "several", "json"})
SUSPICIOUS = frozenset([*FORMULA, "'"])


class CsvOptions(forms.Form):
    delimiter = forms.ChoiceField(
        label=_("Delimiter"),
        choices=[("comma", _("Comma")), ("semicolon", _("Semicolon")), ("tab", _("Tab")), ("bar", _("Vertical bar"))],
        initial="comma",
    )
    encoding = forms.ChoiceField(
        label=_("Encoding"),
        choices=[
            ("utf-8-sig", _("UTF-8 with byte order mark, for spreadsheets")),
            ("utf-8", _("UTF-8")),
            ("utf-16", _("UTF-16")),
            ("cp1252", _("Windows-1252")),
        ],
        initial="utf-8-sig",
        help_text=_("Windows-1252 lacks many letters: they become question marks, and you are told how many."),
    )
    dates = forms.ChoiceField(
        label=_("Dates"),
        choices=DATE_CHOICES,
        initial="iso",
        help_text=_("Only ISO 8601 says moments exactly, with their time zone, and can be imported without asking."),
    )
    harmless = forms.BooleanField(
        label=_("Keep spreadsheets from running texts as formulas"),
        required=False,
        initial=True,
        help_text=_("Texts that begin with = + - or @ get an apostrophe first. An import takes it away again."),
    )


@FORMATS.register
class Csv(Format):
    key = "csv"
    label = _("CSV")
    explanation = _("For spreadsheets and nearly every other program. Any number of rows.")
    extension = "csv"
    content_type = "text/csv"
    options = CsvOptions

    def write(
        self, file: BinaryIO, columns: Sequence[Column], chunks: Iterator[Chunk], options: dict[str, Any]
    ) -> Note:
        encoding, mark = MARKS.get(options["encoding"], (options["encoding"], b""))
        guard = _guarded if options["harmless"] else _as_it_is
        writers = [_writer(column, options["dates"], guard) for column in columns]
        lines = io.StringIO()
        table = csv.writer(lines, delimiter=DELIMITERS[options["delimiter"]])
        file.write(mark)
        table.writerow(guard([column.name for column in columns]))
        replaced = _flush(lines, file, encoding)
        for chunk in chunks:
            cells = [write(values) for write, values in zip(writers, chunk, strict=True)]
            table.writerows(zip(*cells, strict=True))
            replaced += _flush(lines, file, encoding)
        return _told(replaced)


def _writer(column: Column, dates: str, guard: Callable[[Values], Values]) -> Callable[[Values], Values]:
    texts = plain_texts(column, dates)
    return (lambda values: guard(texts(values))) if column.kind in MAY_BE_FORMULAS else texts


def _guarded(texts: Values) -> Values:
    """The texts as `as_cell` gives them; which of them may be formulas is seen from their first character."""
    return [as_cell(text) if text and text[0] in SUSPICIOUS else text for text in texts]


def _as_it_is(texts: Values) -> Values:
    return texts


def _flush(lines: io.StringIO, file: BinaryIO, encoding: str) -> int:
    """Write what has gathered; returns how many characters the encoding does not have."""
    text = lines.getvalue()
    lines.seek(0)
    lines.truncate()
    try:
        file.write(text.encode(encoding))
    except UnicodeEncodeError:
        encoded = text.encode(encoding, "replace")
        file.write(encoded)
        return encoded.decode(encoding).count("?") - text.count("?")
    return 0


def _told(replaced: int) -> Note:
    if not replaced:
        return ""
    text = ngettext(
        "%(count)s character that the encoding does not have became a question mark.",
        "%(count)s characters that the encoding does not have became question marks.",
        replaced,
    )
    return text % {"count": replaced}
