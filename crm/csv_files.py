"""Tables as CSV files that people open in a spreadsheet."""

import csv
import io
import itertools
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
BYTE_ORDER_MARK = "\ufeff"  # without it spreadsheets take UTF-8 for something else


def as_cell(value: Any) -> Any:
    """A value that a spreadsheet shows and does not run: a text that looks like a formula gets an apostrophe first.

    So does a text that looks as if it had got one already, so that `as_text` gives every text back.
    """
    if value is None:
        return ""
    if isinstance(value, int | float | Decimal | date):
        return value
    text = str(value)
    return f"'{text}" if text.lstrip("'").startswith(FORMULA) else text


def as_text(cell: str) -> str:
    """The text of a cell: without the apostrophe that keeps it from being a formula, as `as_cell` puts it there."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(FORMULA) else cell


def csv_response(name: str, header: Sequence[Any], rows: Iterable[Sequence[Any]]) -> HttpResponse:
    """The table as a file to download, called ``name`` with ``.csv`` added."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    response.write(BYTE_ORDER_MARK)
    writer = csv.writer(response)
    writer.writerow([as_cell(cell) for cell in header])
    writer.writerows([as_cell(cell) for cell in row] for row in rows)
    return response


def streamed_csv_response(name: str, header: Sequence[Any], rows: Iterable[Sequence[Any]]) -> StreamingHttpResponse:
    """A table of any length as a file to download, for programs: without a byte order mark, and in flat memory."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return StreamingHttpResponse(_lines(header, rows), content_type="text/csv; charset=utf-8", headers=headers)


def _lines(header: Sequence[Any], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    line = io.StringIO()
    writer = csv.writer(line)
    for row in itertools.chain([header], rows):
        writer.writerow([as_cell(cell) for cell in row])
        yield line.getvalue()
        line.seek(0)
        line.truncate()
