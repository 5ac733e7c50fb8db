"""HTML, as tablib writes it. It keeps the whole table in memory, so that this is for small ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import tablib
from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.exports.columns import Chunk, Column
from contacts.exports.formats.base import DATE_CHOICES, FORMATS, Format, Note, TooManyRows, plain_texts
from contacts.exports.formats.spreadsheet import clean_text

MOST_ROWS = 5_000


class DateOptions(forms.Form):
    dates = forms.ChoiceField(label=gettext_lazy("Dates"), choices=DATE_CHOICES, initial="iso")


@FORMATS.register
class Html(Format):
    """All cells are texts."""

    key = "html"
    label = gettext_lazy("HTML")
    explanation = gettext_lazy("A table to put on a page. Up to 5,000 rows.")
    extension = "html"
    content_type = "text/html; charset=utf-8"
    options = DateOptions
    most_rows = MOST_ROWS

    def write(
        self, file: BinaryIO, columns: Sequence[Column], chunks: Iterator[Chunk], options: dict[str, Any]
    ) -> Note:
        table = tablib.Dataset(headers=[clean_text(column.name) for column in columns], title=_("Export"))
        writers = [plain_texts(column, options["dates"]) for column in columns]
        for chunk in chunks:
            texts = [map(_clean, write(values)) for write, values in zip(writers, chunk, strict=True)]
            table.extend(zip(*texts, strict=True))
            if len(table) > MOST_ROWS:
                raise TooManyRows(
                    _("%(format)s holds up to %(most)s rows here. Choose CSV, XLSX or JSON lines.")
                    % {"format": self.label, "most": MOST_ROWS}
                )
        file.write(b'<!doctype html><meta charset="utf-8">')
        file.write(table.export("html").encode())
        return ""


def _clean(text: Any) -> str:
    return clean_text(text or "")
